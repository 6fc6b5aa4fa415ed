from collections.abc import Iterable
from typing import NamedTuple

from ..backends.base.objects import Made
from ..migration import Applied, Kind, Migration, Version


class Recorded(NamedTuple):
    """What is recorded of a migration, whether it is known from its file or from the history."""

    key: str
    kind: Kind
    version: Version | None
    description: str
    path: str = ""
    checksum: str = ""
    upgrade_checksum: str = ""
    text: str | None = None
    statements_checksum: str = ""  # where the text is not kept
    makes: tuple[Made, ...] = ()


def recorded(
    migration: Migration,
    upgrade_checksum: str,
    statements_checksum: str = "",
    makes: Iterable[Made] = (),
) -> Recorded:
    """What is recorded of a file."""
    return Recorded(
        migration.key,
        migration.kind,
        migration.version,
        migration.description,
        migration.path,
        migration.checksum,
        upgrade_checksum,
        migration.text,
        statements_checksum,
        tuple(makes),
    )


def recorded_again(row: Applied, text: str | None) -> Recorded:
    """What is recorded of a migration that only the history knows."""
    return Recorded(
        *(row.key, row.kind, row.version, row.description, row.path),
        *(row.checksum, row.upgrade_checksum, text),
    )
