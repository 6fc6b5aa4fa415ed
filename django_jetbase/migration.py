"""The values everything else works on: a migration on disk, and one in the history."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property, total_ordering
from typing import NamedTuple


class Kind(StrEnum):
    """When a migration runs; the order is that of an upgrade."""

    VERSIONED = "V"
    RUNS_ON_CHANGE = "ROC"
    RUNS_ALWAYS = "RA"


_KINDS = list(Kind)
_ASCII_BLANKS = bytes(code for code in range(128) if chr(code).isspace())


class Origin(StrEnum):
    """How a migration came into the history."""

    RUN = "run"
    FAKE = "fake"
    BASELINE = "baseline"
    IMPORT = "import"
    DJANGO = "django"  # Django's own migrations had done the same
    # Of steps only: a repeatable file that is gone leaves the history, or has another name.
    RETIRED = "retired"
    RENAMED = "renamed"


class MigrationState(StrEnum):
    """What files and history together say of a migration."""

    APPLIED = "applied"
    PENDING = "pending"
    FAILED = "failed"
    CHANGED = "changed"
    MISSING = "missing"
    IGNORED = "ignored"
    INCOMPLETE = "incomplete"


class EventType(StrEnum):
    """What the log says has happened to a migration."""

    STARTED = "started"
    APPLIED = "applied"
    FAILED = "failed"
    ROLLED_BACK = "rolled back"
    RESOLVED = "resolved"
    BASELINE = "baseline"
    IMPORTED = "imported"
    ACCEPTED = "checksum fixed"
    FORGOTTEN = "forgotten"
    RENAMED = "renamed"


class Direction(StrEnum):
    UPGRADE = "upgrade"
    ROLLBACK = "rollback"


@total_ordering
@dataclass(frozen=True, eq=False)
class Version:
    """Numbers separated by `.` or `_`, compared as integers: V1, V01 and V1.0 are the same."""

    text: str

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        numbers = [int(number) for number in re.split(r"[._]", self.text)]
        while len(numbers) > 1 and not numbers[-1]:
            numbers.pop()
        return tuple(numbers)

    @property
    def key(self) -> str:
        """The same text for the same version."""
        return ".".join(map(str, self.numbers))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.numbers == other.numbers

    def __lt__(self, other: "Version") -> bool:
        return self.numbers < other.numbers

    def __hash__(self) -> int:
        return hash(self.numbers)

    def __str__(self) -> str:
        return self.text.replace("_", ".")


class Name(NamedTuple):
    """What a file name says."""

    kind: Kind
    version: Version | None
    description: str


@dataclass(frozen=True)
class Migration:
    """A file on disk. `path` is relative to its root directory, with `/`; `file` is the whole."""

    path: str
    kind: Kind
    version: Version | None
    description: str
    text: str = field(repr=False)
    file: str = ""

    @cached_property
    def key(self) -> str:
        return migration_key(self.version, self.path)

    @property
    def label(self) -> str:
        return self.path

    @cached_property
    def checksum(self) -> str:
        return checksum(self.text)


class Failure(NamedTuple):
    """How the last run of a migration has failed, and of which file."""

    at: datetime
    message: str
    path: str

    @property
    def summary(self) -> str:
        """The first line of the message, which says where and what."""
        return next(iter(self.message.splitlines()), "")


@dataclass(frozen=True)
class Applied:
    """A row of the history's state. `sequence` is the order in which migrations were applied.

    `path` is empty for a baseline that never had a file.
    """

    sequence: int
    key: str
    kind: Kind
    version: Version | None
    description: str
    path: str
    checksum: str
    upgrade_checksum: str
    applied_at: datetime
    incomplete: str = ""  # the direction in which it stopped half-way
    committed: int = 0
    attempted: int = 0
    statements: int = 0
    duration_ms: int = 0
    database_user: str = ""
    host: str = ""
    origin: str = Origin.RUN

    @property
    def can_go_on(self) -> bool:
        """Whether it is known at which statement its upgrade stopped."""
        return self.incomplete == Direction.UPGRADE and self.attempted >= 0

    @property
    def label(self) -> str:
        """What to show for it, on one line."""
        return self.path.replace("\n", "\\n") or f"baseline {self.version}"


def migration_key(version: Version | None, path: str) -> str:
    """What identifies a migration in the history: its version, or a digest of its path."""
    if version is not None:
        return version.key
    return "path:" + hashlib.sha256(path.encode()).hexdigest()


def checksum(text: str) -> str:
    """SHA-256 of the text without a BOM, outer blank space and the kind of its line endings."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").strip()
    return "sha256:" + hashlib.sha256(plain.encode()).hexdigest()


def statements_checksum(statements: Iterable[Iterable[str]]) -> str:
    """SHA-256 of the statements of a section as they are written, each in its parts."""
    parts = ("\x00".join(parts) for parts in statements)  # no file holds that character
    return "sha256-statements:" + hashlib.sha256("\x00\x00".join(parts).encode()).hexdigest()


def checksum_of_bytes(data: bytes) -> str:
    """The checksum of a file's text. Raises UnicodeDecodeError."""
    plain = data.strip(_ASCII_BLANKS)
    if b"\r" in plain or not plain or plain[0] > 127 or plain[-1] > 127:
        return checksum(data.decode("utf-8-sig"))
    return "sha256:" + hashlib.sha256(plain).hexdigest()


def run_order(migration: Migration | Applied) -> tuple[int, tuple[int, ...], str]:
    """Sorts versioned by version, then runs-on-change by path, then runs-always by path."""
    version = migration.version
    return _KINDS.index(migration.kind), version.numbers if version else (), migration.path
