"""One family of errors; each says what happened, where, and what to do next."""

from collections.abc import Sequence
from typing import Any

from .problems import Problem


class JetbaseError(Exception):
    """Base of every error of this package, with the facts as attributes where they are known."""

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        line: int | None = None,
        column: int | None = None,
        version: str | None = None,
    ) -> None:
        super().__init__(message)
        self.path = path
        self.line = line
        self.column = column
        self.version = version
        self.done: tuple[Any, ...] = ()  # what a run had done before, a `Done` each


class SettingsError(JetbaseError):
    """The JETBASE setting cannot be used as it is."""


class MigrationFileError(JetbaseError):
    """A migration file cannot be found, read or written."""


class ProblemsError(JetbaseError):
    """Files and history do not go together; `problems` has every reason at once.

    The facts are those of the first one.
    """

    def __init__(self, problems: Sequence[Problem], next_step: str = "") -> None:
        first = problems[0]
        text = "\n".join(str(problem) for problem in problems)
        super().__init__(
            f"{text}\n{next_step}".strip(),
            path=first.path,
            line=first.line,
            column=first.column,
            version=first.version,
        )
        self.problems = tuple(problems)


class TargetError(JetbaseError):
    """A count or version that cannot be reached."""


class StatementError(JetbaseError):
    """The database refused a statement; `statement` is shortened, without passwords."""

    statement: str = ""


class HistoryError(JetbaseError):
    """The history cannot be read or written."""


class LockError(JetbaseError):
    """Another process holds the lock; `holder`, where it is known, says who."""

    def __init__(self, message: str, *, holder: Any = None) -> None:
        super().__init__(message)
        self.holder = holder


class LockLostError(LockError):
    """The lock was taken away from this run, which must not record anything any more."""


class ReadOnlyError(JetbaseError):
    """The database takes no writes: a standby, or a read-only session."""


class DjangoMigrationError(JetbaseError):
    """A migration of Django's cannot be written as a file."""


class AtomicError(JetbaseError):
    """Called inside an open `atomic()` block."""
