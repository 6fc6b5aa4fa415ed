import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from ...exceptions import HistoryError, SettingsError
from ...files.script import Section
from ...sql.lexicon import Lexicon
from ...sql.queries import Expression, Query
from ...sql.redaction import without_values
from ...sql.scanner import Statement, scan
from .values import Blocker, Holder, Location, Obstacle, StatementFailed

# What may hold semicolons of its own, in whatever language.
_HAS_BODY = re.compile(
    r"(?:CREATE|ALTER)\b[^;]*?\b(?:PROCEDURE|FUNCTION|PACKAGE|TRIGGER|EVENT)\b"
    r"|DECLARE\b|BEGIN\b(?! ?;| WORK\b| TRANSACTION\b)",
    re.IGNORECASE,
)
Notice = Callable[[str], None]


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
    quote_mark: ClassVar[str] = ""  # around a name, doubled in it; empty: as Django quotes it
    locking_read: ClassVar[str] = ""  # what keeps a row that is read as it is to the end
    has_schemas: ClassVar[bool] = False  # in which the history may be
    # What directives need, which hold for nothing on a database without it.
    has_timeouts: ClassVar[bool] = False
    has_roles: ClassVar[bool] = False
    switches_foreign_keys: ClassVar[bool] = False
    keeps_types: ClassVar[bool] = True  # so that a column holds nothing but what it is for
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
        return self.transactional and section.directives.transaction

    def quote(self, name: str) -> str:
        """A name as SQL, whatever characters it has."""
        if mark := self.quote_mark:
            return f"{mark}{name.replace(mark, mark * 2)}{mark}"
        return str(self.connection.ops.quote_name(name))

    def quote_all(self, names: Iterable[str]) -> dict[str, str]:
        """Each of the names as SQL."""
        return {name: self.quote(name) for name in names}

    def for_django(self, name: str) -> str:
        """A name for Django's own operations, which quote it but escape no quote in it."""
        quoted = self.quote(name)
        return name if name == quoted[1:-1] else quoted

    def has_table(self, name: str) -> bool:
        """Whether the table is where this connection looks for it."""
        return bool(self.tables_among([name]))

    def tables_among(self, names: Sequence[str]) -> set[str]:
        """Which of the tables are where this connection looks for them."""
        return set(names) & set(self.connection.introspection.table_names())

    def locate(
        self, tables: Sequence[str], schema: str | None, claimed: Callable[[], Collection[str]]
    ) -> Location:
        """Where the history is whose tables have these names, the main one first.

        `schema` is the setting, and `claimed` gives the schemas of other aliases. Raises
        SettingsError for a schema where there are none, HistoryError where it cannot be told.
        """
        if schema is not None:
            raise SettingsError(
                f'JETBASE["HISTORY_SCHEMA"] is for PostgreSQL; the alias {self.connection.alias!r}'
                " has none. HISTORY_TABLE_PREFIX gives the tables of the history other names."
            )
        return Location(None, frozenset(self.tables_among(tables)))

    def unmanaged_tables(self, managed: Collection[str], records: Collection[str]) -> list[str]:
        """The tables but for those of models and those that say what was migrated.

        Named as Django's own operations take them.
        """
        names = set(self.connection.introspection.table_names()) - {*managed, *records}
        return [self.for_django(name) for name in sorted(names)]

    def histories(self, constraint: str) -> list[tuple[str | None, str, bool]]:
        """All histories of this database: schema and name of the table, and if it may be read.

        `constraint` is how the name of its constraint ends, whatever the table is called.
        """
        return []

    @property
    def named_schema(self) -> str | None:
        """The schema that the OPTIONS of the alias name first, where there are schemas."""
        return None

    def create_schemas(self, history: str | None) -> None:
        """Create the schemas that the settings of the alias name, where they are missing."""

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

    def claiming(self, token: str) -> list[Query]:
        """What lets others see that a session is at work for the holder with the token."""
        return []

    def disclaiming(self, token: str) -> list[Query]:
        """The opposite of `claiming`."""
        return []

    @property
    def this_session(self) -> tuple[int | Expression, str | Expression]:
        """What identifies this session in the row of the lock: its number and its start."""
        return 0, ""

    @property
    def is_pooled(self) -> bool:
        """Whether a pooler stands between, so that a session may be at work for others too."""
        return False

    def is_working(self, holder: Holder, lock: str) -> bool:
        """Whether the holder's session is known to live, whatever became of its client.

        `lock` is the SQL for the table of the lock, here and below.
        """
        sql = f"SELECT 1 FROM {lock} WHERE token = %s AND {self.at_work}"
        return bool(self.execute(sql, (holder.token,)))

    def terminate(self, holder: Holder, lock: str) -> None:
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
            self.enter(section)
            if self.transaction_is_lock:
                verify()
            for index, statement in enumerate(section.statements):
                self.run(index, statement, section)
            with failing(None):
                self.before_commit(section)
                self.restore_session(section)
                for query in closing():
                    self.execute(*query)
                self.commit()
        except BaseException:
            self.abandon(section)
            raise
        self.after_commit(section)

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

    def enter(self, section: Section) -> None:
        """What comes first in the transaction of a section and its record."""

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
            cursor.execute(*query)
            return int(cursor.rowcount)

    def execute(self, sql: str, params: tuple[Any, ...] | None = None) -> list[tuple[Any, ...]]:
        """Run one query of the tool's own and return its rows; without parameters as it stands."""
        with self.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def failing(index: int | None, offset: int | None = None) -> Iterator[None]:
    """Turn a database error into the failure of a statement, or of none of the file's."""
    try:
        yield
    except (Error, ValueError) as error:
        raise StatementFailed(index, offset) from error


def marks(values: Sequence[Any]) -> str:
    """A list for IN, to be filled in."""
    return f"({', '.join(['%s'] * len(values))})"
