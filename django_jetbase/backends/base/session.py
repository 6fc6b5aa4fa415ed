from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

from ...files.script import Section
from .backend import Part


class Leftover(NamedTuple):
    """What is in a session and was not before: its kind as in `DROP TABLE`, and its name."""

    kind: str
    name: str


class Changes(Protocol):
    """What may be otherwise in a session than it was before a section."""

    def moved(self) -> Collection[str]:
        """The names of settings."""

    def left(self) -> Collection[Leftover]:
        """What only this session sees."""


class Setting(NamedTuple):
    """SQL that sets something of a session, as it stands.

    `place` is where in the file that is asked for; it `may_fail` if it cannot be set here at all.
    """

    sql: str
    place: int | None = None
    may_fail: bool = False


def _nothing(changes: Changes) -> Iterable[Setting]:
    return ()


@dataclass(frozen=True)
class Frame:
    """What stands around the statements of a section; a run sends it, a script has it in it.

    `before` its transaction, and `first` in it. At the end `check` must succeed, and with
    `checks_references` no row may have come to refer to nothing. `restore` puts the session back
    for the record, and `after` what can only be put back outside of the transaction; both ask
    what has changed not before they come to that.
    """

    before: Sequence[Setting] = ()
    first: Sequence[Setting] = ()
    check: Sequence[str] = ()
    checks_references: bool = False
    restore: Callable[[Changes], Iterable[Setting]] = _nothing
    after: Callable[[Changes], Iterable[Setting]] = _nothing


class Session(Part):
    """The state of a session: what a file may change, and finds as it was before every other.

    Besides settings that is what only the session sees, such as temporary tables.
    """

    role: str = "none"  # that the run began with, where there are roles
    # Whether files always run in another session than one that somebody has used before, or only
    # where that holds something.
    is_kept_apart: ClassVar[bool] = True

    def note(self) -> None:
        """Remember the state that the files must leave as it is."""

    @contextmanager
    def kept(self) -> Iterator[None]:
        """The same, and tell what the database says of itself meanwhile."""
        self.note()
        yield

    def moved(self) -> Collection[str]:
        """The settings that are not as they were when they were noted."""
        return ()

    def left(self) -> Collection[Leftover]:
        """What is there that was not when the state was noted."""
        return ()

    @property
    def is_unfit(self) -> bool:
        """Whether files run in another session although nobody has used this one."""
        return False

    def holds(self, sections: Iterable[Section] | None) -> bool:
        """Whether it has, besides settings, what a run of the sections might see or take away.

        None stands for any.
        """
        return False

    def as_noted(self) -> Iterable[Setting]:
        """What gives another session the settings of this one."""
        return ()

    def settings_apart(self, role: str | None) -> dict[str, Any]:
        """Django's settings for another connection, in a role if one is given."""
        return self.connection.settings_dict

    def frame(self, section: Section, *, atomic: bool) -> Frame:
        """What stands around a section; `atomic` if it is one transaction with its record."""
        return Frame()

    @contextmanager
    def role_of(self, role: str | None) -> Iterator[None]:
        """Have the session in a role, where one is named."""
        yield

    @contextmanager
    def inside_schema_editor(self) -> Iterator[None]:
        """Have the session as usual although one of Django's schema editors is entered."""
        yield
