"""The directories: one walk, one read a file."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..exceptions import MigrationFileError

# A pipe opens without waiting for its other end; nothing translates line breaks.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_BLOCK = 1 << 16
LARGEST = 1 << 29  # bytes of a file; its text takes several times as much in memory


class File(NamedTuple):
    """A file that ends in `.sql`. `path` is relative to its root, with `/`; `place` is the whole.

    `fault` says why it has no `data`.
    """

    name: str
    path: str
    place: str
    data: bytes
    fault: str = ""


def read_files(roots: Iterable[Path]) -> list[File]:
    """Read every file below the roots. Raises MigrationFileError for a missing directory."""
    return [_read(name, path, place) for root in roots for name, path, place in walk(root)]


def exists(root: Path) -> bool:
    """Whether the directory is there. Raises MigrationFileError for what is none, or unknown."""
    try:
        mode = root.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise MigrationFileError(f"{root}: cannot be read: {error.strerror}") from error
    if not stat.S_ISDIR(mode):
        raise MigrationFileError(f"{root} is no directory: correct MIGRATIONS_DIR.")
    return True


def walk(root: Path) -> Iterator[tuple[str, str, str]]:
    """Name, path and place of every file; folders behind links count, each once."""
    if not exists(root):
        raise MigrationFileError(
            f"The migrations directory {root} does not exist: create it with jetbase_init,"
            " or correct MIGRATIONS_DIR."
        )
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, onerror=_unreadable_folder, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        within = "" if folder == str(root) else Path(folder).relative_to(root).as_posix() + "/"
        for name in sorted(names):
            if name[-4:].lower() == ".sql" and not name.startswith("."):
                yield name, within + name, folder + os.sep + name
            elif not name.startswith("."):
                _refuse_broken_link(Path(folder, name))


def _refuse_broken_link(path: Path) -> None:
    """It may have led to a directory, whose files are not gone."""
    if not path.is_symlink():
        return
    try:
        path.stat()
    except OSError as error:
        nowhere = isinstance(error, FileNotFoundError)
        said = "the link leads nowhere" if nowhere else f"where its link leads: {error.strerror}"
        raise MigrationFileError(
            f"{path}: cannot be read: {said}; correct it, or take it away."
        ) from error


def _read(name: str, path: str, place: str) -> File:
    try:
        data = _bytes(place)
    except OSError as error:
        return File(name, path, place, b"", f"cannot be read: {error.strerror}")
    if isinstance(data, str):
        return File(name, path, place, b"", data)
    return File(name, path, place, data)


def _bytes(place: str) -> bytes | str:
    """The bytes, with few system calls; or why there are none."""
    descriptor = os.open(place, _OPEN_FLAGS)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            return "is no regular file"
        if about.st_size > LARGEST:
            return f"has {about.st_size} bytes, more than the {LARGEST} that can be read"
        data = os.read(descriptor, _BLOCK)
        if len(data) == about.st_size:
            return data
        pieces = [data]
        while piece := os.read(descriptor, 1 << 24):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def _unreadable_folder(error: OSError) -> None:
    raise MigrationFileError(f"{error.filename}: cannot be read: {error.strerror}") from error
