"""A section that is run and recorded, in one transaction or statement by statement."""

import time
from dataclasses import replace

from ..backends.base.values import StatementFailed, recording
from ..database import Database
from ..files.script import Section
from ..history.inventory import Inventory, take, unharmed
from ..history.recorded import Recorded
from ..plan.of_history import OwnTables
from ..plan.plan import Step
from ..sql.queries import Query
from .failure import Outcome
from .retry import Retry


class OvertakenError(Exception):
    """Another process changed the history since the plan was made."""


class PostponedError(Exception):
    """Something is missing that a file which comes later may make; the cause says what."""


def verify(database: Database, step: Step, migration: Recorded) -> None:
    """Raise where the lock is another's, or the history not what the step was planned on."""
    if database.backend.features.transaction_is_lock:
        database.lock.ask()
    row = database.history.row(step.applied.key if step.applied else migration.key)
    if (row.sequence if row else None) != (step.applied.sequence if step.applied else None):
        raise OvertakenError


class Task:
    """What is run, and what became of it. This one is a transaction with its record."""

    def __init__(
        self, database: Database, step: Step, migration: Recorded, section: Section
    ) -> None:
        self.database = database
        self.backend = database.backend
        self.recorder = database.recorder
        self.step = step
        self.migration = migration
        self.section = section
        self.started = time.monotonic()
        self.inventory: Inventory | None = None  # where the section might change the history
        self.outcome = Outcome()  # if it fails
        # Whether it is past all waiting for the lock.
        self.has_begun = not self.backend.features.transaction_is_lock

    def run(self, retry: Retry) -> None:
        """Raises StatementFailed, OvertakenError and LockLostError."""
        retry(self._run)

    def _run(self) -> None:
        if not self.backend.features.transaction_is_lock:
            self.take_inventory()
        self.backend.operations.run_in_transaction(self.section, self.verify, self._closing)

    def settle(self) -> None:
        """After the connection was lost: what its session does to the end is what counts."""
        self.outcome = replace(self.outcome, known=self.database.lock.outlive_session())

    def fail(self, failure: StatementFailed) -> Outcome:
        """What became of it; of a transaction that could not be taken back whole it is recorded."""
        if failure.effect.partial:
            self.outcome = replace(self.outcome, effect=failure.effect)
            step = self.step
            beginning = self.recorder.beginning(
                self.migration, step.applied, step.direction, self.count
            )
            with self.backend.transaction():
                self.recorder.write(beginning)
        return self.outcome

    def verify(self) -> None:
        self.has_begun = True
        verify(self.database, self.step, self.migration)
        if self.backend.features.transaction_is_lock:
            self.take_inventory()

    def take_inventory(self) -> None:
        """Note, while the lock is held, what the section must leave of the history."""
        if OwnTables(self.database).may_be_reached_by(self.section):
            with recording():
                self.inventory = take(self.database.tables)

    def unharmed(self) -> list[Query]:
        """What fails where that is not there any more."""
        if self.inventory is None:
            return []
        return unharmed(self.database.tables, self.inventory, self.database.lease.token)

    def _closing(self) -> list[Query]:
        duration = self.backend.operations.elapsed or self.elapsed
        step = self.step
        closing = self.recorder.closing(
            self.migration, step.applied, step.direction, self.count, duration
        )
        return [*self.unharmed(), *closing]

    @property
    def count(self) -> int:
        return len(self.section.statements)

    @property
    def elapsed(self) -> int:
        """Milliseconds."""
        return int((time.monotonic() - self.started) * 1000)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started
