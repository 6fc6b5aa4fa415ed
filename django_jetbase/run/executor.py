"""Run one step and record it."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from django.db import Error, IntegrityError

from ..backends.base.backend import Backend
from ..backends.base.steps import Retrying
from ..backends.base.values import Progress, StatementFailed, failing
from ..exceptions import LockError
from ..files.script import Section
from ..history.history import History
from ..history.lock import Lock
from ..history.recorded import Recorded
from ..history.recorder import Recorder
from ..migration import Applied, Direction, Origin
from ..models import AppliedMigration
from ..plan.plan import Step
from ..sql.queries import Expression, Query
from .failure import Outcome, error_of
from .retry import Retry


class OvertakenError(Exception):
    """Another process changed the history since the plan was made."""


_VERBS = {Direction.UPGRADE: "Applied", Direction.ROLLBACK: "Rolled back"}
_WITHOUT_RUNNING = {
    Origin.FAKE: "recorded only",
    Origin.DJANGO: "recorded only: Django's migration had done it",
}


@dataclass(frozen=True)
class Done:
    """A step that was taken. `duration` is in seconds; `by_other` if another process took it.

    With another origin than `run` it was recorded only.
    """

    step: Step
    duration: float
    statements: int
    origin: Origin = Origin.RUN
    by_other: bool = False

    def __str__(self) -> str:
        how = "by another process" if self.by_other else f"{self.duration:.2f} s"
        how = _WITHOUT_RUNNING.get(self.origin, how)
        return f"{_VERBS[self.step.direction]} {self.step.subject.label} ({how})"


class Executor:
    """Runs steps in one database, while the lock is held.

    What fails because of others is tried again, `retries` times.
    """

    def __init__(
        self, backend: Backend, lock: Lock, history: History, recorder: Recorder, retries: int
    ) -> None:
        self.backend = backend
        self.steps = backend.steps
        self.lock = lock
        self.history = history
        self.recorder = recorder
        self.retries = retries

    def run(
        self, step: Step, migration: Recorded, section: Section, *, resume: bool = False
    ) -> Done:
        """Run the section of the step and record it; with `resume` from where it has come to.

        Raises StatementError; LockLostError where the lock is another's, and OvertakenError where
        the history is not what the plan was made of: then nothing was recorded.
        """
        started = time.monotonic()
        run = _Run(self, step, migration, section, started, resume)
        retry = Retry(self.backend, migration.path, self.retries)
        try:
            if self.backend.operations.is_atomic(section) and not resume:
                retry(run.in_transaction)
            else:
                run.one_by_one(retry)
        except StatementFailed as failure:
            if not self.backend.is_connected():
                run.settle()
            if self._is_done_by_other(step, migration):
                seconds = time.monotonic() - started
                return Done(step, seconds, len(section.statements), by_other=True)
            self._ask_lock()
            if failure.effect.partial and not run.progress:
                run.outcome = replace(run.outcome, effect=failure.effect)
                self._record_incomplete(step, migration, section)
            error = error_of(failure, run.outcome, migration, section, step.direction, self.steps)
            self._log_failure(migration, section, str(error))
            raise error from failure.__cause__
        return Done(step, time.monotonic() - started, len(section.statements))

    def record(self, step: Step, migration: Recorded, origin: Origin) -> Done:
        """Record a step that is not run. Raises OvertakenError as `run` does."""
        started = time.monotonic()
        closing = self.recorder.closing(migration, step.applied, step.direction, 0, 0, origin)
        try:
            with self.backend.transaction():
                self.verify(step, migration)
                self.recorder.write(closing)
        except IntegrityError as error:
            self._ask_lock()
            raise OvertakenError from error
        return Done(step, time.monotonic() - started, 0, origin)

    def verify(self, step: Step, migration: Recorded) -> None:
        """Raise where the lock is another's, or the history not what the step was planned on."""
        if self.backend.features.transaction_is_lock:
            self.lock.ask()
        row = self.history.row(migration.key)
        if (row.sequence if row else None) != (step.applied.sequence if step.applied else None):
            raise OvertakenError

    def _ask_lock(self) -> None:
        """Raise LockLostError where a failure came of that; without a database nothing is known."""
        with suppress(Error):
            self.lock.ask()

    def _is_done_by_other(self, step: Step, migration: Recorded) -> bool:
        """Whether another process has meanwhile done what failed here."""
        try:
            row = self.history.row(migration.key)
        except Error:
            return False
        if step.direction is Direction.ROLLBACK:
            return row is None
        return (
            row is not None
            and not row.incomplete
            and row.checksum == migration.checksum
            and (step.applied is None or row.sequence != step.applied.sequence)
        )

    def _record_incomplete(self, step: Step, migration: Recorded, section: Section) -> None:
        """Of a transaction that could not be taken back whole."""
        beginning = self.recorder.beginning(
            migration, step.applied, step.direction, len(section.statements)
        )
        with self.backend.transaction():
            self.recorder.write(beginning)

    def _log_failure(self, migration: Recorded, section: Section, message: str) -> None:
        """A failure that cannot be logged must not hide the failure itself."""
        try:
            with self.backend.transaction():
                self.recorder.write(
                    self.recorder.failed(migration, len(section.statements), message)
                )
        except (Error, LockError):
            self.backend.notice("The failure could not be written to the history.")


