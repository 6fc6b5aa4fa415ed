"""What a repeatable file makes, and whether the database still has it as that made it."""

import re
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from ...files.script import Section
from ...sql.queries import Query
from ...sql.scanner import Statement
from .backend import Part

UNREADABLE = "?"  # stands for a definition that this user may not see
NAME = r'(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|\[[^\]]+\]|[\w$]+)'
_CREATES = re.compile(
    r"CREATE\s+(?:(?:OR\s+REPLACE|OR\s+ALTER|FORCE|RECURSIVE|CONSTRAINT|UNLOGGED|AGGREGATE"
    r"|ALGORITHM\s*=\s*\w+|DEFINER\s*=\s*\S+|SQL\s+SECURITY\s+\w+)\s+)*"
    r"(?P<kind>(?:MATERIALIZED\s+)?VIEW|FUNCTION|PROCEDURE|AGGREGATE|TRIGGER|EVENT|TYPE|DOMAIN"
    rf"|TABLE)\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>{NAME}(?:\s*\.\s*{NAME})?)",
    re.IGNORECASE,
)
_KINDS = {"PROCEDURE": "function", "AGGREGATE": "function", "DOMAIN": "type"}


class Made(NamedTuple):
    """An object by its kind and its name, as the file writes it."""

    kind: str
    name: str


class Objects(Part):
    """Looks in the catalogue; what only running tells (a DO block, EXECUTE) is not known."""

    # By kind the SQL for the definition of what has the name {name}, NULL where there is none.
    definitions: ClassVar[Mapping[str, str]] = {}
    # By kind the SQL for the name {name} as it means the same whatever the session looks for first.
    full_names: ClassVar[Mapping[str, str]] = {}

    def made_by(self, section: Section) -> list[Made]:
        """What the statements of a section make, as far as their words tell."""
        found = map(self.made, section.statements)
        return list(dict.fromkeys(made for made in found if made))

    def made(self, statement: Statement) -> Made | None:
        """What a single statement makes."""
        if statement.keyword != "CREATE":
            return None
        lead = self.backend.operations.lead(statement)
        match = _CREATES.match(lead)
        if not match:
            return None
        word = match["kind"].upper().split()[-1]
        made = Made(_KINDS.get(word, word.lower()), self.name(match["name"]))
        return made if made.kind in self.definitions else None

    def name(self, written: str) -> str:
        """The name as the catalogue is asked for it."""
        return written

    def recording(self, table: str, columns: Mapping[str, str], key: str, made: Made) -> Query:
        """What records an object with its definition, where it is there."""
        names = ", ".join(columns[name] for name in ("namespace", "key", "kind", "name"))
        name = self.full_names.get(made.kind, "{name}").format(name="%s")
        definition = self.definitions[made.kind].format(name=name)
        return Query(
            f"INSERT INTO {table} ({names}, definition)"
            f" SELECT %s, %s, %s, {name}, found.definition"
            f" FROM (SELECT {definition} AS definition) AS found"
            " WHERE found.definition IS NOT NULL",
            ("", key, made.kind, *(made.name,) * (name + definition).count("%s")),
        )

    def unmade(self, table: str, columns: Mapping[str, str]) -> list[tuple[str, str]]:
        """The key and name of each object that is gone, or is not what was made; one query."""
        kinds = " ".join(
            f"WHEN '{kind}' THEN {sql.format(name='made.name')}"
            for kind, sql in self.definitions.items()
        )
        key = columns["key"]
        return self.execute(
            f"SELECT found.{key}, found.name FROM (SELECT id, made.{key}, made.name,"
            f" made.definition, CASE made.kind {kinds} END AS present FROM {table} AS made"
            " WHERE made.namespace = '') AS found WHERE found.present IS NULL"
            f" OR (found.present <> found.definition AND found.present <> '{UNREADABLE}'"
            f" AND found.definition <> '{UNREADABLE}') ORDER BY found.id"
        )


def unquoted(written: str) -> str:
    """The last part of a name without its quotes."""
    last = re.findall(NAME, written)[-1]
    return str(last[1:-1].replace(last[0] * 2, last[0])) if last[0] in '"`[' else str(last)
