"""In which schema of a PostgreSQL database the history is.

The setting HISTORY_SCHEMA decides; else the first schema that the search_path of the alias names
literally; else the history that is there, or, for a new one, the schema where tables are made.
"""

import re
import string
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import django

from ...exceptions import HistoryError
from ..base.backend import Backend
from ..base.values import Location

_NAME = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^\s,"]+))\s*(?:,|\Z)')
_OPTION_WORD = re.compile(r"(?:\\.|[^\s\\])+", re.DOTALL)
_OWN = "$user"
_FOLDED = {ord(letter): letter.lower() for letter in string.ascii_uppercase}
_PIN = 'name the schema of the history in JETBASE["HISTORY_SCHEMA"]'


class _Table(NamedTuple):
    """A table of a history; `hidden` if rows of it may be kept from the role that asks."""

    schema: str
    name: str
    usable: bool
    hidden: bool


def names_in(search_path: str) -> list[str]:
    """The schemas that a search_path names, as the server reads it."""
    found = (
        plain.translate(_FOLDED) or quoted.replace('""', '"')
        for quoted, plain in _NAME.findall(search_path)
    )
    return [name for name in found if name]


def first_literal(names: Iterable[str]) -> str | None:
    """The first schema that stands for itself and is none of the system's."""
    return next((name for name in names if name != _OWN and not name.startswith("pg_")), None)


def search_path_of(options: str) -> str | None:
    """The search_path that the connection's `options` give the server; None where they do not."""
    found = None
    words = [re.sub(r"\\(.)", r"\1", word) for word in _OPTION_WORD.findall(options)]
    for flag, word in zip(["", *words], words, strict=False):
        setting = word.removeprefix("--").removeprefix("-c") if word[:1] == "-" else ""
        setting = word if flag == "-c" else setting
        name, _, value = setting.partition("=")
        if name.replace("-", "_").lower() == "search_path":
            found = value
    return found


def asked_for(settings: Mapping[str, Any]) -> str | None:
    """The search_path that the OPTIONS of an alias name; None where they name none."""
    return search_path_of(str(settings["OPTIONS"].get("options") or ""))


