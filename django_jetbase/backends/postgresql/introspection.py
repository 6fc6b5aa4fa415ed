from collections.abc import Callable, Collection, Sequence

from ..base.introspection import Introspection
from ..base.values import Location, marks
from .search_path import Locator, asked_for, first_literal, names_in


class PostgreSQLIntrospection(Introspection):
    def tables_among(self, names: Sequence[str]) -> set[str]:
        rows = self.execute(
            f"SELECT relname::text FROM pg_class WHERE relname IN {marks(names)}"
            " AND relkind IN ('r', 'p') AND relpersistence <> 't' AND pg_table_is_visible(oid)",
            tuple(names),
        )
        return {name for (name,) in rows}

    def locate(
        self, tables: Sequence[str], schema: str | None, claimed: Callable[[], Collection[str]]
    ) -> Location:
        return Locator(self.backend, tables, schema, claimed).locate()

    def histories(self, constraint: str) -> list[tuple[str | None, str, bool]]:
        return self.execute(
            "SELECT n.nspname::text, c.relname::text, has_schema_privilege(n.oid, 'USAGE')"
            " AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)"
            " FROM pg_constraint"
            " JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE right(conname, length(%s)) = %s AND contype = 'u' AND c.relpersistence <> 't'"
            " ORDER BY 1, 2",
            (constraint, constraint),
        )

    @property
    def named_schema(self) -> str | None:
        return first_literal(names_in(asked_for(self.connection.settings_dict) or ""))

    def epoch(self, column: str) -> str:
        # Another client's sessions have the server's default zone, not the one Django sets.
        zone = "(SELECT reset_val FROM pg_settings WHERE name = 'TimeZone')"
        return f"extract(epoch FROM timezone({zone}, {column}))"
