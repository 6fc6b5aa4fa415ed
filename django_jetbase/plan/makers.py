"""Which file is likely to make what another one misses, as far as its words tell."""

import re
from collections.abc import Iterable

from ..migration import Migration


def makers_of(name: str, migrations: Iterable[Migration]) -> list[Migration]:
    """The files that create something of this name, the repeatable ones first.

    Upper and lower case, and the schema before a name, count for nothing.
    """
    plain = re.escape(name.rpartition(".")[2])
    creates = re.compile(
        rf"\bCREATE\b[^;(]*?(?<![\w$]){plain}(?![\w$])|\bADD\s+(?:COLUMN\s+)?{plain}\b",
        re.IGNORECASE,
    )
    found = [migration for migration in migrations if creates.search(migration.text)]
    return sorted(found, key=lambda one: one.version is not None)
