"""What the API returns besides plain values."""

from dataclasses import dataclass

from .history.history import Past
from .history.recorded import Recorded
from .history.tables import Place
from .migration import Applied, Migration, Version
from .plan.inspection import Texts
from .plan.preparation import Planned
from .plan.state import Entry
from .problems import Problem
from .run.done import Done


@dataclass(frozen=True)
class Result:
    """What a run did; with `dry_run`, `planned` is what it would do.

    `left` are versioned files that stay pending because of the count or version; `warnings` are
    problems that do not stop a run.
    """

    done: tuple[Done, ...] = ()
    planned: tuple[Planned, ...] = ()
    left: tuple[Migration, ...] = ()
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Status:
    """Everything there is, in the order in which it runs, and what is wrong with it.

    `only_recorded` are the paths of pending files that an upgrade would not run, only record.
    """

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    pending: tuple[Migration, ...]
    current: Version | None
    history: Place
    only_recorded: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Detail:
    """Everything that is known of one migration; `entry` is None where only the log knows it."""

    label: str
    entry: Entry | None
    texts: Texts
    problems: tuple[Problem, ...]
    events: tuple[Past, ...]


@dataclass(frozen=True)
class Import:
    """What was taken over from another tool; `renamed` are paths on disk, each with its new one.

    `to_rename` would have to be.
    """

    recorded: tuple[Recorded, ...]
    problems: tuple[Problem, ...]
    renamed: tuple[tuple[str, str], ...] = ()
    to_rename: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Validation:
    """What was found wrong, and which records were fixed because of it."""

    problems: tuple[Problem, ...]
    forgotten: tuple[Applied, ...] = ()
    accepted: tuple[Migration, ...] = ()

    @property
    def fixed(self) -> tuple[Migration | Applied, ...]:
        return (*self.forgotten, *self.accepted)

    @property
    def is_valid(self) -> bool:
        return not any(problem.is_error for problem in self.problems)
