from collections.abc import Collection

from ..base.creation import Creation


class MySQLCreation(Creation):
    def unmanaged_tables(self, managed: Collection[str], records: Collection[str]) -> list[str]:
        sql = (
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
            " AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY table_name"
        )
        known = {*managed, *records}
        return [self.for_django(name) for (name,) in self.execute(sql) if name not in known]
