"""The functions that the package exports."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .lexicons import lexicon_of
from .scanner import Marker, Statement, scan

if TYPE_CHECKING:
    from .results import Result, Status

# The migrator imports models, which Django must have loaded first: hence the late imports.


def split(text: str, vendor: str) -> Iterator[Statement]:
    """Yield the statements of a text, as a `connection.vendor` reads it; none loses a byte."""
    for item in scan(text, lexicon_of(vendor)):
        if not isinstance(item, Marker):
            yield item


def upgrade(
    database: str = "default",
    count: int | None = None,
    to_version: str | None = None,
    dry_run: bool = False,
    *,
    skip_checksum_validation: bool = False,
    skip_file_validation: bool = False,
) -> "Result":
    """Apply what is pending and return what was done, or with `dry_run` what would be.

    Raises a JetbaseError; inside an `atomic()` block that is an AtomicError.
    """
    from .inspection import Skip
    from .migrator import Migrator

    skip = Skip(checksums=skip_checksum_validation, files=skip_file_validation)
    return Migrator(database).upgrade(count, to_version, dry_run=dry_run, skip=skip)


def rollback(
    database: str = "default",
    count: int | None = None,
    to_version: str | None = None,
    dry_run: bool = False,
) -> "Result":
    """Undo the last `count` versions (1 by default), or all above `to_version` ("zero": all).

    Raises as `upgrade` does.
    """
    from .migrator import Migrator

    return Migrator(database).rollback(count, to_version, dry_run=dry_run)


def status(database: str = "default") -> "Status":
    """What is applied, pending and wrong; writes nothing. Raises a JetbaseError."""
    from .migrator import Migrator

    return Migrator(database).status()
