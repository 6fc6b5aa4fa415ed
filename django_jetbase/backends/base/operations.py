import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from django.db import Error
from django.db.backends.utils import CursorWrapper

from ...files.script import Section
from ...sql.queries import Expression, Query
from ...sql.scanner import Statement, scan
from .backend import Backend, Part
from .errors import DELETE_BOTH, NEEDS_NO_TRANSACTION
from .session import Frame, Setting
from .values import Obstacle, StatementFailed, failing, recording

# What may hold semicolons of its own, in whatever language.
_HAS_BODY = re.compile(
    r"(?:CREATE|ALTER)\b[^;]*?\b(?:PROCEDURE|FUNCTION|PACKAGE|TRIGGER|EVENT)\b"
    r"|DECLARE\b|BEGIN\b(?! ?;| WORK\b| TRANSACTION\b)",
    re.IGNORECASE,
)


class Operations(Part):
    """How a section runs, and which statements may stand in it."""

    elapsed: ClassVar[Expression | None] = None  # the milliseconds since a transaction began

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self.session = backend.session

    # ---- what may run

    def is_atomic(self, section: Section) -> bool:
        """Whether the section and its row in the history are one transaction."""
        return self.backend.features.rolls_back_ddl and section.directives.transaction

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

    def way_out_of(self, control: Statement, section: Section) -> str:
        """What to do with a statement that controls the transaction that a file runs in."""
        first, *others, last = *section.statements, control
        if others:
            last = others.pop()
        wraps = control in (first, last) and last.keyword in ("COMMIT", "END")
        if wraps and self.controls(first) and not any(map(self.controls, others)):
            return DELETE_BOTH
        return NEEDS_NO_TRANSACTION

    def idle(self, statement: Statement) -> Obstacle | None:
        """Why the statement would run and do nothing; None where it does something."""
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
        items = scan(statement.text, self.backend.lexicon)
        return [item for item in items if isinstance(item, Statement)] or (statement,)

    def lead(self, statement: Statement) -> str:
        """The first words of a statement, with one blank for every comment between them."""
        return self.backend.lexicon.spacing.sub(" ", statement.text[:500])

    # ---- running

    def run_in_transaction(
        self, section: Section, verify: Callable[[], None], closing: Callable[[], Iterable[Query]]
    ) -> None:
        """Run the section and the closing queries as one transaction.

        `verify` is called inside it where the transaction is the lock, and raises to stop the run.
        Raises StatementFailed. After any error everything is rolled back, the session restored.
        """
        frame = self.session.frame(section, atomic=True)
        try:
            self.set(frame.before)
            self.backend.begin()
            self.set(frame.first)
            if self.backend.features.transaction_is_lock:
                verify()
            self.begin_check(frame)
            for index, statement in enumerate(section.statements):
                self.run(index, statement, section)
            with failing(None):
                self.check(frame)
                self.set(frame.restore(self.session))
                with recording():
                    self.backend.write(closing())
                self.backend.commit()
        except BaseException:
            self.abandon(frame)
            raise
        self.restore_after(frame)

    def restore_after(self, frame: Frame) -> None:
        """Put back what can only be put back behind a commit, of which it is no failure."""
        try:
            self.set(frame.after(self.session))
        except StatementFailed:
            self.connection.close()

    def set(self, settings: Iterable[Setting]) -> None:
        """Raises StatementFailed where the file asks for what is refused."""
        with failing(None):
            for sql, place, may_fail in settings:
                with suppress(Error) if may_fail else failing(None, place):
                    self.execute(sql)

    def begin_check(self, frame: Frame) -> None:
        """Note before the statements what the check at their end compares with."""

    def check(self, frame: Frame) -> None:
        """What must hold before the commit. Raises Error where it does not."""
        for sql in frame.check:
            self.execute(sql)

    def abandon(self, frame: Frame) -> None:
        """After a failure: roll back and restore the session as far as the connection lives."""
        self.backend.rollback()
        if self.connection.connection is None:
            return
        try:
            self.restore(frame)
        except StatementFailed:
            self.connection.close()

    def restore(self, frame: Frame) -> None:
        """Put the session back outside of a transaction."""
        self.set(frame.restore(self.session))
        self.set(frame.after(self.session))

    def run(self, index: int, statement: Statement, section: Section) -> None:
        """Send one statement. Raises StatementFailed."""
        try:
            with self.backend.busy(), self.cursor() as cursor:
                cursor.execute(self.as_sent(statement, section))
                self.drain(cursor)
        except (Error, ValueError) as error:
            errors = self.backend.errors
            known = errors.readable(error, section)
            raise StatementFailed(index, errors.place_of(known, statement)) from known

    def cursor(self) -> CursorWrapper:
        """One for a statement of a file, whose rows nobody keeps."""
        return self.backend.cursor()

    def as_sent(self, statement: Statement, section: Section) -> str:
        """The statement as the database's own shell sends it."""
        return statement.sql

    def drain(self, cursor: Any) -> None:
        """Read what the statement returned to its end, without which some do not run whole."""
        while cursor.description and cursor.fetchmany(1000):
            pass

    def is_open(self, statement: Statement | None) -> bool:
        """Whether the section has a transaction open, after this statement of it."""
        return self.backend.in_transaction()
