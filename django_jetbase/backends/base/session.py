from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from ...exceptions import SettingsError
from ...files.script import Section
from .backend import Part

# Gives the names of what may be otherwise than it was before the section.
Moved = Callable[[], Collection[str]]


class Setting(NamedTuple):
    """SQL that sets something of a session, as it stands.

    `place` is where in the file that is asked for; it `may_fail` if it cannot be set here at all.
    """

    sql: str
    place: int | None = None
    may_fail: bool = False


def _nothing(moved: Moved) -> Iterable[Setting]:
    return ()


@dataclass(frozen=True)
class Frame:
    """What stands around the statements of a section; a run sends it, a script has it in it.

    `before` its transaction, and `first` in it. At the end `check` must succeed, and with
    `checks_references` no row may have come to refer to nothing. `restore` puts the session back
    for the record, and `after` what can only be put back outside of the transaction; both ask
    what has moved not before they come to that.
    """

    before: Sequence[Setting] = ()
    first: Sequence[Setting] = ()
    check: Sequence[str] = ()
    checks_references: bool = False
    restore: Callable[[Moved], Iterable[Setting]] = _nothing
    after: Callable[[Moved], Iterable[Setting]] = _nothing


class Session(Part):
    """The state of a session: what a file may change, and finds as it was before every other."""

    role: str = "none"  # that the run began with, where there are roles

    def note(self) -> None:
        """Remember the state that the files must leave as it is."""

    @contextmanager
    def kept(self) -> Iterator[None]:
        """The same, and tell what the database says of itself meanwhile."""
        self.note()
        yield

    def moved(self) -> Collection[str]:
        """What is not as it was when it was noted."""
        return ()

    def frame(self, section: Section, *, atomic: bool) -> Frame:
        """What stands around a section; `atomic` if it is one transaction with its record."""
        return Frame()

    @contextmanager
    def role_of(self, role: str | None) -> Iterator[None]:
        """Have the session in a role, where one is named. Raises SettingsError without roles."""
        if role is not None:
            raise SettingsError(
                f'JETBASE["ROLE"] is for PostgreSQL; the alias {self.connection.alias!r} has none.'
            )
        yield

    @contextmanager
    def inside_schema_editor(self) -> Iterator[None]:
        """Have the session as usual although one of Django's schema editors is entered."""
        yield
