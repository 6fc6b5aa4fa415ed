import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from ..exceptions import HistoryError, SettingsError
from ..lexicons.ansi import Lexicon
from ..models import LOCK
from ..queries import Expression, Query
from ..redaction import without_values
from ..scanner import Statement, scan
from ..script import Section
from .values import Blocker, Holder, Obstacle, Progress, StatementFailed

# What may hold semicolons of its own, in whatever language.
_HAS_BODY = re.compile(
    r"(?:CREATE|ALTER)\b[^;]*?\b(?:PROCEDURE|FUNCTION|PACKAGE|TRIGGER|EVENT)\b"
    r"|DECLARE\b|BEGIN\b(?! ?;| WORK\b| TRANSACTION\b)",
    re.IGNORECASE,
)
Notice = Callable[[str], None]
Retrying = Callable[[Callable[[], None]], None]


DJANGO_MIGRATIONS = "django_migrations"
NEEDS_NO_TRANSACTION = (
    "put -- jetbase: transaction=off before the first statement, or move this one to a file of its"
    " own that has it"
)


class Dialect:
    """How one database runs a section; this one serves every backend that has no other.

    Connections are in autocommit mode while a dialect uses them.
    """

    lexicon: Lexicon = Lexicon()
    elapsed: ClassVar[Expression | None] = None  # the milliseconds since `begin`
    django_now: ClassVar[str] = "CURRENT_TIMESTAMP"  # SQL for the present as Django writes it
    # Whether the write transaction of a file is the lock; `begin` then waits up to `wait` seconds.
    transaction_is_lock: ClassVar[bool] = False
    wait: float = 0.0
    # Whether a flush must be told to empty tables of other schemas that refer to those it empties.
    flush_cascades: ClassVar[bool] = False
    locking_read: ClassVar[str] = ""  # what keeps a row that is read as it is to the end
    this_session: tuple[int | Expression, str | Expression] = (0, "")  # and its start
    at_work: ClassVar[str] = "1 = 0"  # whether the session in a row of the lock is known to live
    # Whether the lock can be looked at in a transaction of a file's own, and is kept by that.
    asks_inside: ClassVar[bool] = False
    # Whether a statement in progress keeps Python from raising, so that it must be cancelled.
    blocks: ClassVar[bool] = True

    def __init__(self, connection: BaseDatabaseWrapper, notice: Notice = lambda text: None) -> None:
        self.connection = connection
        self.notice = notice
        self._busy = False
        self._interrupt: BaseException | None = None

    @property
    def transactional(self) -> bool:
        """Whether DDL can be rolled back."""
        return bool(self.connection.features.can_rollback_ddl)

    def is_atomic(self, section: Section) -> bool:
        """Whether the section and its row in the history are one transaction."""
        return self.transactional and section.transaction

    def has_table(self, name: str) -> bool:
        """Whether the table is there, as `tables_among` says."""
        return bool(self.tables_among([name]))

    def tables_among(self, names: Sequence[str]) -> set[str]:
        """Which of the tables are where this connection looks for them.

        Raises HistoryError where one exists, but not there.
        """
        return set(names) & set(self.connection.introspection.table_names())

    def unmanaged_tables(self, managed: Collection[str]) -> list[str]:
        """The tables that rows of the project may be in, but for the managed ones of its models."""
        names = self.connection.introspection.table_names()
        return [name for name in names if name not in managed and not is_record(name)]

    def create_schema(self) -> None:
        """Create the schema that the settings of the alias name, where it is missing."""

    def scratch_name(self, prefix: str, name: str) -> str:
        """What to call a database beside the one with this name."""
        return f"{prefix}{name}_scratch"

    def end_other_sessions(self) -> None:
        """End those that would keep this database from being dropped."""

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

    def takes_writes(self) -> bool:
        """Whether this is known to be a database that can be written to."""
        return True

    def epoch(self, column: str) -> str:
        """SQL for the seconds since 1970 of a TIMESTAMP that another tool set to the present.

        Raises HistoryError where no such tool is known.
        """
        raise HistoryError(f"Histories of other tools cannot be read on {self.connection.vendor}.")

    # ---- what may run

    def obstacle(self, statement: Statement, section: Section) -> Obstacle | None:
        """Why the statement cannot run in this section; None where it can."""
        parts = self.parts(statement)
        if len(parts) > 1 and (control := next(filter(self.controls, parts), None)):
            return Obstacle(
                f"what {control.keyword} commits among other statements up to one delimiter,"
                " nothing would tell",
                "write the delimiter behind each of them",
            )
        whole = (statement, *parts) if len(parts) > 1 else parts
        return next(filter(None, (self.obstacle_of(part, section) for part in whole)), None)

    def obstacle_of(self, statement: Statement, section: Section) -> Obstacle | None:
        """Why a single statement cannot run in this section; None where it can."""
        return None

    def controls(self, statement: Statement) -> bool:
        """Whether it begins or ends a transaction."""
        return False

    def parts(self, statement: Statement) -> Sequence[Statement]:
        """The statements that one holds, which goes on to a delimiter of its own."""
        if statement.delimiter == ";" or ";" not in statement.text:
            return (statement,)
        if _HAS_BODY.match(self.lead(statement)):
            return (statement,)
        items = scan(statement.text, self.lexicon)
        return [item for item in items if isinstance(item, Statement)] or (statement,)

    def lead(self, statement: Statement) -> str:
        """The first words of a statement, with one blank for every comment between them."""
        return self.lexicon.spacing.sub(" ", statement.text[:500])

    # ---- the lock

    @property
    def is_private(self) -> bool:
        """Whether no other session can come to this database."""
        return False

    def may_beat(self) -> bool:
        """Whether a heartbeat over another connection does no harm now; called in its thread."""
        return True

    def claim(self, token: str) -> None:
        """Let other sessions see that this one is at work for the holder with the token."""

    def disclaim(self, token: str) -> None:
        """The opposite of `claim`."""

    def is_working(self, holder: Holder) -> bool:
        """Whether the holder's session is known to live, whatever became of its client."""
        sql = f"SELECT 1 FROM {LOCK} WHERE token = %s AND {self.at_work}"
        return bool(self.execute(sql, (holder.token,)))

    def terminate(self, holder: Holder) -> None:
        """End the holder's session, if it lives. Raises Error where that is not allowed."""

    def session_id(self) -> int | None:
        """What identifies this connection's session in the database; asks nothing."""
        return None

    def blockers(self, session: int) -> list[Blocker]:
        """Whom a session waits for now. Raises Error where that is not allowed."""
        return []

    def blocker(self, session: int, user: str, seconds: float, query: str) -> Blocker:
        """A session with its query, in which values of rows stand as literals."""
        return Blocker(session, user, seconds, without_values(query, self.lexicon))

    def companion(self) -> "Dialect":
        """The same database over a connection of its own, for use in another thread."""
        connection = self.connection.copy()
        connection.settings_dict["OPTIONS"].pop("pool", None)
        return type(self)(connection)

    # ---- the session

    @contextmanager
    def session(self) -> Iterator[None]:
        """Note the state of the session that the files must leave as it is."""
        yield

    def restore_session(self, section: Section) -> None:
        """Put back what the file has changed of the session."""

    # ---- running

    def run_in_transaction(
        self, section: Section, verify: Callable[[], None], closing: Callable[[], Iterable[Query]]
    ) -> None:
        """Run the section and the closing queries as one transaction.

        `verify` is called inside it where the transaction is the lock, and raises to stop the run.
        Raises StatementFailed. After any error everything is rolled back, the session restored.
        """
        try:
            self.prepare(section)
            self.begin()
            if self.transaction_is_lock:
                verify()
            for index, statement in enumerate(section.statements):
                self.run(index, statement, section)
            with failing(None):
                self.before_commit(section)
                self.restore_session(section)
                for query in closing():
                    self.execute(query.sql, query.params)
                self.commit()
        except BaseException:
            self.abandon(section)
            raise
        self.after_commit(section)

    def run_one_by_one(self, section: Section, progress: Progress, retry: Retrying) -> None:
        """Run the section in autocommit from where it has come to.

        `retry` runs each statement that is not in a transaction of the section's own.
        Raises StatementFailed. After any error what is open is rolled back, the session restored.
        """
        try:
            self.prepare(section)
            if progress.start:
                self.skip(section, progress.start)
            for index, statement in enumerate(section.statements):
                if index >= progress.start:
                    self.step(index, statement, section, progress, retry)
            with failing(None):
                self.before_commit(section)
                if section.statements and self.is_open(None):
                    self.commit_open(section, progress)
        except BaseException as error:
            if isinstance(error, StatementFailed) and not self.is_connected():
                error.partial = True
            self.abandon(section)
            raise
        with failing(None):
            self.restore_session(section)

    def step(
        self,
        index: int,
        statement: Statement,
        section: Section,
        progress: Progress,
        retry: Retrying,
    ) -> None:
        """Run one statement of such a section. Raises StatementFailed."""
        if self.is_open(None):
            if self.controls(statement) and statement.keyword not in ("ROLLBACK", "ABORT"):
                progress.verify()
            self.run(index, statement, section)
        else:
            retry(partial(self.run, index, statement, section))
        if not self.is_open(statement):
            progress(index + 1)

    def commit_open(self, section: Section, progress: Progress) -> None:
        """Commit what such a section has left open at its end."""
        self.execute("COMMIT")
        progress(len(section.statements))

    def records_progress(self, section: Section) -> bool:
        """Whether the history hears of every statement of such a section, so that it can go on."""
        return False

    def skip(self, section: Section, count: int) -> None:
        """Pass over statements that ran before, but for what they did to the session."""

    def obstacle_to_skip(self, statement: Statement, *, inside: bool) -> str | None:
        """Why nothing can go on behind this statement, which ran before.

        `inside` if it was in a transaction of the section's own.
        """
        return None

    def obstacle_to_correct(self, before: Statement, now: Statement | None) -> str | None:
        """Why a statement of which only the beginning is known may not be another one now.

        Or none, where the file has got shorter.
        """
        return "had begun, so that nothing tells what it did, and was changed"

    def qualified(self, table: str) -> str:
        """The name of a table of the history, whatever a section has done to the session."""
        return str(self.connection.ops.quote_name(table))

    def interrupt(self, error: BaseException) -> None:
        """Raise the error, now or before the next statement; called in the thread that runs."""
        self._interrupt = error
        if not self._busy:
            raise error

    def cancel(self) -> None:
        """Let the statement in progress fail; called in another thread. Raises database errors."""

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A statement is in progress."""
        if self._interrupt:
            raise self._interrupt
        self._busy = self.blocks
        try:
            yield
        finally:
            self._busy = False

    def run(self, index: int, statement: Statement, section: Section) -> None:
        """Send one statement. Raises StatementFailed."""
        try:
            with self.busy(), self.cursor() as cursor:
                cursor.execute(self.as_sent(statement, section))
                self.drain(cursor)
        except (Error, ValueError) as error:
            known = self.readable(error, section)
            raise StatementFailed(index, self.offset_of(known, statement)) from known

    def is_transient(self, error: BaseException | None) -> bool:
        """Whether the error came of what other sessions did, so that another try may succeed."""
        return False

    def readable(self, error: Exception, section: Section) -> Exception:
        """The error of a statement, as one whose message can be read."""
        return error

    def as_sent(self, statement: Statement, section: Section) -> str:
        """The statement as the database's own shell sends it."""
        return statement.sql

    def drain(self, cursor: Any) -> None:
        """Read what the statement returned to its end, without which some do not run whole."""
        while cursor.description and cursor.fetchmany(1000):
            pass

    def offset_of(self, error: Exception, statement: Statement) -> int | None:
        """The place in the file that the error points at."""
        return None

    def message_of(self, error: BaseException | None) -> str:
        """What the database says, without its own idea of the place or the contents of rows."""
        return str(error).strip()

    def remedy(self, error: BaseException | None, keyword: str = "") -> str:
        """A sentence about the way out of an error; empty where the message says it all.

        `keyword` is the first word of the statement that failed.
        """
        return ""

    def is_open(self, statement: Statement | None) -> bool:
        """Whether the section has a transaction open, after this statement of it."""
        return False

    def prepare(self, section: Section) -> None:
        """What must be done before the section's transaction begins."""

    def before_commit(self, section: Section) -> None:
        """What must hold before the section's transaction commits; raises where it does not."""

    def after_commit(self, section: Section) -> None:
        """What can only be put back outside a transaction."""

    def has_open_work(self) -> bool:
        """Whether the caller, with autocommit off, has a transaction open."""
        return False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction for queries of the tool's own."""
        self.begin()
        try:
            yield
            self.commit()
        except BaseException:
            self.rollback()
            raise

    def begin(self) -> None:
        self.connection.set_autocommit(False)

    def commit(self) -> None:
        self.connection.commit()
        self.connection.set_autocommit(True)

    def rollback(self) -> None:
        """Leave whatever transaction is open; a dead connection is closed."""
        try:
            self.roll_back()
        except (Error, ValueError):
            self.connection.close()

    def roll_back(self) -> None:
        self.connection.rollback()
        self.connection.set_autocommit(True)

    def abandon(self, section: Section) -> None:
        """After a failure: roll back and restore the session as far as the connection lives."""
        self.rollback()
        try:
            self.restore_session(section)
        except Error:
            self.connection.close()

    # ---- talking to the database

    def is_connected(self) -> bool:
        """Whether the connection still lives."""
        return self.connection.connection is not None and self.connection.is_usable()

    def cursor(self) -> CursorWrapper:
        """A cursor whose statements Django's query log does not keep."""
        self.connection.ensure_connection()
        with self.connection.wrap_database_errors:
            return self.connection.make_cursor(self.connection.create_cursor())

    def change(self, query: Query) -> int:
        """Run one query of the tool's own and return how many rows it changed."""
        with self.cursor() as cursor:
            cursor.execute(query.sql, query.params or None)
            return int(cursor.rowcount)

    def execute(self, sql: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one query of the tool's own and return its rows."""
        with self.cursor() as cursor:
            cursor.execute(sql, params or None)
            return list(cursor.fetchall()) if cursor.description else []


def is_record(table: str) -> bool:
    """Whether the rows of a table say what was migrated."""
    return table == DJANGO_MIGRATIONS or table.startswith("django_jetbase_")


@contextmanager
def failing(index: int | None) -> Iterator[None]:
    """Turn a database error into the failure of a statement, or of none of the file's."""
    try:
        yield
    except (Error, ValueError) as error:
        raise StatementFailed(index) from error


def marks(values: Sequence[Any]) -> str:
    """A list for IN, to be filled in."""
    return f"({', '.join(['%s'] * len(values))})"
