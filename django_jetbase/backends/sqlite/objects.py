from collections.abc import Mapping
from typing import ClassVar

from ..base.objects import Objects, unquoted

_IN_SCHEMA = (
    "(SELECT {what} FROM sqlite_master AS m"
    " WHERE m.type = '{kind}' AND m.name = {{name}} COLLATE NOCASE)"
)


class SQLiteObjects(Objects):
    definitions: ClassVar[Mapping[str, str]] = {
        "view": _IN_SCHEMA.format(what="m.sql", kind="view"),
        "trigger": _IN_SCHEMA.format(what="m.sql", kind="trigger"),
        "table": _IN_SCHEMA.format(what="'table'", kind="table"),
    }

    def name(self, written: str) -> str:
        return unquoted(written)
