from collections.abc import Sequence

from ..base.introspection import Introspection
from ..base.values import marks


class SQLiteIntrospection(Introspection):
    def tables_among(self, names: Sequence[str]) -> set[str]:
        sql = f"SELECT name FROM sqlite_master WHERE type = 'table' AND name IN {marks(names)}"
        return {name for (name,) in self.execute(sql, tuple(names))}

    def count_in_catalogue(self, tables: Sequence[str]) -> str:
        """A file may write into the catalogue, by PRAGMA writable_schema."""
        names = ", ".join(f"'{name}'" for name in tables)
        return f"(SELECT count(*) FROM sqlite_master WHERE tbl_name IN ({names}))"

    def histories(self, constraint: str) -> list[tuple[str | None, str, bool]]:
        return self.execute(
            "SELECT NULL, name, 1 FROM sqlite_master"
            " WHERE type = 'table' AND sql LIKE %s ORDER BY 2",
            (f'%CONSTRAINT "%{constraint}"%',),
        )

    def epoch(self, column: str) -> str:
        return f"strftime('%s', {column}) || substr(strftime('%f', {column}), 3)"
