import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import cached_property
from typing import Any

from django.db import Error
from django.db.backends.utils import CursorWrapper

from ...files.script import Section
from ...sql.queries import Query
from ...sql.scanner import Statement
from ..base.backend import Backend
from ..base.operations import Operations
from ..base.session import Setting
from ..base.values import Obstacle, Progress, StatementFailed, failing
from .backend import MySQLBackend
from .errors import DENIED, code_of, has_not_begun, without_rows
from .session import NEW_SESSION, MySQLSession, words

_AUTOCOMMIT = re.compile(r"\bautocommit\b`?\s*:?=\s*(\w+)", re.IGNORECASE)
_COMMITS = frozenset(
    "CREATE ALTER DROP TRUNCATE RENAME GRANT REVOKE LOCK ANALYZE OPTIMIZE REPAIR CHECK INSTALL"
    " UNINSTALL FLUSH COMMIT ROLLBACK".split()
)
_BEGINS = re.compile(r"BEGIN\b(?! NOT\b)|START TRANSACTION\b", re.IGNORECASE)
_ANALYZES_CHANGE = re.compile(
    r"ANALYZE (?:FORMAT ?= ?\w+ )?(?:INSERT|UPDATE|DELETE|REPLACE|SELECT|WITH)\b", re.IGNORECASE
)
# Of these a failure leaves nothing, on tables that know transactions.
_ATOMIC = frozenset("SELECT INSERT UPDATE DELETE REPLACE SET USE CREATE ALTER WITH".split())
_SURELY_ACCEPTED = 1 << 20  # characters; below every sensible max_allowed_packet
# What holds for the next transaction, and asking MySQL would take back; it opens none.
_OF_NEXT_TRANSACTION = re.compile(r"SET TRANSACTION\b", re.IGNORECASE)
_GOES_ON = re.compile(r"\b(?:TO|AND CHAIN)\b", re.IGNORECASE)  # ROLLBACK TO, COMMIT AND CHAIN
# What a transaction takes back, and what leaves it open.
_PURE = frozenset("SELECT INSERT UPDATE DELETE REPLACE WITH VALUES SET".split())
_DML = _PURE - {"SET"}
_NOT_PURE = re.compile(
    r"\b(?:autocommit|GLOBAL|PERSIST\w*|PASSWORD|ROLE|TRANSACTION|STATEMENT|sql_log_\w+|binlog_\w+"
    r"|gtid_\w+)\b",
    re.IGNORECASE,
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
_SYNTAX = 1064
# What may fail with the syntax of another statement that it runs, behind one that it has run.
_RUNS_OTHERS = re.compile(
    r"/\*|(?:BEGIN|CALL|CASE|DO|EXECUTE|FOR|IF|LOOP|REPEAT|WHILE)\b", re.IGNORECASE
)
_NOT_BEGUN = frozenset({1054, _SYNTAX, 1136, 1146})  # columns, syntax, count of values, table
_TEMPORARY = re.compile(r"\w+ (?:OR REPLACE )?TEMPORARY\b", re.IGNORECASE)
# What is one of them, but of several effects one by one, or of another statement's.
_NOT_ATOMIC = re.compile(
    r"SET STATEMENT\b|(?:CREATE|ALTER) (?:OR REPLACE )?(?:USER|ROLE)\b"
    r"|CREATE OR REPLACE (?:TEMPORARY )?TABLE\b",
    re.IGNORECASE,
)


class MySQLOperations(Operations):
    """DDL commits by itself, so a file with any runs statement by statement."""

    backend: MySQLBackend
    session: MySQLSession

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._open = False
        self._autocommit = True
        self._progress: Callable[[int], None] = lambda committed: None

    def is_atomic(self, section: Section) -> bool:
        """Whether it is nothing but DML, which one transaction takes back."""
        return section.directives.transaction and all(map(self._is_pure, section.statements))

    def _is_pure(self, statement: Statement) -> bool:
        return all(map(self._is_pure_alone, self.parts(statement)))

    def _is_pure_alone(self, statement: Statement) -> bool:
        if statement.keyword != "SET":
            return statement.keyword in _PURE
        return not _NOT_PURE.search(statement.text)

    def obstacle(self, statement: Statement, section: Section) -> Obstacle | None:
        if len(self.parts(statement)) > 1 and not self.backend.takes_several:
            return Obstacle(
                "these are several statements up to one delimiter, and the driver sends one at a"
                " time",
                "write the delimiter behind each of them; or let OPTIONS have the client_flag"
                " MULTI_STATEMENTS",
            )
        return super().obstacle(statement, section)

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

    def controls(self, statement: Statement) -> bool:
        if statement.keyword in ("SET", ""):
            return _AUTOCOMMIT.search(statement.text) is not None
        return statement.keyword in ("COMMIT", "ROLLBACK") or self._begins(statement)

    def _begins(self, statement: Statement) -> bool:
        return statement.keyword in ("BEGIN", "START") and bool(_BEGINS.match(self.lead(statement)))

    def run_in_transaction(
        self, section: Section, verify: Callable[[], None], closing: Callable[[], Iterable[Query]]
    ) -> None:
        self.backend.outlived = False
        try:
            super().run_in_transaction(section, verify, closing)
        except StatementFailed as failure:
            raise failure.having(partial=self.backend.outlived) from failure.__cause__

    def set(self, settings: Iterable[Setting]) -> None:
        for setting in settings:
            if setting is NEW_SESSION:
                with failing(None):
                    self.session.make_anew()
                super().set(self.session.put_back())
            else:
                super().set([setting])

    def follow(self, progress: Progress) -> None:
        """Hear how far a section comes that runs statement by statement."""
        self._open, self._autocommit = False, True
        self._progress = progress
        self.backend.outlived = False

    def run(self, index: int, statement: Statement, section: Section) -> None:
        was_open = self._open or not self._autocommit
        try:
            super().run(index, statement, section)
        except StatementFailed as failure:
            commits_first = statement.keyword in _COMMITS or self._begins(statement)
            asks = was_open and not self._is_pure(statement)
            if asks and self.backend.is_connected():
                commits_first = not self._asked()[0]
            if commits_first:
                self._progress(index)
            partial = self._is_partial(statement, failure.__cause__, was_open)
            raise failure.having(partial=partial) from failure.__cause__
        if self._begins(statement):
            self._progress(index)
        elif statement.keyword == "COMMIT":
            self._progress(index + 1)  # AND CHAIN opens the next transaction at once

    def as_sent(self, statement: Statement, section: Section) -> str:
        return statement.sql.replace("\r\n", "\n")  # in bodies and literals too, as the client does

    def cursor(self) -> CursorWrapper:
        """Rows come as they are read."""
        from django.db.backends.mysql.base import CursorWrapper as DriverCursor  # has the driver

        connection: Any = self.connection
        connection.ensure_connection()
        with connection.wrap_database_errors:
            raw = connection.connection.cursor(connection.Database.cursors.SSCursor)
            return CursorWrapper(DriverCursor(raw), connection)

    def drain(self, cursor: Any) -> None:
        super().drain(cursor)
        while cursor.nextset():
            super().drain(cursor)
        # mysqlclient tells of the connection, PyMySQL of the cursor.
        told = getattr(self.connection.connection, "warning_count", None)
        if told() if told else cursor.warning_count:
            self._tell_warnings()

    def _tell_warnings(self) -> None:
        try:
            with self.cursor() as cursor:  # which reads to the end what it cannot decode
                cursor.execute("SHOW WARNINGS")
                for level, code, message in cursor.fetchall():
                    self.backend.notice(f"{level} {code}: {without_rows(code, message)}")
        except ValueError:  # in the character set that a file has chosen
            self.backend.notice("There are warnings that cannot be read.")

    def is_open(self, statement: Statement | None) -> bool:
        if statement is None or self._is_pure(statement):
            return self._open or not self._autocommit
        commits = any(map(self._commits, self.parts(statement)))
        was_open = self._open or not self._autocommit
        if was_open or not commits or statement.keyword == "COMMIT":
            if not _OF_NEXT_TRANSACTION.match(self.lead(statement)):
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

        The words of a statement do not always tell.
        """
        with failing(None):
            ((autocommit,),) = self.execute("SELECT @@autocommit LIMIT 1")
            return self.backend.in_transaction(), bool(autocommit)

    def _is_partial(
        self, statement: Statement, error: BaseException | None, was_open: bool
    ) -> bool:
        """Whether a statement that failed may have had an effect."""
        if isinstance(error, UnicodeEncodeError):
            return False  # it was not sent
        if len(self.parts(statement)) > 1:
            return True
        lead = self.lead(statement)
        calls = statement.keyword == "SET" and "(" in statement.text
        if _NOT_ATOMIC.match(lead):
            return code_of(error) not in DENIED | {1064}
        if statement.keyword in _DML or calls or _ANALYZES_CHANGE.match(lead):
            return not was_open and self._may_be_kept(statement, error)
        if statement.keyword in _ATOMIC:
            return False
        if code_of(error) == _SYNTAX and not _RUNS_OTHERS.match(statement.text):
            return False
        return statement.keyword not in _COMMITS or not has_not_begun(error)

    def _may_be_kept(self, statement: Statement, error: BaseException | None) -> bool:
        """Whether a change of data that failed may have had an effect, for want of a transaction.

        Inside one the ROLLBACK tells.
        """
        if code_of(error) in _NOT_BEGUN | DENIED:
            return False
        try:
            with nullcontext() if self.backend.interrupted else self.backend.busy():
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
                bodies[name.lower()] |= words(body or "")
        found, new = set[str](), words(statement.text)
        while new := new - found:
            found |= new
            new = set().union(*(bodies[word] for word in new if word in bodies))
        here = (self.session.database or "").lower()
        return any(
            name in found and (schema in found or schema in (here, *current))
            for schema, name, *current in tables
        )
