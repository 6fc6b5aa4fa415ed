from collections.abc import Collection
from contextlib import suppress

from django.db import Error

from ..base.creation import Creation
from .search_path import first_literal, names_in


class PostgreSQLCreation(Creation):
    def create_schemas(self, history: str | None) -> None:
        """That of the history, and the first of a search_path that the OPTIONS name."""
        ((path, source),) = self.execute(
            "SELECT setting, source FROM pg_settings WHERE name = 'search_path'"
        )
        first = first_literal(names_in(path)) if source == "client" else None
        for name in filter(None, (history, first)):
            self.execute(f"CREATE SCHEMA IF NOT EXISTS {self.backend.quote(name)}")

    def end_other_sessions(self) -> None:
        if self.backend.is_pooled:
            return
        with suppress(Error):
            self.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def unmanaged_tables(self, managed: Collection[str], records: Collection[str]) -> list[str]:
        """With their schemas: where the alias names a search_path those of that, else of all.

        Without foreign tables and those of extensions.
        """
        rows = self.execute(
            "SELECT n.nspname::text, c.relname::text, pg_table_is_visible(c.oid)"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
            " AND (pg_table_is_visible(c.oid)"
            " OR (SELECT source <> 'client' FROM pg_settings WHERE name = 'search_path'))"
            " AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass"
            " AND d.objid = c.oid AND d.deptype = 'e') ORDER BY 1, 2"
        )
        return [
            f"{self.backend.quote(schema)}.{self.backend.quote(name)}"
            for schema, name, visible in rows
            if not (visible and name in managed) and name not in records
        ]