class Locator:
    """Finds the history of one alias; `tables` are the names of its tables, the main one first.

    `claimed` gives the schemas that other aliases of the same database have theirs in.
    """

    def __init__(
        self,
        backend: Backend,
        tables: Sequence[str],
        setting: str | None,
        claimed: Callable[[], Collection[str]],
    ) -> None:
        self.backend = backend
        self.tables = tables
        self.setting = setting
        self.claimed = claimed
        self.asked_for = asked_for(backend.connection.settings_dict)

    def locate(self) -> Location:
        """Raises HistoryError where it cannot be told, or not be read whole."""
        wanted = self.setting or first_literal(names_in(self.asked_for or ""))
        (self.path, self.first, self.role), rows = self._ask(
            "n.nspname = ANY (current_schemas(false)) OR n.nspname = %s", (wanted or "",)
        )
        self.names = names_in(self.path)
        if self.asked_for is not None and names_in(self.asked_for) != self.names:
            raise HistoryError(
                f"The OPTIONS of the alias {self.backend.connection.alias!r} ask for the"
                f" search_path {self.asked_for!r}, but the session has {self.path!r}: a pooler"
                " between may have dropped it, or the project sets another. Let both be the same."
            )
        return self._location(self._decide(rows), rows)

    def _location(self, schema: str, rows: Sequence[_Table]) -> Location:
        here = [row for row in rows if row.schema == schema]
        names = {row.name for row in here}
        if self.tables[0] in names and len(names) < len(self.tables):
            self._require_whole(schema, names, self._ask("true", ())[1])
        for row in here:
            if row.hidden:
                table = f"{self._quoted(row.schema)}.{row.name}"
                raise HistoryError(
                    f"Row-level security may hide rows of the history, in {table}, from the role"
                    f" {self.role!r}: read it as the owner of the table or as a role with"
                    f" BYPASSRLS, or ALTER TABLE {table} DISABLE ROW LEVEL SECURITY."
                )
        if "$" in schema and django.VERSION < (6, 1):
            raise HistoryError(
                f"Django reads no table of the schema {schema!r} before its release 6.1, because of"
                f" the dollar sign: {_PIN}, one without."
            )
        adopted = schema not in (self.setting, self.role, *self.names)
        return Location(schema, frozenset(names), adopted)

    def _require_whole(self, schema: str, names: set[str], rows: Sequence[_Table]) -> None:
        """Raise where tables that are lacking here stand alone elsewhere."""
        whole = {row.schema for row in rows if row.name == self.tables[0]}
        lost = [row for row in rows if row.name not in names and row.schema not in whole]
        if not lost:
            return
        moves = "; ".join(
            f"ALTER TABLE {self._quoted(row.schema)}.{row.name} SET SCHEMA {self._quoted(schema)}"
            for row in lost
        )
        raise HistoryError(
            f"The tables of the history are apart: {self.tables[0]} is in the schema {schema!r},"
            f" {lost[0].name} in {lost[0].schema!r}. Bring them together: {moves}."
        )

    def _ask(
        self, where: str, params: tuple[str, ...]
    ) -> tuple[tuple[str, str | None, str], list[_Table]]:
        """The search_path, the schema where tables are made and the role; and the tables there."""
        marks = ", ".join(["%s"] * len(self.tables))
        rows = self.backend.execute(
            "SELECT current_setting('search_path'), current_schema()::text, current_user::text,"
            " n.nspname::text, c.relname::text, has_schema_privilege(n.oid, 'USAGE'),"
            " row_security_active(c.oid)"
            " FROM (SELECT 1) AS always"
            " LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace)"
            f" ON c.relname IN ({marks}) AND c.relkind = 'r' AND n.nspname !~ '^pg_'"
            f" AND ({where})",
            (*self.tables, *params),
        )
        return rows[0][:3], [_Table(*row[3:]) for row in rows if row[3] is not None]

    def _decide(self, rows: list[_Table]) -> str:
        found = {row.schema: row.usable for row in rows if row.name == self.tables[0]}
        if self.setting is not None:
            self._require(self.setting, found, 'JETBASE["HISTORY_SCHEMA"] names')
            return self.setting
        literal = first_literal(self.names)
        places = [self.role if name == _OWN else name for name in self.names]
        reach = [name for name in dict.fromkeys(places) if found.get(name)]
        if literal and reach != [literal] and self._is_asked_for():
            own = self.role if _OWN in self.names[: self.names.index(literal)] else None
            if own not in reach:
                self._require(literal, found, "the search_path of the OPTIONS names first")
                return literal
            reach = [name for name in reach if name in (own, literal)]
        if len(reach) > 1:
            raise HistoryError(
                f"There is a history in each of the schemas {', '.join(reach)} of the search_path"
                f" {self.path!r}: {_PIN}."
            )
        return reach[0] if reach else self._elsewhere(rows)

    def _is_asked_for(self) -> bool:
        """Whether the alias has this search_path, by its OPTIONS or its environment."""
        if self.asked_for is not None:
            return True
        sql = "SELECT source = 'client' FROM pg_settings WHERE name = 'search_path'"
        return self.backend.execute(sql) == [(True,)]

    def _require(self, schema: str, found: dict[str, bool], named: str) -> None:
        """Raise where the schema is not there, or must not be used."""
        usable = found.get(schema)
        if usable is None:
            ((usable,),) = self.backend.execute(
                "SELECT (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace"
                " WHERE nspname = %s)",
                (schema,),
            )
        if usable:
            return
        quoted = self._quoted(schema)
        if usable is None:
            said, way_out = "is not there", f"create it (CREATE SCHEMA {quoted})"
        else:
            said = f"may not be used by the role {self.role!r}"
            way_out = f"grant it (GRANT USAGE ON SCHEMA {quoted} TO {self._quoted(self.role)})"
        raise HistoryError(
            f"The schema {schema!r}, which {named}, {said}, so the history is not looked for"
            f" anywhere else: {way_out}, or {_PIN}."
        )

    def _elsewhere(self, rows: list[_Table]) -> str:
        """The schema of the only history that there is; else that where tables are made."""
        _session, others = self._ask("true", ())
        claimed = self.claimed()
        found = {
            row.schema: row.usable
            for row in others
            if row.name == self.tables[0] and row.schema not in claimed
        }
        if len(found) > 1:
            raise HistoryError(
                f"The search_path {self.path!r} leads to no history, and there is one in each of"
                f" the schemas {', '.join(sorted(found))}: {_PIN}."
            )
        if found:
            (schema,) = found
            self._require(schema, found, "has the history of this database")
            rows += [row for row in others if row.schema == schema]
            return schema
        if self.first is None:
            raise HistoryError(
                f"No schema of the search_path {self.path!r} is there and may be used, so the"
                f" history has no place: create one, or {_PIN}."
            )
        return self.first

    def _quoted(self, name: str) -> str:
        return self.backend.quote(name)
