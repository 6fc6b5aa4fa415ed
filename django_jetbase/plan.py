"""Which steps a run takes, and what forbids it: pure functions over files and history."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from .exceptions import Problem, TargetError
from .migration import Applied, Direction, Kind, Migration, Version, upgrade_order

ZERO = "zero"
INCOMPLETE = "incomplete"  # the id of a problem that may pass by itself


@dataclass(frozen=True)
class Step:
    """One migration to run: a file, the row it replaces or removes, or both."""

    direction: Direction
    migration: Migration | None
    applied: Applied | None = None

    @property
    def subject(self) -> Migration | Applied:
        subject = self.migration or self.applied
        assert subject is not None  # a step without either is never made
        return subject

    @property
    def path(self) -> str:
        return self.subject.path


@dataclass(frozen=True)
class Plan:
    """The steps in order. `left` are versioned files that stay pending because of the target."""

    steps: tuple[Step, ...]
    left: tuple[Migration, ...] = ()


@dataclass(frozen=True)
class State:
    """Files and history side by side; `changed` tells whether an upgrade section differs."""

    migrations: Sequence[Migration]
    applied: Sequence[Applied]
    changed: Callable[[Migration, Applied], bool]

    @cached_property
    def by_key(self) -> dict[str, Applied]:
        return {row.key: row for row in self.applied}

    @cached_property
    def files_by_key(self) -> dict[str, Migration]:
        return {migration.key: migration for migration in self.migrations}

    @cached_property
    def current(self) -> Version | None:
        """The highest applied version."""
        return max((row.version for row in self.applied if row.version), default=None)

    def pending(self) -> list[Migration]:
        """The files an unlimited upgrade would run, in order; ignored ones are left out."""
        applied = self.by_key
        ignored = {migration.key for migration in self.out_of_order()}
        return [
            migration
            for migration in upgrade_order(list(self.migrations))
            if migration.key not in ignored and self._is_due(migration, applied.get(migration.key))
        ]

    def _is_due(self, migration: Migration, row: Applied | None) -> bool:
        if row is None or migration.kind is Kind.RUNS_ALWAYS:
            return True
        return migration.kind is Kind.RUNS_ON_CHANGE and self.changed(migration, row)

    def out_of_order(self) -> list[Migration]:
        """Versioned files that are not applied although a higher version is."""
        current, applied = self.current, self.by_key
        if current is None:
            return []
        return [
            migration
            for migration in self.migrations
            if migration.version and migration.version < current and migration.key not in applied
        ]


def duplicate_problems(migrations: Iterable[Migration]) -> list[Problem]:
    """Files that have the same version."""
    by_version: dict[Version, list[str]] = defaultdict(list)
    for migration in migrations:
        if migration.version:
            by_version[migration.version].append(migration.path)
    return [
        Problem(
            "duplicate-version",
            f"has the same version as {', '.join(paths[:-1])}; give one of them another",
            paths[-1],
            version=str(version),
        )
        for version, paths in sorted(by_version.items())
        if len(paths) > 1
    ]


def incomplete_problems(state: State) -> list[Problem]:
    """Migrations that stopped half-way where the database could not roll them back."""
    return [
        Problem(
            INCOMPLETE,
            f"its {row.incomplete} stopped half-way; {row.committed} of its statements are known to"
            " be committed. Put the database right by hand, then say what you made true:"
            f" jetbase_resolve {row.version or row.path} --applied or --rolled-back",
            row.path,
            version=str(row.version or ""),
        )
        for row in state.applied
        if row.incomplete
    ]


def file_problems(state: State) -> list[Problem]:
    """Applied files that are missing, and new files below the highest applied version."""
    files = state.files_by_key
    missing = [
        Problem(
            "missing-file",
            "is applied but its file is missing; put the file back",
            row.path,
            version=str(row.version or ""),
        )
        for row in state.applied
        if row.key not in files
    ]
    return missing + [
        Problem(
            "out-of-order",
            f"is below the highest applied version {state.current}; give it a higher one",
            migration.path,
            version=str(migration.version),
        )
        for migration in sorted(state.out_of_order(), key=lambda m: m.key)
    ]


def checksum_problems(state: State) -> list[Problem]:
    """Applied versioned files whose upgrade section changed."""
    applied = state.by_key
    return [
        Problem(
            "changed",
            "was changed after it was applied; undo the change and write a new migration for it",
            migration.path,
            version=str(migration.version),
        )
        for migration in upgrade_order(list(state.migrations))
        if migration.version
        and (row := applied.get(migration.key))
        and not row.incomplete
        and state.changed(migration, row)
    ]


def upgrade_plan(state: State, count: int | None = None, to_version: Version | None = None) -> Plan:
    """What an upgrade runs. Raises TargetError for a target that cannot be reached."""
    if count is not None and to_version is not None:
        raise TargetError("Give a count or a version, not both.")
    if count is not None and count < 1:
        raise TargetError(f"The count must be at least 1, not {count}.")
    if to_version is not None:
        _check_exists(to_version, state)
    pending = state.pending()
    versioned = [migration for migration in pending if migration.version]
    chosen = versioned[:count]
    if to_version is not None:
        chosen = [m for m in versioned if m.version and m.version <= to_version]
    left = versioned[len(chosen) :]
    if not left:
        chosen = pending
    applied = state.by_key
    steps = (Step(Direction.UPGRADE, m, applied.get(m.key)) for m in chosen)
    return Plan(tuple(steps), tuple(left))


def rollback_plan(
    state: State, count: int | None = None, to_version: Version | str | None = None
) -> Plan:
    """What a rollback undoes, newest first. Raises TargetError as `upgrade_plan` does."""
    if count is not None and to_version is not None:
        raise TargetError("Give a count or a version, not both.")
    rows = sorted((r for r in state.applied if r.version), key=lambda r: -r.sequence)
    if to_version is None:
        count = 1 if count is None else count
        if count < 1:
            raise TargetError(f"The count must be at least 1, not {count}.")
        if count > len(rows):
            raise TargetError(f"Cannot roll back {count}: {len(rows)} versions are applied.")
        rows = rows[:count]
    elif isinstance(to_version, Version):
        _check_exists(to_version, state)
        rows = [row for row in rows if row.version and row.version > to_version]
    files = state.files_by_key
    return Plan(tuple(Step(Direction.ROLLBACK, files.get(row.key), row) for row in rows))


def _check_exists(version: Version, state: State) -> None:
    known = {m.version for m in state.migrations} | {row.version for row in state.applied}
    if version not in known:
        raise TargetError(
            f"There is no version {version}: jetbase_status lists those there are.",
            version=str(version),
        )
