"""Plain-SQL database migrations for Django.

`upgrade`, `rollback`, `status` and `is_at_least` need Django to be set up; `split` does not.
"""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from .exceptions import JetbaseError
from .sql.scanner import Marker, Statement, scan
from .version import __version__

if TYPE_CHECKING:
    from .results import Result, Status

__all__ = [
    "JetbaseError",
    "Statement",
    "__version__",
    "is_at_least",
    "rollback",
    "split",
    "status",
    "upgrade",
]

# The migrator imports models, which Django must have loaded first: hence the late imports.


def split(text: str, vendor: str) -> Iterator[Statement]:
    """Yield the statements of a text, as a `connection.vendor` reads it; none loses a byte."""
    from .backends import lexicon_of

    for item in scan(text, lexicon_of(vendor)):
        if not isinstance(item, Marker):
            yield item


def upgrade(
    database: str = "default",
    count: int | None = None,
    to_version: str | None = None,
    dry_run: bool = False,
    *,
    fake: bool = False,
    resume: bool = False,
    repeat: Collection[str] = (),
    skip_checksum_validation: bool = False,
    skip_file_validation: bool = False,
    lock_wait: float | None = None,
) -> "Result":
    """Apply what is pending and return what was done, or with `dry_run` what would be.

    With `fake` it is recorded and not run, with `resume` a file that stopped half-way goes on; the
    repeatable files that `repeat` names run in any case, or "all"; `lock_wait` are seconds. Raises
    a JetbaseError, whose `done` says what was done before; inside an `atomic()` block that is an
    AtomicError.
    """
    from .migrator import Migrator
    from .plan.inspection import Skip

    files = skip_file_validation
    skip = Skip(checksums=skip_checksum_validation, files=files, another_history=files)
    return Migrator(database, lock_wait=lock_wait).upgrade(
        count, to_version, dry_run=dry_run, fake=fake, resume=resume, repeat=repeat, skip=skip
    )


def rollback(
    database: str = "default",
    count: int | None = None,
    to_version: str | None = None,
    dry_run: bool = False,
    *,
    fake: bool = False,
    lock_wait: float | None = None,
) -> "Result":
    """Undo the last `count` versions (1 by default), or all above `to_version`.

    The version `zero` is below all. With `fake` and `lock_wait`, and raises, as `upgrade` does.
    """
    from .migrator import Migrator

    migrator = Migrator(database, lock_wait=lock_wait)
    return migrator.rollback(count, to_version, dry_run=dry_run, fake=fake)


def status(database: str = "default") -> "Status":
    """What is applied, pending and wrong; writes nothing. Raises a JetbaseError."""
    from .migrator import Migrator

    return Migrator(database).status()


def is_at_least(version: str, database: str = "default") -> bool:
    """Whether a version or a higher one is applied, for a probe: a query or two, no file is read.

    Raises a TargetError for what is no version, a HistoryError where nothing tells where the
    history is, and Django's database errors.
    """
    from .migrator import Migrator

    return Migrator(database).is_at_least(version)
