import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import cached_property
from typing import Any, ClassVar

from django.db import Error

from ...files.script import Section
from ...sql.lexicon import Lexicon
from ...sql.queries import Expression, Query
from ...sql.scanner import Statement
from ..base.errors import FULL, READ_ONLY, lacks
from ..base.operations import Dialect, failing, marks
from ..base.values import Blocker, Holder, Location, Obstacle, Progress, StatementFailed
from .errors import grant_for, without_rows
from .lexicon import MySQLLexicon

_AUTOCOMMIT = re.compile(r"\bautocommit\b`?\s*:?=\s*(\w+)", re.IGNORECASE)
SESSION_WORDS = re.compile(r"\b(?:SET|USE|CALL|EXECUTE|LOCK|DATABASE|SCHEMA)\b", re.IGNORECASE)
_COMMITS = frozenset(
    "CREATE ALTER DROP TRUNCATE RENAME GRANT REVOKE LOCK ANALYZE OPTIMIZE REPAIR CHECK INSTALL"
    " UNINSTALL FLUSH COMMIT ROLLBACK".split()
)
_CHARACTER_SET = re.compile(r"\bNAMES\b|\bCHARSET\b|\bcharacter[ _]set", re.IGNORECASE)
_TRANSIENT = frozenset({1205, 1213})  # lock wait timeout, deadlock
_CLAIM = "django_jetbase:"
_DENIED = frozenset({1044, 1142, 1143, 1227, 1370})
_FULL = frozenset({3, 28, 1021, 1114})
_READ_ONLY = frozenset({1036, 1290, 1792, 1836})
_FOR_EVER = 31_536_000  # seconds
_BEGINS = re.compile(r"BEGIN\b(?! NOT\b)|START TRANSACTION\b", re.IGNORECASE)
_ANALYZES_CHANGE = re.compile(
    r"ANALYZE (?:FORMAT ?= ?\w+ )?(?:INSERT|UPDATE|DELETE|REPLACE|SELECT|WITH)\b", re.IGNORECASE
)
# Of these a failure leaves nothing, on tables that know transactions.
_ATOMIC = frozenset("SELECT INSERT UPDATE DELETE REPLACE SET USE CREATE ALTER WITH".split())
_SURELY_ACCEPTED = 1 << 20  # characters; below every sensible max_allowed_packet
_GOES_ON = re.compile(r"\b(?:TO|AND CHAIN)\b", re.IGNORECASE)  # ROLLBACK TO, COMMIT AND CHAIN
# What a transaction takes back, and what leaves it open.
_PURE = frozenset("SELECT INSERT UPDATE DELETE REPLACE WITH VALUES SET".split())
_DML = _PURE - {"SET"}
_NOT_PURE = re.compile(
    r"\b(?:autocommit|GLOBAL|PERSIST\w*|PASSWORD|ROLE|TRANSACTION|STATEMENT|sql_log_\w+|binlog_\w+"
    r"|gtid_\w+)\b",
    re.IGNORECASE,
)
_NOT_TAKEN_BACK = 1196  # the warning of a ROLLBACK that tables without transactions have outlived
_SESSIONS = (
    "SELECT DISTINCT p.id, p.user, TIMESTAMPDIFF(SECOND, trx.trx_started, NOW()),"
    " COALESCE(p.info, '') FROM information_schema.innodb_trx AS trx"
    " JOIN information_schema.processlist AS p ON p.id = trx.trx_mysql_thread_id"
)
_ROW_LOCKS = (
    "JOIN information_schema.innodb_lock_waits AS wait ON wait.blocking_trx_id = trx.trx_id"
    " JOIN information_schema.innodb_trx AS own ON own.trx_id = wait.requesting_trx_id"
    " WHERE own.trx_mysql_thread_id = %s"
)
_WAITS = (
    "SELECT (SELECT COUNT(*) FROM information_schema.processlist"
    " WHERE id = %s AND state LIKE 'Waiting for %%lock')"
    " + (SELECT COUNT(*) FROM information_schema.innodb_trx"
    " WHERE trx_mysql_thread_id = %s AND trx_state = 'LOCK WAIT')"
)
_ALL = "LIMIT 1000000000"  # since a file may have set another limit
_OWN = "NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')"
_KEEPING_TABLES = (
    "SELECT t.table_schema, t.table_name, DATABASE() FROM information_schema.tables AS t"
    " JOIN information_schema.engines AS e ON e.engine = t.engine"
    f" WHERE e.transactions = 'NO' AND t.table_schema {_OWN} {_ALL}"
)
_BODIES = (  # what runs when a table, a routine or a view is used, by its name
    "SELECT event_object_table, action_statement FROM information_schema.triggers"
    f" WHERE trigger_schema {_OWN} {_ALL}",
    "SELECT routine_name, routine_definition FROM information_schema.routines"
    f" WHERE routine_schema {_OWN} {_ALL}",
    "SELECT table_name, view_definition FROM information_schema.views"
    f" WHERE table_schema {_OWN} {_ALL}",
)
_NOT_BEGUN = frozenset({1054, 1064, 1136, 1146})  # columns, syntax, count of values, table
_TEMPORARY = re.compile(r"\w+ (?:OR REPLACE )?TEMPORARY\b", re.IGNORECASE)
# What is one of them, but of several effects one by one, or of another statement's.
_NOT_ATOMIC = re.compile(
    r"SET STATEMENT\b|(?:CREATE|ALTER) (?:OR REPLACE )?(?:USER|ROLE)\b"
    r"|CREATE OR REPLACE (?:TEMPORARY )?TABLE\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_NEAR = re.compile(r"near '(?P<text>.*)' at line (?P<line>\d+)", re.DOTALL)
# The character set first: every later text depends on it.
CHARACTER_SETS = ("character_set_client", "character_set_connection", "character_set_results")
HINDRANCES = ("max_statement_time", "max_execution_time", "max_join_size", "sql_big_selects")
UNSETTABLE = re.compile(
    r"timestamp|.*insert_id|identity|rand_seed.|.*_count|in_transaction|gtid_.*|pseudo_.*|"
    r"last_.*|skip_parallel_.*|session_track_.*|.*_timeout_set|warning_.*|error_.*|proxy_user|"
    r"external_user|server_.*|rowid_.*|hostname|version.*|statement_id|.*_info"
)


class MySQLOperations(Dialect):
    """MySQL and MariaDB: DDL commits by itself, so a file with any runs statement by statement."""

    quote_mark: ClassVar[str] = "`"
    locking_read: ClassVar[str] = " LOCK IN SHARE MODE"
    asks_inside: ClassVar[bool] = True
    has_timeouts: ClassVar[bool] = True
    at_work: ClassVar[str] = f"IS_USED_LOCK(CONCAT('{_CLAIM}', token)) IS NOT NULL"
    django_now: ClassVar[str] = "UTC_TIMESTAMP(6)"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._open = False
        self._autocommit = True
        self.outlived = False  # by changes, the last rollback
        self._progress: Callable[[int], None] = lambda committed: None
        self._variables: dict[str, str] = {}
        self._database: str | None = None  # that the run began in

    @cached_property
    def lexicon(self) -> Lexicon:  # type: ignore[override]
        ((sql_mode,),) = self.execute("SELECT @@SESSION.sql_mode")
        return MySQLLexicon().in_mode(sql_mode)

    def is_atomic(self, section: Section) -> bool:
        """Whether it is nothing but DML, which one transaction takes back."""
        return section.directives.transaction and all(map(self._is_pure, section.statements))

    def _is_pure(self, statement: Statement) -> bool:
        return all(map(self._is_pure_alone, self.parts(statement)))

    def _is_pure_alone(self, statement: Statement) -> bool:
        if statement.keyword != "SET":
            return statement.keyword in _PURE
        return not _NOT_PURE.search(statement.text)

    @property
    def this_session(self) -> tuple[int | Expression, str | Expression]:
        return Expression("CONNECTION_ID()"), ""

    def tables_among(self, names: Sequence[str]) -> set[str]:
        sql = (
            "SELECT table_name FROM information_schema.tables"
            f" WHERE table_schema = DATABASE() AND table_name IN {marks(names)}"
        )
        return {name for (name,) in self.execute(sql, tuple(names))}

    def locate(
        self, tables: Sequence[str], schema: str | None, claimed: Callable[[], Collection[str]]
    ) -> Location:
        """In the database of the connection, also while a file is in another one."""
        if schema is not None:
            return super().locate(tables, schema, claimed)
        rows = self.execute(
            "SELECT 'database', DATABASE() UNION ALL SELECT 'table', table_name"
            " FROM information_schema.tables WHERE table_schema = DATABASE()"
            f" AND table_name IN {marks(tables)}",
            tuple(tables),
        )
        database = next(name for kind, name in rows if kind == "database")
        return Location(database, frozenset(name for kind, name in rows if kind == "table"))

    def histories(self, constraint: str) -> list[tuple[str | None, str, bool]]:
        return self.execute(
            "SELECT table_schema, table_name, TRUE FROM information_schema.table_constraints"
            " WHERE table_schema = DATABASE() AND RIGHT(constraint_name, CHAR_LENGTH(%s)) = %s"
            " ORDER BY 1, 2",
            (constraint, constraint),
        )

    def unmanaged_tables(self, managed: Collection[str], records: Collection[str]) -> list[str]:
        sql = (
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
            " AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY table_name"
        )
        known = {*managed, *records}
        return [self.for_django(name) for (name,) in self.execute(sql) if name not in known]

    def epoch(self, column: str) -> str:
        return f"UNIX_TIMESTAMP({column})"

    def claiming(self, token: str) -> list[Query]:
        """A user lock lives as long as its session, and everybody may ask who has it."""
        return [Query("DO GET_LOCK(%s, 0)", (f"{_CLAIM}{token}",))]

    def disclaiming(self, token: str) -> list[Query]:
        return [Query("DO RELEASE_LOCK(%s)", (f"{_CLAIM}{token}",))]

    def session_id(self) -> int | None:
        raw = self.connection.connection
        return None if raw is None else int(raw.thread_id())

    def blockers(self, session: int) -> list[Blocker]:
        """InnoDB names who has a row; of a table anybody with a transaction may have it."""
        rows = self.execute(f"{_SESSIONS} {_ROW_LOCKS}", (session,)) if self._is_mariadb else []
        if rows or self.execute(_WAITS, (session, session)) == [(0,)]:
            return [self.blocker(*row) for row in rows]
        rows = self.execute(f"{_SESSIONS} WHERE trx.trx_mysql_thread_id <> %s", (session,))
        return [self.blocker(*row)._replace(sure=False) for row in rows]

    @cached_property
    def _is_mariadb(self) -> bool:
        connection: Any = self.connection
        return bool(connection.mysql_is_mariadb)

    def terminate(self, holder: Holder, lock: str) -> None:
        """End the session that has the user lock, whatever the row says."""
        rows = self.execute(
            f"SELECT id FROM information_schema.processlist, {lock} WHERE token = %s"
            f" AND id = IS_USED_LOCK(CONCAT('{_CLAIM}', token)) AND id <> CONNECTION_ID()"
            " AND db = DATABASE()",
            (holder.token,),
        )
        for (session,) in rows:
            self.execute("KILL %s", (session,))
        if not rows and self.is_working(holder, lock):
            self.notice("No session is ended, since this user cannot see that of the lock.")

    @contextmanager
    def session(self) -> Iterator[None]:
        self._variables = self.session_variables()
        ((self._database, self._role, self._thread),) = self.execute(
            "SELECT DATABASE(), CURRENT_ROLE(), CONNECTION_ID()"
        )
        yield

    def session_variables(self) -> dict[str, str]:
        return dict(self.execute("SHOW SESSION VARIABLES"))

    def restore_session(self, section: Section) -> None:
        if not SESSION_WORDS.search(section.text) and not self.timeouts(section):
            return
        # What would cut, forbid or number what is read and written here comes first.
        self.execute("SET SESSION sql_select_limit = DEFAULT")
        self._set("insert_id", "0")
        for name in (*HINDRANCES, *CHARACTER_SETS):
            if name in self._variables:
                self._set(name, self._variables[name])
        self.execute("UNLOCK TABLES")
        if self._database:
            self.execute(f"USE {self.quote(self._database)}")
        for name, value in self.session_variables().items():
            before = self._variables.get(name, value)
            if value != before and not UNSETTABLE.fullmatch(name):
                self._set(name, before)
        self.execute("SET timestamp = DEFAULT")
        if self.execute("SELECT CURRENT_ROLE()") != [(self._role,)]:
            self.execute(self.set_role(self._role))

    def set_role(self, current: str | None) -> str:
        """SQL that sets the role that CURRENT_ROLE() gave: MySQL quotes the names in it."""
        if current in (None, "", "NONE"):
            return "SET ROLE NONE"
        assert current is not None  # as just seen
        return f"SET ROLE {self.quote(current) if self._is_mariadb else current}"

    def _set(self, name: str, value: str) -> None:
        """Set a variable; one that is read-only cannot have moved."""
        with suppress(Error):
            self.execute(set_variable(name, value))

    def prepare(self, section: Section) -> None:
        for name, value in self.timeouts(section).items():
            self.execute(set_variable(name, value))

    def timeouts(self, section: Section) -> dict[str, str]:
        """The timeouts of a section as session variables; those for locks are whole seconds."""
        found: dict[str, str] = {}
        lock, statement = section.directives.lock_timeout, section.directives.statement_timeout
        if lock is not None:
            seconds = math.ceil(lock) or _FOR_EVER
            found["lock_wait_timeout"] = found["innodb_lock_wait_timeout"] = str(seconds)
        if statement is not None:
            connection: Any = self.connection
            if connection.mysql_is_mariadb:
                found["max_statement_time"] = f"{statement:f}"
            else:  # of queries only
                found["max_execution_time"] = str(round(statement * 1000))
        return found

    def is_transient(self, error: BaseException | None) -> bool:
        return isinstance(error, Error) and error.args[0] in _TRANSIENT

    def run_in_transaction(
        self, section: Section, verify: Callable[[], None], closing: Callable[[], Iterable[Query]]
    ) -> None:
        self.outlived = False
        try:
            super().run_in_transaction(section, verify, closing)
        except StatementFailed as failure:
            raise failure.having(partial=self.outlived) from failure.__cause__

    def follow(self, progress: Progress) -> None:
        """Hear how far a section comes that runs statement by statement."""
        self._open, self._autocommit = False, True
        self._progress = progress
        self.outlived = False

    def run(self, index: int, statement: Statement, section: Section) -> None:
        was_open = self._open or not self._autocommit
        try:
            super().run(index, statement, section)
        except StatementFailed as failure:
            commits_first = statement.keyword in _COMMITS or self._begins(statement)
            asks = was_open and self._is_mariadb and not self._is_pure(statement)
            if asks and self.is_connected():
                commits_first = not self._asked()[0]
            if commits_first:
                self._progress(index)
            partial = self._is_partial(statement, failure.__cause__, was_open)
            raise failure.having(partial=partial) from failure.__cause__
        if self._begins(statement):
            self._progress(index)
        elif statement.keyword == "COMMIT":
            self._progress(index + 1)  # AND CHAIN opens the next transaction at once

    def _is_partial(
        self, statement: Statement, error: BaseException | None, was_open: bool
    ) -> bool:
        """Whether a statement that failed may have had an effect."""
        if len(self.parts(statement)) > 1:
            return True
        lead = self.lead(statement)
        calls = statement.keyword == "SET" and "(" in statement.text
        if _NOT_ATOMIC.match(lead):
            return _code(error) not in _DENIED | {1064}
        if statement.keyword in _DML or calls or _ANALYZES_CHANGE.match(lead):
            return not was_open and self._may_be_kept(statement, error)
        if statement.keyword in _ATOMIC:
            return False
        return statement.keyword not in _COMMITS or not has_not_begun(error)

    def controls(self, statement: Statement) -> bool:
        if statement.keyword in ("SET", ""):
            return _AUTOCOMMIT.search(statement.text) is not None
        return statement.keyword in ("COMMIT", "ROLLBACK") or self._begins(statement)

    def _may_be_kept(self, statement: Statement, error: BaseException | None) -> bool:
        """Whether a change of data that failed may have had an effect, for want of a transaction.

        Inside one the ROLLBACK tells.
        """
        if _code(error) in _NOT_BEGUN | _DENIED:
            return False
        try:
            with nullcontext() if self._interrupt else self.busy():
                return self._reaches_what_keeps(statement)
        except Error:
            return True

    def _reaches_what_keeps(self, statement: Statement) -> bool:
        """Whether the text, or a trigger, routine or view beneath it, names such a table."""
        tables = [[word.lower() for word in row if word] for row in self.execute(_KEEPING_TABLES)]
        if not tables:
            return False
        bodies: dict[str, set[str]] = defaultdict(set)
        for sql in _BODIES:
            for name, body in self.execute(sql):
                bodies[name.lower()] |= _words(body or "")
        found, new = set[str](), _words(statement.text)
        while new := new - found:
            found |= new
            new = set().union(*(bodies[word] for word in new if word in bodies))
        here = (self._database or "").lower()
        return any(
            name in found and (schema in found or schema in (here, *current))
            for schema, name, *current in tables
        )

    def _begins(self, statement: Statement) -> bool:
        return statement.keyword in ("BEGIN", "START") and bool(_BEGINS.match(self.lead(statement)))

    def is_open(self, statement: Statement | None) -> bool:
        if statement is None or self._is_pure(statement):
            return self._open or not self._autocommit
        commits = any(map(self._commits, self.parts(statement)))
        was_open = self._open or not self._autocommit
        if self._is_mariadb and (was_open or not commits or statement.keyword == "COMMIT"):
            self._open, self._autocommit = self._asked()
            return self._open
        if self._begins(statement):
            self._open = True
        elif statement.keyword in ("COMMIT", "ROLLBACK"):
            self._open = bool(_GOES_ON.search(self.lead(statement)))
        elif statement.keyword in ("SET", "") and (setting := _AUTOCOMMIT.search(statement.text)):
            self._autocommit = setting[1].upper() in ("1", "ON", "TRUE", "DEFAULT")
            self._open = self._open and not self._autocommit
        elif commits:
            self._open = False
        return self._open or not (self._autocommit or commits)

    def _commits(self, statement: Statement) -> bool:
        return statement.keyword in _COMMITS and not _TEMPORARY.match(self.lead(statement))

    def _asked(self) -> tuple[bool, bool]:
        """Whether a transaction is open, and whether statements commit by themselves.

        The words of a statement do not always tell; MariaDB does, of MySQL they must do.
        """
        with failing(None):  # LIMIT, since a file may have set another one
            sql = "SELECT @@in_transaction, @@autocommit LIMIT 1"
            ((is_open, autocommit),) = self.execute(sql)
        return bool(is_open), bool(autocommit)

    def obstacle_of(self, statement: Statement, section: Section) -> Obstacle | None:
        if statement.keyword == "XA":
            said = "an XA transaction may outlive its session, so that nothing tells what is kept"
            return Obstacle(said, "use START TRANSACTION and COMMIT")
        if len(statement.text) < _SURELY_ACCEPTED or len(statement.text) < self._longest:
            return None
        return Obstacle(
            f"the statement is longer than the server's max_allowed_packet ({self._longest} bytes)",
            "raise that, or split the statement",
        )

    @cached_property
    def _longest(self) -> int:
        return int(self.execute("SELECT @@max_allowed_packet")[0][0])

    def as_sent(self, statement: Statement, section: Section) -> str:
        return statement.sql.replace("\r\n", "\n")  # in bodies and literals too, as the client does

    def drain(self, cursor: Any) -> None:
        while cursor.nextset():
            pass
        if self.connection.connection.warning_count():
            try:
                for level, code, message in self.execute("SHOW WARNINGS"):
                    self.notice(f"{level} {code}: {without_rows(code, message)}")
            except ValueError:  # in the character set that a file has chosen
                self.notice("There are warnings that cannot be read.")

    def readable(self, error: Exception, section: Section) -> Exception:
        """Under another character set mysqlclient makes messages that end the process when read."""
        if not _CHARACTER_SET.search(section.text) or len(error.args) != 2:
            return error
        try:
            ((_level, code, message),) = self.execute("SHOW ERRORS LIMIT 1")
        except (Error, ValueError):
            code, message = error.args[0], "the message of the server cannot be read"
        return type(error)(code, message)

    def message_of(self, error: BaseException | None) -> str:
        arguments = error.args if error else ()
        if len(arguments) != 2:
            return super().message_of(error)
        code, message = arguments
        return f"{without_rows(code, str(message))} ({code})"

    def remedy(self, error: BaseException | None, keyword: str = "") -> str:
        code = error.args[0] if error and error.args else None
        if code in _DENIED:
            return lacks(grant_for(self.message_of(error), self._account))
        return FULL if code in _FULL else READ_ONLY if code in _READ_ONLY else ""

    @property
    def _account(self) -> str:
        try:
            ((account,),) = self.execute("SELECT CURRENT_USER()")
        except Error:  # it is not let in
            return "that user"
        user, _, host = account.rpartition("@")
        return f"'{user}'@'{host}'"

    def offset_of(self, error: Exception, statement: Statement) -> int | None:
        near = _NEAR.search(str(error.args[-1]) if error.args else "")
        if not near:
            return None
        at = 0
        for _line in range(int(near["line"]) - 1):
            at = statement.text.find("\n", at) + 1
        found = statement.text.find(near["text"], at) if near["text"] else len(statement.text)
        if statement.text.endswith(near["text"]):
            found = len(statement.text) - len(near["text"])  # the server shows all that is left
        return statement.start + (found if found >= 0 else at)

    def cancel(self) -> None:
        """Over a connection of its own, which the running one is too busy for."""
        if not self._busy:
            return
        other = self.companion()
        try:
            other.execute("KILL QUERY %s", (self._thread,))
        finally:
            other.connection.close()

    def has_open_work(self) -> bool:
        try:
            return self.execute("SELECT @@in_transaction") == [(1,)]
        except Error:  # MySQL has no such variable
            return False

    def roll_back(self) -> None:
        if kept := self._variables.get("max_error_count"):  # that of a file may hide the warning
            self.execute(set_variable("max_error_count", str(max(1, int(kept)))))
            self._set("character_set_results", self._variables["character_set_results"])
        self.execute("ROLLBACK")
        codes = (code for _level, code, _message in self.execute("SHOW WARNINGS"))
        self.outlived = _NOT_TAKEN_BACK in codes

    def begin(self) -> None:
        self.execute("START TRANSACTION")

    def commit(self) -> None:
        self.execute("COMMIT")


def has_not_begun(error: BaseException | None) -> bool:
    """Whether DDL was refused, or got none of its locks, before it did anything."""
    return _code(error) in {*_DENIED, *_TRANSIENT, 1064}


def _code(error: BaseException | None) -> Any:
    return error.args[0] if error and error.args else None


def _words(text: str) -> set[str]:
    """The words of an SQL text, among which are the names in it."""
    return set(re.findall(r"[\w$]+", text.lower()))


def set_variable(name: str, value: str) -> str:
    """SQL that sets a session variable, whose type SHOW VARIABLES does not tell."""
    if not _NUMBER.fullmatch(value):
        value = "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    return f"SET SESSION {name} = {value}"
