import re
from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from typing import Any, ClassVar

from django.db import Error

from ...files.script import Section
from ...sql.queries import Expression, Query
from ...sql.scanner import Statement
from ...sql.tokens import OpenTokenError
from ..base.errors import NEEDS_NO_TRANSACTION
from ..base.operations import Operations
from ..base.session import Frame, Setting
from ..base.values import Obstacle, RecordFailed, StatementFailed, failing
from .backend import IS_PSYCOPG3, PIPELINES, PostgreSQLBackend
from .session import PostgreSQLSession

if IS_PSYCOPG3:
    from .pipeline import Batch, Exchange, batches

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
# One that makes no slot on the publisher.
_SUBSCRIPTION_ALONE = re.compile(
    r"\ACREATE\s+SUBSCRIPTION\b.*\bWITH\s*\(.*\b(?:connect|create_slot)\s*=\s*'?(?:false|off|no|0)\b",
    re.IGNORECASE | re.DOTALL,
)
_TO_STDOUT = re.compile(r"\bTO\s+STDOUT\b", re.IGNORECASE)
_MAY_NOT_RUN_INSIDE = frozenset(
    "BEGIN COMMIT END ABORT START PREPARE ROLLBACK VACUUM CREATE DROP ALTER DISCARD REINDEX".split()
)
_ROWS_BLOCK = 1 << 16  # characters


class Record(str):
    """SQL that records what a section has done."""

    __slots__ = ()


class PostgreSQLOperations(Operations):
    """With psycopg 3 a file, its record and its COMMIT are one round trip."""

    backend: PostgreSQLBackend
    session: PostgreSQLSession
    elapsed: ClassVar[Expression] = Expression(
        "CAST(extract(epoch FROM clock_timestamp() - now()) * 1000 AS bigint)"
    )

    def obstacle_of(self, statement: Statement, section: Section) -> Obstacle | None:
        if statement.keyword == "COPY" and _TO_STDOUT.search(self._code(statement)):
            return Obstacle("COPY … TO STDOUT has nobody to send its rows to", "remove it")
        if statement.keyword not in _MAY_NOT_RUN_INSIDE or not self.is_atomic(section):
            return None
        lead = self.lead(statement)
        if CONTROL.match(lead):
            said = f"{statement.keyword} controls the transaction that the file runs in"
            return Obstacle(said, self.way_out_of(statement, section))
        if (found := NOT_INSIDE.match(lead)) and not _SUBSCRIPTION_ALONE.search(statement.text):
            said = f"{found['what'].upper()} cannot run inside a transaction"
            return Obstacle(said, NEEDS_NO_TRANSACTION)
        return None

    def controls(self, statement: Statement) -> bool:
        return CONTROL.match(self.lead(statement)) is not None

    def run_in_transaction(
        self, section: Section, verify: Callable[[], None], closing: Callable[[], Iterable[Query]]
    ) -> None:
        if not PIPELINES:
            super().run_in_transaction(section, verify, closing)
            return
        frame = self.session.frame(section, atomic=True)
        try:
            self._send_section(section, frame, closing)
        except BaseException:
            self.abandon(frame)
            raise
        self.session.equip()

    def restore(self, frame: Frame) -> None:
        self.set([*frame.restore(self.session), *frame.after(self.session)])
        self.session.equip()

    def restore_after(self, frame: Frame) -> None:
        super().restore_after(frame)
        self.session.equip()

    def _send_section(
        self, section: Section, frame: Frame, closing: Callable[[], Iterable[Query]]
    ) -> None:
        """What is sent first begins the transaction, what is sent last records and commits."""
        self.set(frame.before)
        encoding = self.backend.encoding
        head = [Setting("BEGIN"), *frame.first]
        parts = list(batches(section.statements, self.travels))
        last = None if not parts or parts[-1].is_alone else parts.pop()
        for part in parts:
            if part.is_alone:
                self.send(head)
                self.run(part.first, part.statements[0], section)
            else:
                self.send(head, part)
            head = []
        restore = [*frame.check, *(setting.sql for setting in frame.restore(self.session))]
        with failing(last.first if last else None):
            switched = self.backend.encoding != encoding
        if switched:  # it is as usual again only behind these
            self.send(head, last, restore)
            head, last, restore = [], None, []
        record = [Record(self.backend.compose(query)) for query in closing()]
        after = [setting.sql for setting in frame.after(self.session)]
        self.send(head, last, [*restore, *record, "COMMIT", *after])

    def travels(self, statement: Statement) -> bool:
        """Whether it can be sent together with others."""
        return statement.keyword != "COPY" and len(self.parts(statement)) == 1

    def _code(self, statement: Statement) -> str:
        """Without what is quoted, and without comments."""
        sql, rules = statement.sql, statement.rules or self.backend.lexicon
        try:
            return "".join(sql[start:end] for kind, start, end in rules.pieces(sql) if not kind)
        except OpenTokenError:
            return sql

    def set(self, settings: Iterable[Setting]) -> None:
        """In one round trip; none of those of PostgreSQL may fail."""
        if PIPELINES:
            self.send(list(settings))
        else:
            super().set(settings)

    def check(self, frame: Frame) -> None:
        if self.is_open(None):
            super().check(frame)

    def run(self, index: int, statement: Statement, section: Section) -> None:
        if statement.rows is not None:
            self._copy(index, statement)
        elif IS_PSYCOPG3:
            self.send(batch=Batch(index, [statement]))
        else:
            super().run(index, statement, section)

    def drain(self, cursor: Any) -> None:
        self.session.tell_notices()

    def send(
        self,
        head: Sequence[Setting] = (),
        batch: "Batch | None" = None,
        tail: Sequence[str] = (),
    ) -> None:
        """Send it in one round trip. Raises StatementFailed with the statement that failed."""
        statements = batch.statements if batch else ()
        queries = [setting.sql for setting in head]
        queries += [statement.sql for statement in statements]
        queries += tail
        if not queries:
            return
        self.connection.ensure_connection()
        exchange = Exchange(self.connection.connection, queries)
        try:
            with self.connection.wrap_database_errors:
                exchange.run()
        except (Error, ValueError) as error:
            failed = min(exchange.done, len(queries) - 1)  # of which one may be several commands
            if failed < len(head):
                raise StatementFailed(None, head[failed].place) from error
            failed -= len(head)
            if batch is None or failed >= len(statements):
                own = isinstance(queries[len(head) + failed], Record)
                raise (RecordFailed() if own else StatementFailed(None)) from error
            offset = self.backend.errors.place_of(error, statements[failed])
            raise StatementFailed(batch.first + failed, offset) from error

    def _copy(self, index: int, statement: Statement) -> None:
        rows = statement.rows or ""
        try:
            with (
                self.backend.busy(),
                self.backend.cursor() as cursor,
                self.connection.wrap_database_errors,
            ):
                if not IS_PSYCOPG3:
                    cursor.copy_expert(statement.sql, StringIO(rows))
                    return
                with cursor.copy(statement.sql) as copy:
                    for start in range(0, len(rows), _ROWS_BLOCK):
                        copy.write(rows[start : start + _ROWS_BLOCK])
        except (Error, ValueError) as error:
            raise StatementFailed(index, self.backend.errors.place_of(error, statement)) from error
