"""Which steps a run takes: pure functions over files and history."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ..exceptions import TargetError
from ..files.names import parse_name, parse_version
from ..migration import Applied, Direction, Migration, Version
from .state import State, subject

ZERO = "zero"
ALL = "all"


@dataclass(frozen=True)
class Step:
    """One migration to run: a file, the row it replaces or removes, or both.

    With `resume` it goes on where it has stopped.
    """

    direction: Direction
    migration: Migration | None
    applied: Applied | None = None
    resume: bool = False

    @property
    def retires(self) -> bool:
        """Whether it only takes the record of a repeatable file out, which is gone."""
        return self.direction is Direction.UPGRADE and self.migration is None

    @property
    def renames(self) -> bool:
        """Whether it only gives the record of a repeatable file another name."""
        return bool(self.migration and self.applied and self.migration.key != self.applied.key)

    @property
    def subject(self) -> Migration | Applied:
        return subject(self.migration, self.applied)

    @property
    def path(self) -> str:
        return self.subject.path

    @property
    def replaced(self) -> Applied | None:
        """What its last statement replaces: not what is incomplete, which begins anew."""
        return None if self.applied and self.applied.incomplete else self.applied


class Unmet(NamedTuple):
    """What a file needs, in its words, and cannot have: it needs this one itself, or is several."""

    migration: Migration
    needed: str
    in_circle: bool = False
    several: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The steps in order. `left` are versioned files that stay pending because of the target.

    `unmet` are files that need another one which they cannot have.
    """

    steps: tuple[Step, ...]
    left: tuple[Migration, ...] = ()
    unmet: tuple[Unmet, ...] = ()


def target_version(text: object) -> Version:
    """The version that is named, also by a file. Raises TargetError for what is none."""
    name = parse_name(text.rpartition("/")[2]) if isinstance(text, str) else None
    if name and name.version:
        return name.version
    version = parse_version(re.sub(r"\A[Vv](?=\d)", "", text)) if isinstance(text, str) else None
    if version is None:
        raise TargetError(f"{text!r} is no version: use digits separated by '.' or '_'.")
    return version


def keys_to_repeat(names: Collection[str], migrations: Iterable[Migration]) -> frozenset[str]:
    """The keys of the repeatable files that are named by their path or name alone, or of ALL.

    Raises TargetError for a name that none has.
    """
    repeatable = [migration for migration in migrations if not migration.version]
    if ALL in names:
        return frozenset(migration.key for migration in repeatable)
    found: set[str] = set()
    for name in names:
        meant = {m.key for m in repeatable if name in (m.path, m.path.rpartition("/")[2])}
        if not meant:
            raise TargetError(f"There is no repeatable file {name!r}: name a ROC or a RA file.")
        found |= meant
    return frozenset(found)


def upgrade_plan(
    state: State,
    count: int | None = None,
    to_version: Version | None = None,
    *,
    repeatables: bool = True,
    retires: bool = True,
    needs: Callable[[Migration], Iterable[str]] = lambda migration: (),
) -> Plan:
    """What an upgrade runs. Raises TargetError for a target that cannot be reached.

    With `retires` repeatable files that are gone leave the history. `needs` gives the paths, or
    names, of the repeatable files that a file wants to run before it.
    """
    if count is not None and to_version is not None:
        raise TargetError("Give a count or a version, not both.")
    if count is not None and count < 1:
        raise TargetError(f"The count must be at least 1, not {count}.")
    if to_version is not None:
        _check_exists(to_version, state)
    due = state.due
    versioned = [migration for migration in due if migration.version]
    chosen = versioned[:count]
    if to_version is not None:
        chosen = [m for m in versioned if m.version and m.version <= to_version]
    left = versioned[len(chosen) :]
    if not left and repeatables:
        chosen = due
    applied = state.by_key
    chosen, unmet = _in_order_of_needs(chosen, state, needs)
    rows = ((m, applied.get(m.key) or state.renamed.get(m.key)) for m in chosen)
    steps = (Step(Direction.UPGRADE, m, row, bool(row and state.goes_on(row))) for m, row in rows)
    retired = state.retired if retires and repeatables and not left else []
    retiring = (Step(Direction.UPGRADE, None, row) for row in retired)
    return Plan((*steps, *retiring), tuple(left), tuple(unmet))


def _in_order_of_needs(
    chosen: Iterable[Migration], state: State, needs: Callable[[Migration], Iterable[str]]
) -> tuple[list[Migration], list[Unmet]]:
    """Each behind what it needs of that which is due."""
    repeatable = [migration for migration in state.migrations if not migration.version]
    known: dict[str, list[Migration]] = defaultdict(list)
    for file in repeatable:
        known[file.path.rpartition("/")[2]].append(file)
    known |= {file.path: [file] for file in repeatable}
    due = {migration.key for migration in state.due}
    found: dict[str, Migration] = {}
    unmet: list[Unmet] = []

    def add(migration: Migration, above: tuple[str, ...]) -> None:
        for path in needs(migration):
            meant = known.get(path, [])
            if len(meant) != 1:
                several = tuple(file.path for file in meant)
                unmet.append(Unmet(migration, path, several=several))
            elif meant[0].key in (*above, migration.key):
                unmet.append(Unmet(migration, path, in_circle=True))
            elif meant[0].key in due and meant[0].key not in found:
                add(meant[0], (*above, migration.key))
        found[migration.key] = migration

    for migration in chosen:
        if migration.key not in found:
            add(migration, ())
    return list(found.values()), unmet


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
    return Plan(tuple(Step(Direction.ROLLBACK, state.file_that_ran(row), row) for row in rows))


def _check_exists(version: Version, state: State) -> None:
    known = {m.version for m in state.migrations} | {row.version for row in state.applied}
    if version not in known:
        is_zero = not any(version.numbers)
        to_zero = f" jetbase_rollback --to-version {ZERO} undoes all." if is_zero else ""
        raise TargetError(
            f"There is no version {version}: jetbase_status lists those there are.{to_zero}",
            version=str(version),
        )
