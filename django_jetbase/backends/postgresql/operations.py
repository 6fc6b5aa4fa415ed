import re
from collections.abc import Callable, Generator, Iterable, Sequence
from io import StringIO
from typing import Any, ClassVar

from django.db import Error

from ...files.script import Section
from ...sql.queries import Expression, Query
from ...sql.scanner import Statement
from ..base.operations import NEEDS_NO_TRANSACTION, Operations
from ..base.session import Frame, Setting
from ..base.values import Obstacle, StatementFailed
from .backend import SENDS_MESSAGES, PostgreSQLBackend
from .errors import position
from .messages import SEPARATOR, Message, messages
from .session import PostgreSQLSession

if SENDS_MESSAGES:
    from psycopg import errors, generators, pq

CONTROL = re.compile(
    r"(?:BEGIN|COMMIT|END|ABORT|START TRANSACTION|PREPARE TRANSACTION)\b"
    r"|ROLLBACK\b(?! (?:(?:WORK|TRANSACTION) )?TO\b)",
    re.IGNORECASE,
)
NOT_INSIDE = re.compile(
    r"(?P<what>VACUUM|(?:CREATE|DROP) (?:DATABASE|TABLESPACE|SUBSCRIPTION)|ALTER SYSTEM"
    r"|ALTER DATABASE .+? SET TABLESPACE|DISCARD ALL"
    r"|REINDEX (?:\([^)]*\) )?(?:DATABASE|SYSTEM|SCHEMA)"
    r"|(?:CREATE (?:UNIQUE )?INDEX|DROP INDEX|REINDEX (?:\([^)]*\) )?\w+) CONCURRENTLY"
    r"|ALTER TABLE .+? DETACH PARTITION .+? CONCURRENTLY"
    r"|REINDEX \([^)]*\bCONCURRENTLY\b)(?!\w)",
    re.IGNORECASE | re.DOTALL,
)
_TO_STDOUT = re.compile(r"\bTO STDOUT\b", re.IGNORECASE)
_MAY_NOT_RUN_INSIDE = frozenset(
    "BEGIN COMMIT END ABORT START PREPARE ROLLBACK VACUUM CREATE DROP ALTER DISCARD REINDEX".split()
)
_ROWS_BLOCK = 1 << 16  # characters


class PostgreSQLOperations(Operations):
    """With psycopg 3 a file, its history and its COMMIT are one message."""

    backend: PostgreSQLBackend
    session: PostgreSQLSession
    elapsed: ClassVar[Expression] = Expression(
        "CAST(extract(epoch FROM clock_timestamp() - now()) * 1000 AS bigint)"
    )

    def obstacle_of(self, statement: Statement, section: Section) -> Obstacle | None:
        if statement.keyword == "COPY" and _TO_STDOUT.search(self.lead(statement)):
            return Obstacle("COPY … TO STDOUT has nobody to send its rows to", "remove it")
        if not section.directives.transaction or statement.keyword not in _MAY_NOT_RUN_INSIDE:
            return None
        lead = self.lead(statement)
        if CONTROL.match(lead):
            said = f"{statement.keyword} controls the transaction that the file runs in"
            return Obstacle(said, NEEDS_NO_TRANSACTION)
        if found := NOT_INSIDE.match(lead):
            said = f"{found['what'].upper()} cannot run inside a transaction"
            return Obstacle(said, NEEDS_NO_TRANSACTION)
        return None

    def controls(self, statement: Statement) -> bool:
        return CONTROL.match(self.lead(statement)) is not None

    def run_in_transaction(
        self, section: Section, verify: Callable[[], None], closing: Callable[[], Iterable[Query]]
    ) -> None:
        if not SENDS_MESSAGES:
            super().run_in_transaction(section, verify, closing)
            return
        try:
            self._send_section(section, closing)
        except BaseException:
            self.backend.rollback()
            raise

    def _send_section(self, section: Section, closing: Callable[[], Iterable[Query]]) -> None:
        """The first message begins the transaction, the last one records and commits."""
        frame = self.session.frame(section, atomic=True)
        head = [Setting("BEGIN"), *frame.first]
        parts = list(messages(section.statements))
        last = parts.pop() if parts and not parts[-1].is_copy else None
        for part in parts:
            if part.is_copy:
                self.send(head)
                self._copy(part.first, part.statements[0])
            else:
                self.send(head, part)
            head = []
        queries = list(closing())
        params = tuple(param for query in queries for param in query.params)
        record = self.backend.compose(SEPARATOR.join(query.sql for query in queries), params)
        restore = [setting.sql for setting in frame.restore(self.session.moved)]
        self.send(head, last, [*frame.check, *restore, record, "COMMIT"])

    def check(self, frame: Frame) -> None:
        if self.is_open(None):
            super().check(frame)

    def run(self, index: int, statement: Statement, section: Section) -> None:
        if statement.rows is not None:
            self._copy(index, statement)
        elif SENDS_MESSAGES:
            self.send(part=Message(index, [statement]))
        else:
            super().run(index, statement, section)

    def drain(self, cursor: Any) -> None:
        self.session.tell_notices()

    def send(
        self,
        head: Sequence[Setting] = (),
        part: Message | None = None,
        tail: Sequence[str] = (),
    ) -> None:
        """Send one message. Raises StatementFailed with the statement that its error is about.

        The server answers every statement until one fails, so the answers are counted.
        """
        part = part or Message(0, ())
        prefix = "".join(setting.sql + SEPARATOR for setting in head)
        body = SEPARATOR.join([part.text, *tail] if part.statements else tail)
        if not prefix and not body:
            return
        results: list[Any] = []
        try:
            with self.connection.wrap_database_errors:
                self._exchange(prefix + body, results)
        except (Error, ValueError) as error:
            offset = part.offset(position(error) - len(prefix))
            index = part.index_at(offset)
            if offset is None and 0 <= (done := len(results) - len(head)) < len(part.statements):
                index = part.first + done
            if offset is None and len(results) < len(head):
                offset = head[len(results)].place
            raise StatementFailed(index, offset) from error

    def _exchange(self, message: str, results: list[Any]) -> None:
        """Send the message and collect what succeeded of it. Raises psycopg's errors."""
        self.connection.ensure_connection()
        raw = self.connection.connection
        # Sent where psycopg waits, which cancels the message when a signal interrupts it.
        for result in raw.wait(_sent(raw.pgconn, message.encode(raw.info.encoding))):
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise errors.error_from_result(result, encoding=raw.info.encoding)
            results.append(result)

    def _copy(self, index: int, statement: Statement) -> None:
        rows = statement.rows or ""
        try:
            with (
                self.backend.busy(),
                self.backend.cursor() as cursor,
                self.connection.wrap_database_errors,
            ):
                if not SENDS_MESSAGES:
                    cursor.copy_expert(statement.sql, StringIO(rows))
                    return
                with cursor.copy(statement.sql) as copy:
                    for start in range(0, len(rows), _ROWS_BLOCK):
                        copy.write(rows[start : start + _ROWS_BLOCK])
        except (Error, ValueError) as error:
            raise StatementFailed(index, self.backend.errors.offset_of(error, statement)) from error


def _sent(connection: Any, message: bytes) -> Generator[Any, Any, list[Any]]:
    """Send a message and receive its results, as psycopg's generators do."""
    connection.send_query(message)
    results: list[Any] = yield from generators.execute(connection)
    return results
