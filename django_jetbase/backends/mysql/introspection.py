from collections.abc import Callable, Collection, Sequence
from typing import ClassVar

from django.db import Error

from ..base.introspection import Introspection
from ..base.values import Location, marks
from .errors import DENIED, code_of


class MySQLIntrospection(Introspection):
    django_now: ClassVar[str] = "UTC_TIMESTAMP(6)"

    def tables_among(self, names: Sequence[str]) -> set[str]:
        sql = (
            "SELECT table_name FROM information_schema.tables"
            f" WHERE table_schema = DATABASE() AND table_name IN {marks(names)}"
        )
        return {name for (name,) in self.execute(sql, tuple(names))}

    def locate(
        self, tables: Sequence[str], schema: str | None, claimed: Callable[[], Collection[str]]
    ) -> Location:
        """In the database of the connection, also while a file is in another one.

        Tables that the user has no privilege for are not shown: they count as being there, so that
        whoever uses them hears what is lacking.
        """
        rows = self.execute(
            "SELECT 'database', DATABASE() UNION ALL SELECT 'table', table_name"
            " FROM information_schema.tables WHERE table_schema = DATABASE()"
            f" AND table_name IN {marks(tables)}",
            tuple(tables),
        )
        database = next(name for kind, name in rows if kind == "database")
        found = frozenset(name for kind, name in rows if kind == "table")
        if database and tables[0] not in found and self._is_denied(database, tables[0]):
            found = frozenset(tables)
        return Location(database, found)

    def _is_denied(self, database: str, table: str) -> bool:
        """Whether the user may not read the table, be it there or not."""
        try:
            name = f"{self.backend.quote(database)}.{self.backend.quote(table)}"
            self.execute(f"SELECT 1 FROM {name} LIMIT 0")
        except Error as error:
            return code_of(error) in DENIED
        return False

    def histories(self, constraint: str) -> list[tuple[str | None, str, bool]]:
        return self.execute(
            "SELECT table_schema, table_name, TRUE FROM information_schema.table_constraints"
            " WHERE table_schema = DATABASE() AND RIGHT(constraint_name, CHAR_LENGTH(%s)) = %s"
            " ORDER BY 1, 2",
            (constraint, constraint),
        )

    def epoch(self, column: str) -> str:
        return f"UNIX_TIMESTAMP({column})"
