import re
from collections.abc import Collection
from pathlib import Path

from ..base.creation import Creation

_SPATIALITE = re.compile(
    r"spatial_ref_sys.*|spatialite_history|(?:views_|virts_)?geometry_columns.*|data_licenses"
    r"|sql_statements_log|SpatialIndex|ElementaryGeometries|KNN2?"
)


class SQLiteCreation(Creation):
    def scratch_name(self, prefix: str, name: str) -> str:
        if self.backend.is_private:
            return f"file:{self.connection.alias}_scratch?mode=memory&cache=shared"
        path = Path(name)
        return str(path.with_name(f"{prefix}{path.name}_scratch"))

    def unmanaged_tables(self, managed: Collection[str], records: Collection[str]) -> list[str]:
        """Without those in which a virtual table keeps its rows, and SpatiaLite's own."""
        virtual = self.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL %'"
        )
        shadows = tuple(f"{self.for_django(name)}_" for (name,) in virtual)
        found = super().unmanaged_tables(managed, records)
        names = [name for name in found if not name.startswith(shadows)]
        if "spatialite_history" not in names:
            return names
        return [name for name in names if not _SPATIALITE.fullmatch(name)]
