"""A section without a transaction: the history says that it begins, and how far it has come."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from django.db import Error, IntegrityError

from ..backends.base.steps import Retrying, SectionRun
from ..backends.base.values import Progress, RecordFailed, StatementFailed, recording
from ..database import Database
from ..exceptions import LockError
from ..files.script import Section
from ..history.inventory import take
from ..history.recorded import Recorded
from ..migration import Applied
from ..models import AppliedMigration
from ..plan.plan import Step
from ..sql.queries import Query
from .failure import Outcome
from .retry import Retry
from .task import Task


class OneByOne(Task):
    """With `resume` of the step it goes on where it has come to."""

    def __init__(
        self,
        database: Database,
        step: Step,
        migration: Recorded,
        section: Section,
    ) -> None:
        super().__init__(database, step, migration, section)
        self.lock = database.lock
        self.progress: Progress | None = None  # once it has begun
        self.row: Applied | None = None  # that says so

    def run(self, retry: Retry) -> None:
        """The history says before the first statement that the migration has begun."""
        with self.lock.held_without_transaction():
            self.verify()
            self._begin()
            self.take_inventory()
            self._run_from_where_it_is(retry)

    def _begin(self) -> None:
        try:
            with self.backend.transaction():
                if self.backend.features.transaction_is_lock:
                    self.verify()
                self.recorder.write(self._beginning())
        except Error as error:
            if isinstance(error, IntegrityError):
                self.lock.ask()
                self.verify()
            raise RecordFailed from error
        self.row = row = self.database.history.row(self.migration.key)
        assert row is not None  # written above
        self.progress = Progress(
            self.database.tables.sql(AppliedMigration),
            row.sequence,
            self.lock.lease.fence,
            self._look,
            row.committed,
            unsure=row.attempted > row.committed,
        )

    def _beginning(self) -> list[Query]:
        row = self.step.applied
        if self.step.resume:
            assert row is not None  # it is incomplete
            return self.recorder.going_on(self.migration, row, self.count)
        hears = self.backend.steps.records_progress(self.section)
        return self.recorder.beginning(
            self.migration,
            row,
            self.step.direction,
            self.count,
            0 if hears else AppliedMigration.UNKNOWN,
        )

    def _run_from_where_it_is(self, retry: Retry) -> None:
        row, progress = self.row, self.progress
        assert row is not None  # it has begun, and so
        assert progress is not None
        try:
            self.backend.steps.run(SectionRun(self.section, progress, self._while_locked(retry)))
            self._finish()
        except StatementFailed as failure:
            effect = failure.effect
            self.outcome = Outcome(progress.committed, effect)
            if row.attempted < 0 or self.backend.is_connected():
                self._stop(row, effect.partial, unsure=effect.unsure)
            raise
        except BaseException:
            if row.attempted < 0:
                self._stop(row, partial=True)  # it may go on in the database
            raise

    def settle(self) -> None:
        super().settle()
        with suppress(Error):
            row = self.database.history.row(self.migration.key)
            if row and row.attempted >= 0 and self.progress:
                self.progress(row.committed)
                partial = row.attempted > row.committed
                effect = replace(self.outcome.effect, partial=partial)
                self.outcome = replace(self.outcome, committed=row.committed, effect=effect)

    def fail(self, failure: StatementFailed) -> Outcome:
        if not self.progress:
            return super().fail(failure)
        before = self.step.applied
        again = before is not None and bool(before.incomplete) and not self.step.resume
        return replace(
            self.outcome, again=again, forgets=self.outcome.committed > 0 and self._forgets()
        )

    def _forgets(self) -> bool:
        """Whether records of migrations are gone, be it with their table."""
        if self.inventory is None:
            return False
        try:
            tables = self.database.tables
            if AppliedMigration in tables.missing():
                return True
            return take(tables).migrations < self.inventory.migrations
        except Error:
            return False

    def _while_locked(self, retry: Retry) -> Retrying:
        """A run whose lock was taken away ends before its next statement.

        A heartbeat tells; on SQLite it may find no gap to be written in, and asking is cheap.
        """
        is_lock = self.backend.features.transaction_is_lock
        check = self.lock.ask if is_lock else self.lock.verify

        def run(action: Callable[[], None]) -> None:
            check()
            retry(action)

        return run

    def _look(self) -> None:
        """Before a transaction of the file's own commits, whatever that has made of the session."""
        if self.backend.features.asks_inside:
            with suppress(Error):
                self.lock.ask()
        self.lock.verify()

    def _finish(self) -> None:
        finished = self.recorder.finished(
            self.migration,
            self.row if self.step.resume else self.step.replaced,
            self.step.direction,
            self.count,
            self.elapsed,
        )
        with recording(), self.backend.transaction():
            self.lock.ask()
            self.recorder.write([*self.unharmed(), *finished])

    def _stop(self, row: Applied, partial: bool, *, unsure: bool = False) -> None:
        assert self.progress is not None  # it has begun
        committed, replaced = self.progress.committed, self.step.applied
        stopped = self.recorder.stopped(row, replaced, committed, partial=partial, unsure=unsure)
        try:
            with self.backend.transaction():
                self.recorder.write(stopped)
        except (Error, LockError):
            self.backend.notice(f"{row.path}: the history could not be told how far it came.")
