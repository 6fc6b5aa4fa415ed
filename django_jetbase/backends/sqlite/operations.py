import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError

from ...files.script import Section
from ...sql.scanner import Statement
from ..base.backend import Backend
from ..base.errors import NEEDS_NO_TRANSACTION
from ..base.operations import Operations
from ..base.session import Frame
from ..base.values import Obstacle, StatementFailed, failing
from . import references
from .lexicon import SHELL_DELIMITER, SQLiteLexicon

_CONTROL = re.compile(r"(?:BEGIN|COMMIT|END)\b|ROLLBACK\b(?! (?:TRANSACTION )?TO\b)", re.IGNORECASE)
_NOT_INSIDE = re.compile(
    r"VACUUM\b|PRAGMA (?:\w+\.)?(?:foreign_keys|journal_mode|synchronous) ?[=(]", re.IGNORECASE
)
_SETS_ENCODING = re.compile(r"PRAGMA (?:\w+\.)?encoding ?[=(]", re.IGNORECASE)
_SEMICOLON = re.compile(r"[ \t\n\r\f]*;")
_STEPS = 10_000  # instructions of SQLite's machine between two looks at the clock


class SQLiteOperations(Operations):
    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._violations: set[references.Violation] = set()

    def obstacle_of(self, statement: Statement, section: Section) -> Obstacle | None:
        if self._is_cut_by_shell(statement):
            return Obstacle(
                "in it is a line of nothing but a slash or go, where SQLite's shell ends the"
                " statement, and SQLite does not",
                "write a semicolon instead; if it divides, write it into the line above",
            )
        if statement.keyword not in ("BEGIN", "COMMIT", "END", "ROLLBACK", "VACUUM", "PRAGMA"):
            return None
        if not self.is_atomic(section):
            return None
        lead = self.lead(statement)
        if self.controls(statement):
            said = f"{statement.keyword} controls the transaction that the file runs in"
            return Obstacle(said, self.way_out_of(statement, section))
        if _NOT_INSIDE.match(lead):
            said = f"{lead.split('=')[0].strip()} does nothing or fails inside a transaction"
            return Obstacle(said, NEEDS_NO_TRANSACTION)
        return None

    def _is_cut_by_shell(self, statement: Statement) -> bool:
        """Whether the shell would end it at a line that has no semicolon."""
        if not SHELL_DELIMITER.search(statement.text):
            return False
        rules = self.backend.lexicon
        if isinstance(rules, SQLiteLexicon) and rules.trigger.match(statement.text):
            return False
        code = (statement.text[p.start : p.end] for p in rules.pieces(statement.text) if not p.kind)
        return any(map(SHELL_DELIMITER.search, code))

    def idle(self, statement: Statement) -> Obstacle | None:
        if statement.keyword == "PRAGMA" and _SETS_ENCODING.match(self.lead(statement)):
            return Obstacle(
                "PRAGMA encoding holds for nothing in a database that has tables, as those of the"
                " history are",
                "make the file of the database beforehand, with sqlite3, if it shall have another",
            )
        return None

    def controls(self, statement: Statement) -> bool:
        return bool(_CONTROL.match(self.lead(statement)))

    def begin_check(self, frame: Frame) -> None:
        if frame.checks_references:
            self._violations = references.violations(self.backend)

    def check(self, frame: Frame) -> None:
        if not frame.checks_references:
            return
        new = references.violations(self.backend) - self._violations
        if new:
            table, _row, parent = min(new, key=str)
            raise IntegrityError(
                f"{len(new)} rows would violate a foreign key, the first in {table}, which refers"
                f" to {parent}"
            )

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

    def _run(self, index: int, statement: Statement, section: Section) -> None:
        """A PRAGMA may do its work in rows without columns, which only a script reads."""
        if statement.keyword != "PRAGMA" or self.is_open(None):
            self._run_counting(index, statement, section)
            return
        wrap = self.connection.wrap_database_errors
        with failing(index), self.backend.busy(), wrap, self.backend.cursor() as cursor:
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
