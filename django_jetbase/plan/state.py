"""Files and history side by side: what is applied, pending, missing or late."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from ..migration import (
    Applied,
    Direction,
    Failure,
    Kind,
    Migration,
    MigrationState,
    Version,
    run_order,
)


class OutOfOrder(StrEnum):
    """What becomes of a new file whose version is below the highest applied one."""

    ERROR = "error"
    WARN = "warn"  # ignored, and said so
    IGNORE = "ignore"
    APPLY = "apply"


@dataclass(frozen=True)
class Entry:
    """One migration of the status; with `failure` if its last run has failed."""

    state: MigrationState
    migration: Migration | None
    applied: Applied | None
    failure: Failure | None = None

    @property
    def subject(self) -> Migration | Applied:
        return subject(self.migration, self.applied)


def subject(migration: Migration | None, applied: Applied | None) -> Migration | Applied:
    """What stands for a migration of which the file, the history or both are known."""
    found = migration or applied
    assert found is not None  # one of the two is always known
    return found


@dataclass(frozen=True)
class State:
    """Files, in the order in which they run, and history side by side.

    `changed` tells whether the upgrade section of a file differs from what ran; `unreadable` are
    the keys of files that are there and cannot be read. A runs-always file is due only if nobody
    has run it after the row `seen`, as one whose key is in `repeat` is. With `resume` what is
    incomplete is due, if it can go on. `unmade` are by key the names of what a runs-on-change file
    has made and is gone, or is another one; `renamed` are by key of a repeatable file the rows that
    it has under its name of before.
    """

    migrations: Sequence[Migration]
    applied: Sequence[Applied]
    changed: Callable[[Migration, Applied], bool]
    out_of_order: OutOfOrder = OutOfOrder.ERROR
    unreadable: frozenset[str] = frozenset()
    seen: int | None = None
    resume: bool = False
    repeat: frozenset[str] = frozenset()
    unmade: Mapping[str, Sequence[str]] = field(default_factory=dict)
    renamed: Mapping[str, Applied] = field(default_factory=dict)

    @cached_property
    def by_key(self) -> dict[str, Applied]:
        return {row.key: row for row in self.applied}

    @property
    def last(self) -> int:
        """The row that was applied last."""
        return max((row.sequence for row in self.applied), default=0)

    @cached_property
    def files_by_key(self) -> dict[str, Migration]:
        """Of two files of the same version the one that was applied."""
        files: dict[str, Migration] = {}
        for migration in self.migrations:
            row = self.by_key.get(migration.key)
            if migration.key not in files or (row and row.path == migration.path):
                files[migration.key] = migration
        return files

    def row_of(self, migration: Migration) -> Applied | None:
        """What the history says of a file."""
        is_meant = self.files_by_key[migration.key] is migration
        return self.by_key.get(migration.key) if is_meant else None

    @cached_property
    def current(self) -> Version | None:
        """The highest applied version."""
        return _highest(row for row in self.applied if not row.incomplete)

    @cached_property
    def missing(self) -> list[Applied]:
        """What is applied and has no file.

        A baseline that never had one is not missing, nor is what is there and cannot be read.
        """
        return [
            row
            for row in self.applied
            if row.path
            and not row.incomplete
            and row.key not in self.files_by_key
            and row.key not in self.unreadable
            and row not in self.renamed.values()
        ]

    @cached_property
    def _missing_keys(self) -> set[str]:
        return {row.key for row in self.missing}

    @cached_property
    def ahead(self) -> list[Applied]:
        """What is missing because a newer release has applied it.

        Those are the versions above every local file, and with them every repeatable, which may be
        that release's: nothing tells whose it is.
        """
        newest = _highest(self.migrations)
        is_newer = {
            row.key: newest is None or row.version > newest for row in self.missing if row.version
        }
        if not any(is_newer.values()) or not self.migrations:
            return []
        return [row for row in self.missing if is_newer.get(row.key, True)]

    @property
    def lost(self) -> list[Applied]:
        """What is missing and was not applied by a newer release."""
        ahead = {row.key for row in self.ahead}
        return [row for row in self.missing if row.key not in ahead]

    @property
    def retired(self) -> list[Applied]:
        """The repeatable ones of these, which an upgrade lets the history forget.

        Where there is no file at all, rather the directory is the wrong one.
        """
        return [row for row in self.lost if not row.version] if self.migrations else []

    @property
    def forgettable(self) -> list[Applied]:
        """What is missing and may be forgotten.

        Nothing while a newer release is ahead, which may have applied it, and would do so again.
        """
        return [] if self.ahead else self.lost

    @cached_property
    def edited(self) -> list[Migration]:
        """Applied versioned files whose upgrade section changed."""
        return [
            migration
            for migration in self.migrations
            if migration.version
            and (row := self.row_of(migration))
            and not row.incomplete
            and self.changed(migration, row)
        ]

    @cached_property
    def replaced(self) -> list[tuple[Migration, Applied]]:
        """Of those the ones that have another name too: they are other files."""
        pairs = ((migration, self.by_key[migration.key]) for migration in self.edited)
        return [(m, row) for m, row in pairs if row.path and _name(m.path) != _name(row.path)]

    @property
    def acceptable(self) -> list[Migration]:
        """The edited files that the history may take as they are.

        Not those of an older release, whose newer one may have accepted what these are not.
        """
        replaced = {migration.key for migration, _row in self.replaced}
        return [m for m in self.edited if m.key not in replaced and not self.ahead]

    def file_begun(self, row: Applied) -> Migration | None:
        """The file of an upgrade that is incomplete, which may have been corrected since."""
        migration = self.files_by_key.get(row.key)
        begun = row.incomplete == Direction.UPGRADE
        same = migration and _name(migration.path) == _name(row.path)
        return migration if begun and same else None

    def file_that_ran(self, row: Applied) -> Migration | None:
        """The file whose upgrade section is what ran."""
        migration = self.files_by_key.get(row.key)
        if migration and not row.incomplete and self.changed(migration, row):
            return None
        return migration

    @cached_property
    def unequal(self) -> list[Migration]:
        """The files that are not, byte for byte, what was applied."""
        return [
            migration
            for migration in self.migrations
            if not (row := self.row_of(migration)) or row.checksum != migration.checksum
        ]

    @cached_property
    def late(self) -> list[Migration]:
        """Versioned files that are not applied although a higher version is."""
        current, applied = self.current, self.by_key
        if current is None:
            return []
        return [
            migration
            for migration in self.migrations
            if migration.version and migration.version < current and migration.key not in applied
        ]

    @cached_property
    def ignored(self) -> set[str]:
        """The keys of the files that are not run although they are due."""
        if self.out_of_order in (OutOfOrder.WARN, OutOfOrder.IGNORE):
            return {migration.key for migration in [*self.late, *self.outdated]}
        return {migration.key for migration in self.outdated}

    @cached_property
    def outdated(self) -> list[Migration]:
        """What an older release leaves to the newer one, whose text or name may be another."""
        if not self.ahead:
            return []
        return [
            migration
            for migration in self.migrations
            if not migration.version
            and (not (row := self.row_of(migration)) or self.changed(migration, row))
        ]

    @cached_property
    def due(self) -> list[Migration]:
        """The files an unlimited upgrade runs, in order; those that run always among them."""
        return [
            migration
            for migration in self.migrations
            if migration.key not in self.ignored and self._is_due(migration, self.row_of(migration))
        ]

    def _is_due(self, migration: Migration, row: Applied | None) -> bool:
        if row is None:
            return True
        if row.incomplete:
            return self.goes_on(row) or self.starts_over(row)
        if migration.kind is Kind.RUNS_ALWAYS or migration.key in self.repeat:
            return self.seen is None or row.sequence <= self.seen
        return migration.kind is Kind.RUNS_ON_CHANGE and self._is_another(migration, row)

    def _is_another(self, migration: Migration, row: Applied) -> bool:
        """Whether it, or what it has made, is not as it was applied."""
        return migration.key in self.unmade or self.changed(migration, row)

    def goes_on(self, row: Applied) -> bool:
        """Whether an incomplete upgrade is taken up where it stopped."""
        return self.resume and row.can_go_on and row.key in self.files_by_key

    def starts_over(self, row: Applied) -> bool:
        """Whether it is incomplete and is to be run again anyway, from its beginning."""
        begun = row.incomplete == Direction.UPGRADE and row.version is None
        return begun and row.key in self.files_by_key and not self.goes_on(row)

    def entries(self, failures: Mapping[str, Failure] | None = None) -> list[Entry]:
        """Everything there is, in the order in which it runs.

        `failures` are by key those of the migrations whose last run has failed.
        """
        pairs: list[tuple[Migration | None, Applied | None]] = [
            *((migration, self.row_of(migration)) for migration in self.migrations),
            *(
                (None, row)
                for row in self.applied
                if row.key not in self.files_by_key and row not in self.renamed.values()
            ),
        ]
        pairs.sort(key=lambda pair: run_order(subject(*pair)))
        return [self._entry(*pair, (failures or {}).get(subject(*pair).key)) for pair in pairs]

    def _entry(
        self, migration: Migration | None, row: Applied | None, failure: Failure | None
    ) -> Entry:
        if failure and failure.path not in (migration and migration.path, row and row.path):
            failure = None  # of another file with this version
        return Entry(self._state_after(migration, row, failure), migration, row, failure)

    def _state_after(
        self, migration: Migration | None, row: Applied | None, failure: Failure | None
    ) -> MigrationState:
        """What has failed is told from what is only due."""
        state = self._state_of(migration, row)
        runs_always = migration is not None and migration.kind is Kind.RUNS_ALWAYS
        is_due = state is MigrationState.PENDING or (
            runs_always and state is MigrationState.APPLIED
        )
        return MigrationState.FAILED if failure and is_due else state

    def _state_of(self, migration: Migration | None, row: Applied | None) -> MigrationState:
        if row and row.incomplete:
            return MigrationState.INCOMPLETE
        if migration is None:
            is_missing = row and row.key in self._missing_keys
            return MigrationState.MISSING if is_missing else MigrationState.APPLIED
        if migration.key in self.ignored:
            return MigrationState.IGNORED
        if row is None:
            return MigrationState.PENDING
        if migration.kind is Kind.RUNS_ALWAYS or not self._is_another(migration, row):
            return MigrationState.APPLIED
        return MigrationState.CHANGED if migration.version else MigrationState.PENDING


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _highest(migrations: Iterable[Migration | Applied]) -> Version | None:
    return max((m.version for m in migrations if m.version), default=None)
