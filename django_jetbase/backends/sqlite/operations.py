import os
import platform
import re
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from django.db import Error, IntegrityError, OperationalError

from ...exceptions import LockError
from ...files.script import Section
from ...sql.queries import Expression
from ...sql.scanner import Statement
from ..base.errors import FULL
from ..base.operations import NEEDS_NO_TRANSACTION, Dialect, failing, marks
from ..base.values import Holder, Obstacle, StatementFailed
from .errors import without_rows
from .lexicon import SQLiteLexicon

_CONTROL = re.compile(r"(?:BEGIN|COMMIT|END)\b|ROLLBACK\b(?! (?:TRANSACTION )?TO\b)", re.IGNORECASE)
_NOT_INSIDE = re.compile(
    r"VACUUM\b|PRAGMA (?:\w+\.)?(?:foreign_keys|journal_mode|synchronous) ?[=(]", re.IGNORECASE
)
_DROP_TABLE = re.compile(r"DROP TABLE\b", re.IGNORECASE)
PRAGMA = re.compile(r"\bPRAGMA\b", re.IGNORECASE)
_NEAR = re.compile(r'near "(.+)": syntax error', re.DOTALL)
PRAGMAS = (
    "query_only ignore_check_constraints legacy_alter_table recursive_triggers writable_schema"
    " reverse_unordered_selects automatic_index busy_timeout cache_size read_uncommitted"
    " secure_delete trusted_schema cell_size_check defer_foreign_keys"
).split()
OUTSIDE_PRAGMAS = "foreign_keys synchronous temp_store locking_mode".split()
_SPATIALITE = re.compile(
    r"spatial_ref_sys.*|spatialite_history|(?:views_|virts_)?geometry_columns.*|data_licenses"
    r"|sql_statements_log|SpatialIndex|ElementaryGeometries|KNN2?"
)
_SEMICOLON = re.compile(r"[ \t\n\r\f]*;")
_STEPS = 10_000  # instructions of SQLite's machine between two looks at the clock
_LONGEST_SEARCH = 100_000
READ_ONLY_FILE = "Make the file and its directory writable for this user, and run it again."
_POLL = 0.05  # seconds between two tries to begin


