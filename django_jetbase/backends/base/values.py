"""What backends and those who use them tell each other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Self

from django.db import DatabaseError, Error

from ...sql.queries import Certain, Expression, Query, update
from ...sql.redaction import shortened, without_secrets

Notice = Callable[[str], None]


class Obstacle(NamedTuple):
    """Why a statement cannot run, and the way out."""

    message: str
    hint: str


class Location(NamedTuple):
    """Where the history is, or will be: its schema, on databases that have some.

    `tables` are the names of its tables that are there; `adopted` if nothing led there but that it
    is the only one.
    """

    schema: str | None
    tables: frozenset[str]
    adopted: bool = False


class Holder(NamedTuple):
    """Who holds the lock: a process, and its session in the database.

    `beat` counts the signs of life that it has given.
    """

    token: str
    host: str
    pid: int
    session: int
    session_start: str
    database_user: str
    command: str
    since: datetime
    beat: int = 0

    def __str__(self) -> str:
        since = self.since.strftime("%Y-%m-%d %H:%M:%S UTC")
        process = f"process {self.pid}" if self.pid else f"session {self.session}"
        return f"{self.command} by {self.database_user}@{self.host}, {process}, since {since}"


class Blocker(NamedTuple):
    """A session that has a lock which another one waits for; or, if not `sure`, may have it.

    `seconds` is the age of its transaction.
    """

    session: int
    user: str
    seconds: float
    query: str
    sure: bool = True

    def __str__(self) -> str:
        query = " ".join(without_secrets(self.query).split())
        verb = "holds" if self.sure else "may hold"
        return (
            f"session {self.session} of {self.user}, {self.seconds:.0f} s in its transaction,"
            f" {verb} it: {shortened(query, 100)}"
        )


class Progress:
    """How far a section has come that runs statement by statement, as its row says.

    `table` is the SQL for the table of that row.

    The first `start` statements ran before; `unsure` if the next one had begun. Called with the
    number of statements that are committed. `verify` raises where the lock is another's.
    """

    def __init__(
        self,
        table: str,
        row: int,
        fence: str | Expression,
        verify: Callable[[], None],
        start: int = 0,
        *,
        unsure: bool = False,
    ) -> None:
        self.table = table
        self.row = row
        self.fence = fence
        self.verify = verify
        self.start = start
        self.unsure = unsure
        self.committed = start

    def __call__(self, committed: int) -> None:
        self.committed = committed

    def query(self, committed: int, attempted: int) -> Query:
        """What records it; `attempted` statements have begun.

        It fails where the lock is another's, and where the row is not there any more.
        """
        values: dict[str, Any] = {"committed": committed, "attempted": attempted}
        if self.fence:
            values["namespace"] = self.fence
        names = {name: name for name in values}
        return Certain(*update(self.table, names, values, Query("id = %s", (self.row,))))


@dataclass(frozen=True)
class Effect:
    """What a statement that failed has done nevertheless.

    `partial` if that may be something; `left` says what, and `unsure` if it must be looked at
    before the statement runs again.
    """

    partial: bool = False
    left: str = ""
    unsure: bool = False


class StatementFailed(Exception):
    """The statement at `index` failed, none where it was not one of the file's.

    `offset` is the place in the file's text that the database pointed at; its error is the cause.
    """

    def __init__(
        self, index: int | None, offset: int | None = None, effect: Effect | None = None
    ) -> None:
        super().__init__(index, offset)
        self.index = index
        self.offset = offset
        self.effect = effect or Effect()

    def at(self, index: int) -> "StatementFailed":
        """The same of another statement."""
        return StatementFailed(index, self.offset, self.effect)

    def having(self, **changes: Any) -> Self:
        """The same with what is known better of its effect."""
        return type(self)(self.index, self.offset, replace(self.effect, **changes))


class RowNotWritten(DatabaseError):
    """A row that was to be changed was not, and the database did not say why."""


class RecordFailed(StatementFailed):
    """What records a section in the history failed, which is none of its statements."""

    def __init__(
        self, index: None = None, offset: None = None, effect: Effect | None = None
    ) -> None:
        super().__init__(None, None, effect)

    def at(self, index: int) -> "StatementFailed":
        return self


@contextmanager
def failing(index: int | None, offset: int | None = None) -> Iterator[None]:
    """Turn a database error into the failure of a statement, or of none of the file's."""
    try:
        yield
    except (Error, ValueError) as error:
        raise StatementFailed(index, offset) from error


@contextmanager
def recording() -> Iterator[None]:
    """Turn a database error into the failure of what records a section."""
    try:
        yield
    except (Error, ValueError) as error:
        raise RecordFailed from error


def marks(values: Sequence[Any]) -> str:
    """A list for IN, to be filled in."""
    return f"({', '.join(['%s'] * len(values))})"
