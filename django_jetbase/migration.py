"""The values everything else works on: a migration on disk, and one in the history."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property, total_ordering
from pathlib import Path


class Kind(StrEnum):
    """When a migration runs; the order is that of an upgrade."""

    VERSIONED = "V"
    RUNS_ON_CHANGE = "ROC"
    RUNS_ALWAYS = "RA"


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


@dataclass(frozen=True)
class Name:
    """What a file name says."""

    kind: Kind
    version: Version | None
    description: str


@dataclass(frozen=True)
class Migration:
    """A file on disk. `path` is relative to its root directory, with `/`."""

    path: str
    name: Name
    text: str = field(repr=False)
    file: Path | None = None
    namespace: str = ""

    @property
    def kind(self) -> Kind:
        return self.name.kind

    @property
    def version(self) -> Version | None:
        return self.name.version

    @property
    def description(self) -> str:
        return self.name.description

    @property
    def key(self) -> str:
        return migration_key(self.version, self.path)

    @cached_property
    def checksum(self) -> str:
        return checksum(self.text)


@dataclass(frozen=True)
class Applied:
    """A row of the history's state. `sequence` is the order in which migrations were applied."""

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
    statements: int = 0
    duration_ms: int = 0
    database_user: str = ""
    host: str = ""

    @property
    def is_runs_always(self) -> bool:
        return self.kind is Kind.RUNS_ALWAYS


def migration_key(version: Version | None, path: str) -> str:
    """What identifies a migration in the history: its version, or a digest of its path."""
    if version is not None:
        return version.key
    return "path:" + hashlib.sha256(path.encode()).hexdigest()


def checksum(text: str) -> str:
    """SHA-256 of the text without a BOM, outer blank space and the kind of its line endings."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").strip()
    return "sha256:" + hashlib.sha256(plain.encode()).hexdigest()


def upgrade_order(migrations: list[Migration]) -> Iterator[Migration]:
    """Versioned by version, then runs-on-change by path, then runs-always by path."""
    for kind in Kind:
        some = [migration for migration in migrations if migration.kind is kind]
        yield from sorted(some, key=lambda m: (m.version.numbers if m.version else (), m.path))