class _Run:
    def __init__(
        self,
        executor: Executor,
        step: Step,
        migration: Recorded,
        section: Section,
        started: float,
        resume: bool,
    ) -> None:
        self.executor = executor
        self.backend = executor.backend
        self.steps = executor.steps
        self.lock = executor.lock
        self.history = executor.history
        self.recorder = executor.recorder
        self.step = step
        self.migration = migration
        self.section = section
        self.started = started
        self.resume = resume
        self.progress: Progress | None = None  # None: all or nothing
        self.row: Applied | None = None  # that says so
        self.outcome = Outcome()  # if it fails

    def in_transaction(self) -> None:
        self.backend.operations.run_in_transaction(
            self.section, self._verify, lambda: self._closing(self.backend.operations.elapsed)
        )

    def one_by_one(self, retry: Retry) -> None:
        """The history says before the first statement that the migration has begun."""
        with self.lock.held_without_transaction():
            self._one_by_one(retry)

    def _one_by_one(self, retry: Retry) -> None:
        self._verify()
        try:
            with self.backend.transaction():
                if self.backend.features.transaction_is_lock:
                    self._verify()
                self.recorder.write(self._beginning())
        except IntegrityError as error:
            self.lock.ask()
            raise OvertakenError from error
        self.row = row = self.history.row(self.migration.key)
        assert row is not None  # written above
        unsure = row.attempted > row.committed
        fence = self.lock.lease.fence
        table = self.history.tables.sql(AppliedMigration)
        self.progress = Progress(
            table, row.sequence, fence, self._look, row.committed, unsure=unsure
        )
        try:
            self.steps.run(self.section, self.progress, self._while_locked(retry))
            self._finish()
        except StatementFailed as failure:
            effect = failure.effect
            self.outcome = Outcome(self.progress.committed, effect)
            if row.attempted < 0 or self.backend.is_connected():
                self._stop(row, effect.partial, unsure=effect.unsure)
            raise
        except BaseException:
            if row.attempted < 0:
                self._stop(row, partial=True)  # it may go on in the database
            raise

    def _beginning(self) -> list[Query]:
        row, direction = self.step.applied, self.step.direction
        if self.resume:
            assert row is not None  # it is incomplete
            return self.recorder.going_on(self.migration, row, self._count)
        attempted = 0 if self.steps.records_progress(self.section) else AppliedMigration.UNKNOWN
        return self.recorder.beginning(self.migration, row, direction, self._count, attempted)

    def settle(self) -> None:
        """After the connection was lost: what its session does to the end is what counts."""
        self.outcome = replace(self.outcome, known=self.lock.outlive_session())
        with suppress(Error):
            row = self.history.row(self.migration.key)
            if row and row.attempted >= 0 and self.progress:
                self.progress(row.committed)
                partial = row.attempted > row.committed
                effect = replace(self.outcome.effect, partial=partial)
                self.outcome = replace(self.outcome, committed=row.committed, effect=effect)

    def _while_locked(self, retry: Retry) -> Retrying:
        """A run whose lock was taken away ends before its next statement.

        A heartbeat tells; on SQLite it may find no gap to be written in, and asking is cheap.
        """
        check = self.lock.ask if self.backend.features.transaction_is_lock else self.lock.verify

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
            self.row if self.resume else self.step.applied,
            self.step.direction,
            self._count,
            self._elapsed(),
        )
        with failing(None), self.backend.transaction():
            self.lock.ask()
            self.recorder.write(finished)

    def _stop(self, row: Applied, partial: bool, *, unsure: bool = False) -> None:
        assert self.progress is not None  # it has begun
        committed, replaced = self.progress.committed, self.step.applied
        stopped = self.recorder.stopped(row, replaced, committed, partial=partial, unsure=unsure)
        try:
            with self.backend.transaction():
                self.recorder.write(stopped)
        except (Error, LockError):
            self.backend.notice(f"{row.path}: the history could not be told how far it came.")

    def _verify(self) -> None:
        self.executor.verify(self.step, self.migration)

    def _closing(self, elapsed: Expression | None) -> list[Query]:
        return self.recorder.closing(
            self.migration,
            self.step.applied,
            self.step.direction,
            self._count,
            self._elapsed() if elapsed is None else elapsed,
        )

    @property
    def _count(self) -> int:
        return len(self.section.statements)

    def _elapsed(self) -> int:
        return int((time.monotonic() - self.started) * 1000)
