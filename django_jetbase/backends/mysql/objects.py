from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from ..base.objects import UNREADABLE, Objects, unquoted
from ..base.values import marks


class _Kind(NamedTuple):
    """A table of the information_schema, how its columns begin, and that of the definition."""

    table: str
    prefix: str
    definition: str = ""

    @property
    def found(self) -> str:
        """What is there in this database; a definition may be hidden from the user."""
        shown = f"coalesce(sha2(nullif({self.definition}, ''), 256), '{UNREADABLE}')"
        return (
            f"SELECT {self.prefix}_name AS name,"
            f" {shown if self.definition else repr('table')} AS definition"
            f" FROM information_schema.{self.table} WHERE {self.prefix}_schema = DATABASE()"
        )


_KINDS = {
    # In which the database is named that it is in, be it a copy.
    "view": _Kind("views", "table", "replace(view_definition, concat('`', DATABASE(), '`.'), '')"),
    "function": _Kind("routines", "routine", "routine_definition"),
    "trigger": _Kind("triggers", "trigger", "action_statement"),
    "event": _Kind("events", "event", "event_definition"),
    "table": _Kind("tables", "table"),
}


class MySQLObjects(Objects):
    definitions: ClassVar[Mapping[str, str]] = {
        name: f"(SELECT max(o.definition) FROM ({kind.found} AND {kind.prefix}_name = {{name}})"
        " AS o)"
        for name, kind in _KINDS.items()
    }

    def name(self, written: str) -> str:
        return unquoted(written)

    def unmade(self, table: str, columns: Mapping[str, str]) -> list[tuple[str, str]]:
        """One query for each kind, since the information_schema is slow where names are joined."""
        rows = self.execute(
            f"SELECT {columns['key']}, kind, name, definition FROM {table}"
            " WHERE namespace = '' ORDER BY id"
        )
        present: dict[tuple[str, str], str] = {}
        for kind, of in _KINDS.items():
            if names := {name for _key, made, name, _definition in rows if made == kind}:
                sql = f"{of.found} AND {of.prefix}_name IN {marks([*names])}"
                found = self.execute(sql, tuple(names))
                present |= {(kind, name.lower()): definition for name, definition in found}
        return [
            (key, name)
            for key, kind, name, definition in rows
            if (now := present.get((kind, name.lower()))) is None
            or (now != definition and UNREADABLE not in (now, definition))
        ]
