"""Run one step and record it."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from django.db import Error, IntegrityError

from ..backends.base.values import StatementFailed
from ..database import Database
from ..exceptions import HistoryError, LockError
from ..files.script import Section
from ..history.recorded import Recorded
from ..migration import Direction, Migration, Origin
from ..plan.plan import Step
from .done import Done
from .failure import consequence, error_of, of_record, who_is_in_the_way, who_makes
from .one_by_one import OneByOne
from .retry import Retry
from .task import PostponedError, Task, verify


class Executor:
    """Takes steps in one database, while the lock is held."""

    def __init__(
        self, database: Database, makers: Callable[[str], Sequence[Migration]] = lambda name: ()
    ) -> None:
        """`makers` gives the files that are likely to make what is missing under a name."""
        self.database = database
        self.makers = makers
        self.backend = database.backend
        self.history = database.history
        self.recorder = database.recorder

    def run(
        self, step: Step, migration: Recorded, section: Section, *, may_wait: bool = False
    ) -> Done:
        """Run the section of the step and record it.

        Raises StatementError; LockLostError where the lock is another's, and OvertakenError where
        the history is not what the plan was made of: then nothing was recorded. With `may_wait`
        raises PostponedError where something is missing.
        """
        is_atomic = self.backend.operations.is_atomic(section) and not step.resume
        task = (Task if is_atomic else OneByOne)(self.database, step, migration, section)
        try:
            task.run(Retry(self.backend, migration.path, self.database.settings.retries))
        except StatementFailed as failure:
            if not self.backend.is_connected():
                task.settle()
            if self._is_done_by_other(step, migration):
                return Done(step, task.seconds, task.count, by_other=True)
            self._ask_lock()
            outcome, database = task.fail(failure), self.database
            is_ours = failure.index is None
            missing = None if is_ours else self.backend.errors.missing(failure.__cause__)
            if may_wait and missing:
                said = self.backend.errors.message_of(failure.__cause__)
                raise PostponedError(said) from failure
            advice = "" if is_ours else self._advice(missing, failure, migration)
            error = error_of(failure, outcome, migration, section, step.direction, database, advice)
            self._log_failure(migration, section, str(error))
            raise error from failure.__cause__
        except HistoryError as error:
            said = f"{migration.path}: {error}"
            if isinstance(task, OneByOne) and task.progress:
                outcome = replace(task.outcome, committed=task.progress.committed)
                said += (
                    f"\n{consequence(outcome, migration, section, step.direction, resumes=False)}"
                )
            raise HistoryError(said, path=migration.path) from error
        except KeyboardInterrupt as error:  # also of a signal, whose name it has
            by = f" by {error}" if str(error) else ""
            if task.has_begun and self.backend.is_connected():
                self.backend.wait = 0.0
                self._log_failure(migration, section, f"{migration.path}: interrupted{by}")
            raise
        return Done(step, task.seconds, task.count)

    def _advice(self, missing: str | None, failure: StatementFailed, migration: Recorded) -> str:
        """Which other file has to do with it that the statement failed."""
        if missing:
            return who_makes(self.makers(missing), migration)
        for name in self.backend.errors.dependants(failure.__cause__):
            if said := who_is_in_the_way(name, self.makers(name), migration):
                return said
        return ""

    def record(self, step: Step, migration: Recorded, origin: Origin) -> Done:
        """Record a step that is not run. Raises HistoryError, and OvertakenError as `run` does."""
        started = time.monotonic()
        recorder, row = self.recorder, step.applied
        closing = recorder.without_running(migration, row, step.direction, origin)
        try:
            with self.backend.transaction():
                verify(self.database, step, migration)
                self.recorder.write(closing)
        except Error as error:
            if isinstance(error, IntegrityError):
                self._ask_lock()
                verify(self.database, step, migration)
            raise self._not_recorded(migration, error) from error
        return Done(step, time.monotonic() - started, 0, origin)

    def _not_recorded(self, migration: Recorded, error: Error) -> HistoryError:
        said, way_out = of_record(error, self.database)
        text = f"{migration.path}: {said}\n{way_out}".strip()
        return HistoryError(text, path=migration.path, version=str(migration.version or "") or None)

    def _ask_lock(self) -> None:
        """Raise LockLostError where a failure came of that; without a database nothing is known."""
        with suppress(Error):
            self.database.lock.ask()

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

    def _log_failure(self, migration: Recorded, section: Section, message: str) -> None:
        """A failure that cannot be logged must not hide the failure itself."""
        count = len(section.statements)
        try:
            with self.backend.transaction():
                said = self.backend.sendable(message)
                self.recorder.write(self.recorder.failed(migration, count, said))
        except (Error, ValueError, LockError):
            self.backend.notice("The failure could not be written to the history.")
