"""What the API takes and returns besides plain values."""

from dataclasses import dataclass

from .exceptions import Problem
from .executor import Done
from .migration import Applied, Migration, Version
from .plan import Step
from .script import Section


@dataclass(frozen=True)
class Skip:
    """The validations that are not made."""

    checksums: bool = False
    files: bool = False


@dataclass(frozen=True)
class Result:
    """What a run did; with `dry_run`, `planned` is what it would do.

    `left` are versioned files that stay pending because of the count or version.
    """

    done: tuple[Done, ...] = ()
    planned: tuple["Planned", ...] = ()
    left: tuple[Migration, ...] = ()


@dataclass(frozen=True)
class Planned:
    """A step with what it sends."""

    step: Step
    section: Section


@dataclass(frozen=True)
class Entry:
    """One line of the status.

    `state` is applied, pending, changed, missing, ignored or incomplete.
    """

    state: str
    migration: Migration | None
    applied: Applied | None

    @property
    def subject(self) -> Migration | Applied:
        subject = self.migration or self.applied
        assert subject is not None  # an entry without either is never made
        return subject


@dataclass(frozen=True)
class Status:
    """Everything there is, in the order in which it runs, and what is wrong with it."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    pending: tuple[Migration, ...]
    current: Version | None
