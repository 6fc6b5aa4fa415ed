"""Write new directories and files."""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..exceptions import MigrationFileError
from ..migration import Kind, Version
from .disk import exists
from .names import parse_version

TEMPLATE = "-- upgrade\n\n\n-- rollback\n"


def create_directory(root: Path) -> bool:
    """Create the directory; False where it is there already."""
    if exists(root):
        return False
    try:
        root.mkdir(parents=True)
    except OSError as error:
        raise MigrationFileError(f"{root}: cannot be created: {error.strerror}") from error
    return True


def create_migration(
    root: Path,
    kind: Kind,
    description: str,
    version: str | None = None,
    taken: Collection[Version] = (),
    text: str = TEMPLATE,
) -> Path:
    """Write a new file, by default with two empty sections, and return its path.

    Never overwrites one.

    Without a version it gets the first second from now on in UTC that is not `taken`.
    """
    words = re.sub(r"[^\w.-]+", "_", description.strip()).strip("_.")
    if not words:
        raise MigrationFileError(f"{description!r} is no description: use words.")
    prefix = kind.value
    if kind is Kind.VERSIONED:
        version = version or _next_second(taken)
        parsed = parse_version(version)
        if not parsed:
            raise MigrationFileError(
                f"{version!r} is no version: use digits separated by '.' or '_'.", version=version
            )
        if parsed in taken:
            raise MigrationFileError(f"There is a version {parsed} already.", version=version)
        prefix += version
    elif version is not None:
        raise MigrationFileError(f"A {kind.value}__ file has no version.", version=version)
    file = root / f"{prefix}__{words}.sql"
    create_directory(root)
    try:
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise MigrationFileError(f"{file} exists already.", path=file.name) from error
    except OSError as error:
        raise MigrationFileError(f"{file}: cannot be written: {error.strerror}") from error
    return file


def _next_second(taken: Collection[Version]) -> str:
    moment = datetime.now(UTC)
    while Version(text := moment.strftime("%Y%m%d.%H%M%S")) in taken:
        moment += timedelta(seconds=1)
    return text
