"""Whether rollback sections take back what the upgrade sections did."""

import difflib
from collections.abc import Collection, Iterator

from django.db import DEFAULT_DB_ALIAS, Error

from ..backends import message_of
from ..exceptions import JetbaseError
from ..migration import Migration, Version
from ..migrator import Migrator
from .database import Scratch, scratch_database


def assert_reversible(
    database: str = DEFAULT_DB_ALIAS, *, above: str | None = None, except_for: Collection[str] = ()
) -> None:
    """Apply, roll back and apply again every versioned migration, in a scratch database.

    Raises AssertionError with what each rollback leaves behind or takes too much of, as a diff of
    the schema, and with what fails; rows are not compared. Migrations up to the version `above` and
    the versions `except_for` are applied only.
    """
    skipped = {Version(version) for version in except_for}
    if found := list(_findings(database, Version(above) if above else None, skipped)):
        raise AssertionError("\n\n".join(found))


def _findings(database: str, above: Version | None, skipped: set[Version]) -> Iterator[str]:
    """What is wrong with each migration. After one that is, the next has a database of its own."""
    with scratch_database(database) as scratch:
        pending = [m for m in Migrator(database).status().pending if m.version]
    left = pending
    while left:
        with scratch_database(database) as scratch:
            try:
                _apply(scratch, len(pending) - len(left))
            except (JetbaseError, Error):
                yield f"{len(left)} later ones were not looked at, since one cannot be applied."
                return
            for migration in left:
                left = left[1:]
                assert migration.version is not None  # they are versioned
                if migration.version in skipped or (above and migration.version <= above):
                    _apply(scratch, 1)
                elif finding := _finding(scratch, migration):
                    yield finding
                    break
            if not left:
                yield from _finding_of_repeatables(scratch)


def _finding(scratch: Scratch, migration: Migration) -> str:
    """What is wrong with the next migration; empty where nothing is."""
    before = scratch.schema()
    try:
        _apply(scratch, 1)
        applied = scratch.schema()
        Migrator(scratch.database).rollback(1)
        if (rolled_back := scratch.schema()) != before:
            said = f"{migration.path}: its rollback does not take back what it did"
            return _diff(said, before, rolled_back)
        _apply(scratch, 1)
        if (again := scratch.schema()) != applied:
            return _diff(
                f"{migration.path}: applied again, it does not do the same", applied, again
            )
    except (JetbaseError, Error) as error:
        return message_of(error, scratch.database)
    return ""


def _finding_of_repeatables(scratch: Scratch) -> Iterator[str]:
    try:
        scratch.migrate_to(None)
    except (JetbaseError, Error) as error:
        yield message_of(error, scratch.database)


def _apply(scratch: Scratch, count: int) -> None:
    """Apply the next versioned migrations and no others."""
    if count:
        Migrator(scratch.database).upgrade(count, repeatables=False)


def _diff(said: str, before: list[str], after: list[str]) -> str:
    lines = difflib.unified_diff(before, after, lineterm="", n=0)
    changes = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    return "\n".join([said, *(f"    {line}" for line in changes)])
