"""What a file may not do to the history of its migrations, as far as its words tell."""

import re
from collections.abc import Collection
from functools import cached_property

from ..backends.base.values import Obstacle
from ..database import Database
from ..files.script import Section
from ..history.tables import table_names
from ..sql.scanner import Statement

_LEAVE_OUT = (
    "leave it out: jetbase_resolve, jetbase_rollback --fake and the like change what the history"
    " says"
)
# What stands before the tables that a statement changes, by its keyword.
_BEFORE = {
    "ALTER": r"ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?",
    "COPY": r"COPY\s+(?=[^;]*\bFROM\b)",
    "CREATE": (
        r"CREATE\s+(?:(?!AS\b)[^\s(;]+\s+)*?(?:TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"
        r"|(?:TRIGGER|POLICY)\s(?:(?!\bON\b).)*+\bON\s+|RULE\s(?:(?!\bTO\b).)*+\bTO\s+)"
    ),
    "DELETE": r"DELETE\s+(?:(?:LOW_PRIORITY|QUICK|IGNORE|FROM|ONLY)\s+)*",
    "DROP": r"DROP\s+TABLE\s+.*?",
    "INSERT": r"INSERT\s+(?:(?:\w+_PRIORITY|DELAYED|IGNORE|OR\s+\w+|INTO)\s+)*",
    "LOAD": r"LOAD\s+DATA\s.*?\bINTO\s+TABLE\s+",
    "MERGE": r"MERGE\s+INTO\s+(?:ONLY\s+)?",
    "RENAME": r"RENAME\s+TABLES?\s+.*?",
    "REPLACE": r"REPLACE\s+(?:(?:LOW_PRIORITY|DELAYED|INTO)\s+)*",
    "TRUNCATE": r"TRUNCATE\s+.*?",
    "UPDATE": r"UPDATE\s+(?:(?:LOW_PRIORITY|IGNORE|ONLY|OR\s+\w+)\s+)*",
    "WITH": r"WITH\s.*?\b(?:DELETE\s+FROM|INSERT\s+INTO|UPDATE)\s+(?:ONLY\s+)?",
}
_NAME = r'"(?:[^"]|"")+"|`(?:[^`]|``)+`|\[[^\]]+\]|[\w$]+'
_WHOLE = re.compile(
    r"(?:DROP\s+(?P<kind>SCHEMA|DATABASE)\s+(?:IF\s+EXISTS\s+)?|ALTER\s+SCHEMA\s+(?=.*\bRENAME\b))"
    rf"(?P<names>(?:{_NAME})(?:\s*,\s*(?:{_NAME}))*)",
    re.IGNORECASE | re.DOTALL,
)
_OF_WHOLE = ("DROP", "ALTER")
_FLAGS = re.IGNORECASE | re.DOTALL


class OwnTables:
    """The tables of the history of one database, which only its commands change."""

    def __init__(self, database: Database) -> None:
        self.backend = database.backend
        self.tables = database.tables

    def may_be_changed_by(self, section: Section) -> Collection[str]:
        """The first words of its statements that can do so; others are not looked at."""
        text = section.text.lower()
        if self.tables.prefix.lower() in text:
            return _BEFORE.keys()
        return _OF_WHOLE if "schema" in text or "database" in text else ()

    def obstacle(self, statement: Statement) -> Obstacle | None:
        """Why the statement must not run; None where it leaves the history alone."""
        parts = self.backend.operations.parts(statement)
        return next(filter(None, map(self._obstacle_of, parts)), None)

    def _obstacle_of(self, statement: Statement) -> Obstacle | None:
        if statement.keyword not in _BEFORE:
            return None
        sql = (statement.rules or self.backend.lexicon).spacing.sub(" ", statement.text)
        if found := _WHOLE.match(sql):
            return self._obstacle_to_all(found)
        found = self._changed[statement.keyword].match(sql)
        if not found or not self._is_here(found["schema"]):
            return None
        said = f"{statement.keyword} changes {found['name']}, a table of the history of migrations"
        return Obstacle(said, _LEAVE_OUT)

    def _obstacle_to_all(self, found: re.Match[str]) -> Obstacle | None:
        names = {_plain(name) for name in re.findall(_NAME, found["names"])}
        schema, connection = self.tables.schema, self.backend.connection
        is_database = (found["kind"] or "").upper() == "DATABASE"
        if is_database or not self.backend.features.has_schemas:
            if _plain(str(connection.settings_dict["NAME"])) not in names:
                return None
            return Obstacle(
                "this drops the database that the alias is connected to, with the history",
                "leave it out, and what makes the database anew behind it",
            )
        if schema is None or _plain(schema) not in names:
            return None
        return Obstacle(
            f"the history of migrations is in the schema {schema}",
            "drop what is in it by name, or have the history elsewhere: HISTORY_SCHEMA",
        )

    def _is_here(self, schema: str | None) -> bool:
        return (
            schema is None
            or self.tables.schema is None
            or (_plain(schema) == _plain(self.tables.schema))
        )

    @cached_property
    def _changed(self) -> dict[str, re.Pattern[str]]:
        """By keyword a statement that changes one of the tables."""
        names = "|".join(map(re.escape, table_names(self.tables.prefix)))
        table = (
            rf"(?<![\w$.])(?:(?P<schema>{_NAME})\s*\.\s*)?"
            rf"[\"`\[]?(?P<name>{names})[\"`\]]?(?![\w$])(?!\s+OWNER\b)"
        )
        return {keyword: re.compile(before + table, _FLAGS) for keyword, before in _BEFORE.items()}


def _plain(name: str) -> str:
    """A name without its quotes, however the database takes its letters."""
    return name.strip('"`[]').lower()