class SQLiteOperations(Dialect):
    """SQLite: every file is one BEGIN IMMEDIATE, which is also the lock."""

    lexicon = SQLiteLexicon()
    quote_mark: ClassVar[str] = '"'
    transaction_is_lock: ClassVar[bool] = True
    asks_inside: ClassVar[bool] = True
    keeps_types: ClassVar[bool] = False
    has_timeouts: ClassVar[bool] = True
    switches_foreign_keys: ClassVar[bool] = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pragmas: dict[str, Any] = {}
        self._violations: set[tuple[Any, ...]] | None = None

    def tables_among(self, names: Sequence[str]) -> set[str]:
        sql = f"SELECT name FROM sqlite_master WHERE type = 'table' AND name IN {marks(names)}"
        return {name for (name,) in self.execute(sql, tuple(names))}

    def histories(self, constraint: str) -> list[tuple[str | None, str, bool]]:
        return self.execute(
            "SELECT NULL, name, 1 FROM sqlite_master"
            " WHERE type = 'table' AND sql LIKE %s ORDER BY 2",
            (f'%CONSTRAINT "%{constraint}"%',),
        )

    def unmanaged_tables(self, managed: Collection[str], records: Collection[str]) -> list[str]:
        """Without those in which a virtual table keeps its rows, and SpatiaLite's own."""
        virtual = self.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL %'"
        )
        shadows = tuple(f"{self.for_django(name)}_" for (name,) in virtual)
        found = super().unmanaged_tables(managed, records)
        names = [name for name in found if not name.startswith(shadows)]
        if "spatialite_history" not in names:
            return names
        return [name for name in names if not _SPATIALITE.fullmatch(name)]

    def epoch(self, column: str) -> str:
        return f"strftime('%s', {column}) || substr(strftime('%f', {column}), 3)"

    def obstacle_of(self, statement: Statement, section: Section) -> Obstacle | None:
        if not section.directives.transaction:
            return None
        if statement.keyword not in ("BEGIN", "COMMIT", "END", "ROLLBACK", "VACUUM", "PRAGMA"):
            return None
        lead = self.lead(statement)
        if self.controls(statement):
            said = f"{statement.keyword} controls the transaction that the file runs in"
            return Obstacle(said, NEEDS_NO_TRANSACTION)
        if _NOT_INSIDE.match(lead):
            said = f"{lead.split('=')[0].strip()} does nothing or fails inside a transaction"
            return Obstacle(said, NEEDS_NO_TRANSACTION)
        return None

    def controls(self, statement: Statement) -> bool:
        return bool(_CONTROL.match(self.lead(statement)))

    def scratch_name(self, prefix: str, name: str) -> str:
        if self.is_private:
            return f"file:{self.connection.alias}_scratch?mode=memory&cache=shared"
        path = Path(name)
        return str(path.with_name(f"{prefix}{path.name}_scratch"))

    @contextmanager
    def inside_schema_editor(self) -> Iterator[None]:
        """It has turned foreign keys off, and expects them to be so at its end."""
        self.connection.enable_constraint_checking()
        try:
            yield
        finally:
            self.connection.disable_constraint_checking()

    @property
    def is_private(self) -> bool:
        connection: Any = self.connection
        return bool(connection.is_in_memory_db())

    def may_beat(self) -> bool:
        """It would keep a transaction that has only read so far from writing."""
        return not self.is_open(None)

    @property
    def this_session(self) -> tuple[int | Expression, str | Expression]:
        return 0, _start_of(os.getpid())

    def is_working(self, holder: Holder, lock: str) -> bool:
        """SQLite has no sessions: ask for the process, where that can be asked."""
        if os.name != "posix" or holder.host != platform.node():
            return False
        try:
            os.kill(holder.pid, 0)
        except (ProcessLookupError, OverflowError):  # no number of a process at all
            return False
        except PermissionError:
            pass
        return holder.session_start == _start_of(holder.pid)

    @contextmanager
    def session(self) -> Iterator[None]:
        self._pragmas = {name: self.pragma(name) for name in [*PRAGMAS, *OUTSIDE_PRAGMAS]}
        yield

    def pragma(self, name: str) -> Any:
        rows = self.execute(f"PRAGMA {name}")
        return rows[0][0] if rows else None

    def restore_session(self, section: Section) -> None:
        touched = (
            self._violations is not None
            or section.directives.foreign_keys is not None
            or section.directives.lock_timeout is not None
        )
        if not touched and not PRAGMA.search(section.text):
            return
        names = PRAGMAS if self.is_open(None) else [*PRAGMAS, *OUTSIDE_PRAGMAS]
        for name in names:
            before = self._pragmas[name]
            if before is not None and self.pragma(name) != before:
                self.execute(f"PRAGMA {name} = {_plain(before)}")
        if not self.is_open(None):
            self._violations = None

    def after_commit(self, section: Section) -> None:
        self.restore_session(section)

    def prepare(self, section: Section) -> None:
        """With enforcement on, DROP TABLE would first delete the rows and cascade."""
        self._violations = None
        if section.directives.lock_timeout is not None:
            self.execute(f"PRAGMA busy_timeout = {round(section.directives.lock_timeout * 1000)}")
        if section.directives.foreign_keys is not None:
            self.execute(f"PRAGMA foreign_keys = {int(section.directives.foreign_keys)}")
        elif self.drops_table(section):
            self.execute("PRAGMA foreign_keys = 0")
            self._violations = self._foreign_key_violations()

    def drops_table(self, section: Section) -> bool:
        return any(
            statement.keyword == "DROP" and _DROP_TABLE.match(self.lead(statement))
            for statement in section.statements
        )

    def before_commit(self, section: Section) -> None:
        if self._violations is None:
            return
        new = self._foreign_key_violations() - self._violations
        if new:
            table, _row, parent = min(new, key=str)
            raise IntegrityError(
                f"{len(new)} rows would violate a foreign key, the first in {table}, which refers"
                f" to {parent}"
            )

    def _foreign_key_violations(self) -> set[tuple[Any, ...]]:
        checked = (self._violations_in(table) for table in self._tables())
        return {row[:3] for rows in checked for row in rows or ()}

    def uncheckable_tables(self) -> list[str]:
        """The tables with a foreign key that names no unique columns."""
        return [table for table in self._tables() if self._violations_in(table) is None]

    def _tables(self) -> list[str]:
        rows = self.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return [name for (name,) in rows]

    def _violations_in(self, table: str) -> list[tuple[Any, ...]] | None:
        """None where they cannot be told, which SQLite objects to when the key is used."""
        with suppress(Error):
            return self.execute(f"PRAGMA foreign_key_check({self.quote(table)})")
        return None

    def takes_semicolon(self, statement: Statement, section: Section) -> bool:
        """Whether a semicolon follows, which is sent along."""
        return _SEMICOLON.match(section.text, statement.end) is not None

    def as_sent(self, statement: Statement, section: Section) -> str:
        """SQLite keeps the text of a schema object up to its semicolon, blank space included."""
        end = _SEMICOLON.match(section.text, statement.end)
        sql = section.text[statement.start : end.end()] if end else statement.sql
        return sql.replace("\r\n", "\n")

    def run(self, index: int, statement: Statement, section: Section) -> None:
        with self._limited(section.directives.statement_timeout):
            self._run(index, statement, section)

    @contextmanager
    def _limited(self, seconds: float | None) -> Iterator[None]:
        """SQLite has no timeout of its own: it asks every so often whether to go on."""
        if not seconds:
            yield
            return
        self.connection.ensure_connection()
        raw: sqlite3.Connection = self.connection.connection
        deadline = time.monotonic() + seconds
        raw.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            yield
        finally:
            raw.set_progress_handler(None, 0)

    def readable(self, error: Exception, section: Section) -> Exception:
        if section.directives.statement_timeout and str(error) == "interrupted":
            return OperationalError("canceled because of the statement timeout")
        return error

    def remedy(self, error: BaseException | None, keyword: str = "") -> str:
        said = str(error)
        return FULL if "is full" in said else READ_ONLY_FILE if "readonly" in said else ""

    def message_of(self, error: BaseException | None) -> str:
        return without_rows(super().message_of(error))

    def is_transient(self, error: BaseException | None) -> bool:
        return isinstance(error, OperationalError) and "locked" in str(error)

    def _run(self, index: int, statement: Statement, section: Section) -> None:
        """A PRAGMA may do its work in rows without columns, which only a script reads."""
        if statement.keyword != "PRAGMA" or self.is_open(None):
            self._run_counting(index, statement, section)
            return
        wrap = self.connection.wrap_database_errors
        with failing(index), self.busy(), wrap, self.cursor() as cursor:
            cursor.executescript(self.as_sent(statement, section))

    def _run_counting(self, index: int, statement: Statement, section: Section) -> None:
        """A statement that fails may keep what it has changed, as INSERT OR FAIL does."""
        if self.is_open(None):
            super().run(index, statement, section)
            return
        raw: sqlite3.Connection | None = self.connection.connection
        before = raw.total_changes if raw else 0
        try:
            super().run(index, statement, section)
        except StatementFailed as failure:
            changed = raw is not None and raw.total_changes != before
            partial = changed and self._may_fail_half_way(statement)
            raise failure.having(partial=partial) from failure.__cause__

    def _may_fail_half_way(self, statement: Statement) -> bool:
        """What a failure has changed is taken back, but by the resolution FAIL."""
        if "FAIL" in statement.text.upper():
            return True
        return bool(self.execute("SELECT 1 FROM sqlite_master WHERE sql LIKE '%FAIL%' LIMIT 1"))

    def cancel(self) -> None:
        if self._busy and self.connection.connection is not None:
            self.connection.connection.interrupt()

    def begin(self) -> None:
        """Waits in Python, where a signal can end it."""
        usual = self.pragma("busy_timeout")
        self.execute("PRAGMA busy_timeout = 0")
        try:
            self._begin_when_free()
        finally:
            self.execute(f"PRAGMA busy_timeout = {_plain(usual)}")

    def _begin_when_free(self) -> None:
        deadline = time.monotonic() + self.wait
        while True:
            try:
                self.execute("BEGIN IMMEDIATE")
                return
            except OperationalError as error:
                if "locked" not in str(error):
                    raise
                if time.monotonic() >= deadline:
                    raise LockError(
                        "Another process is writing to this database; try again when it is done,"
                        ' or let JETBASE["LOCK_WAIT"] be longer.'
                    ) from error
                time.sleep(_POLL)

    def commit(self) -> None:
        self.execute("COMMIT")

    def roll_back(self) -> None:
        if self.is_open(None):
            self.execute("ROLLBACK")

    def is_open(self, statement: Statement | None) -> bool:
        raw: sqlite3.Connection | None = self.connection.connection
        return raw is not None and raw.in_transaction

    def has_open_work(self) -> bool:
        return self.is_open(None)

    def offset_of(self, error: Exception, statement: Statement) -> int | None:
        """SQLite names no position: ask which beginning of the statement is the first wrong one."""
        near = _NEAR.fullmatch(str(error))
        if not near or len(statement.text) > _LONGEST_SEARCH:
            return None
        at = statement.text.find(near[1])
        while at >= 0:
            try:
                self.execute("EXPLAIN " + statement.text[: at + len(near[1])])
            except (Error, ValueError) as other:
                if str(other) == str(error):
                    return statement.start + at
            at = statement.text.find(near[1], at + 1)
        return None


def _plain(value: Any) -> str:
    """The value of a pragma, a number or a word, as SQL."""
    text = str(value)
    if not re.fullmatch(r"-?\w+", text):
        raise ValueError(f"{text!r} is no value of a pragma")
    return text


def _start_of(pid: int) -> str:
    """When a process began, which its number alone does not tell; empty where nothing says so."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return f"{boot[:18]} {stat.rpartition(')')[2].split()[19]}"
