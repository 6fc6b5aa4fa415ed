"""The directory: one walk, one read a file, and writing new ones."""

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .exceptions import MigrationFileError, Problem, ProblemsError
from .migration import Kind, Migration, Name, Version

_VERSION = r"[0-9]+(?:[._][0-9]+)*"
_NAME = re.compile(
    rf"(?:V(?P<version>{_VERSION})|(?P<kind>ROC|RA))__(?P<description>.+)\.(?i:sql)", re.DOTALL
)
_LONGEST_PATH = 1000

TEMPLATE = "-- upgrade\n\n\n-- rollback\n"


def read_migrations(roots: Iterable[Path]) -> list[Migration]:
    """Read every migration below the roots.

    Raises MigrationFileError for a missing directory and ProblemsError for everything that is
    wrong with the files themselves, all at once.
    """
    migrations: dict[str, Migration] = {}
    problems: list[Problem] = []
    for root in roots:
        for file in _sql_files(root):
            path = file.relative_to(root).as_posix()
            name = parse_name(file.name)
            if path in migrations:
                problems.append(
                    Problem("same-path", f"also stands in {migrations[path].file}", path)
                )
            elif name is None or len(path) > _LONGEST_PATH or not _is_text(path):
                problems.append(Problem("bad-name", _name_advice(path), _shown(path)))
            else:
                try:
                    migrations[path] = Migration(path, name, read_text(file, path), file)
                except MigrationFileError as error:
                    problems.append(
                        Problem(
                            "unreadable", str(error).removeprefix(path + ": "), path, error.line
                        )
                    )
    if problems:
        raise ProblemsError(problems)
    return list(migrations.values())


def parse_name(file_name: str) -> Name | None:
    """What the file name says; None where it fits none of the three forms."""
    match = _NAME.fullmatch(file_name)
    if not match:
        return None
    version = Version(match["version"]) if match["version"] else None
    kind = Kind(match["kind"]) if match["kind"] else Kind.VERSIONED
    return Name(kind, version, match["description"].replace("_", " "))


def parse_version(text: str) -> Version | None:
    return Version(text) if len(text) < 256 and re.fullmatch(_VERSION, text) else None


def read_text(file: Path, path: str) -> str:
    """The text without its BOM. Raises MigrationFileError where it is no UTF-8."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise MigrationFileError(f"{path}: is no regular file.", path=path)
        data = file.read_bytes()
    except OSError as error:
        raise MigrationFileError(f"{path}: cannot be read: {error.strerror}", path=path) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        advice = "is not UTF-8; save the file as UTF-8, and binary data in it as hex literals"
        raise _bad_byte(path, data, error.start, advice) from error
    if (nul := data.find(0)) >= 0:
        raise _bad_byte(path, data, nul, "cannot be sent in SQL; remove it")
    return text


def _bad_byte(path: str, data: bytes, offset: int, advice: str) -> MigrationFileError:
    line = data.count(b"\n", 0, offset) + 1
    message = f"{path}: byte {offset + 1} (0x{data[offset]:02x}) in line {line} {advice}"
    return MigrationFileError(message, path=path, line=line)


def create_directory(root: Path) -> bool:
    """Create the directory; False where it is there already."""
    if root.is_dir():
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
) -> Path:
    """Write a new file with its two sections and return its path; never overwrites one.

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
            stream.write(TEMPLATE)
    except FileExistsError as error:
        raise MigrationFileError(f"{file} exists already.", path=file.name) from error
    except OSError as error:
        raise MigrationFileError(f"{file}: cannot be written: {error.strerror}") from error
    return file


def versions(roots: Iterable[Path]) -> set[Version]:
    """The versions of the files below those roots that exist, by their names alone."""
    names = (parse_name(file.name) for root in roots if root.is_dir() for file in _sql_files(root))
    return {name.version for name in names if name and name.version}


def _next_second(taken: Collection[Version]) -> str:
    moment = datetime.now(UTC)
    while Version(text := moment.strftime("%Y%m%d.%H%M%S")) in taken:
        moment += timedelta(seconds=1)
    return text


def _sql_files(root: Path) -> Iterator[Path]:
    """The one walk; folders behind links count, each once."""
    if not root.is_dir():
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
        for name in sorted(names):
            if name.lower().endswith(".sql") and not name.startswith("."):
                yield Path(folder, name)


def _unreadable_folder(error: OSError) -> None:
    raise MigrationFileError(f"{error.filename}: cannot be read: {error.strerror}") from error


def _is_text(path: str) -> bool:
    """Whether the name is in the encoding of the file system, which the history needs."""
    return path == _shown(path)


def _shown(path: str) -> str:
    return path.encode(errors="replace").decode()


def _name_advice(path: str) -> str:
    if len(path) > _LONGEST_PATH:
        return f"the path is longer than {_LONGEST_PATH} characters"
    return (
        "the name is none of V<version>__<description>.sql, ROC__<description>.sql and"
        " RA__<description>.sql; rename it, or end it in something else than .sql"
    )
