"""A section without a transaction, statement by statement, and going on where one has stopped."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ...files.script import Section
from ...sql.scanner import Statement
from .backend import Backend, Part
from .values import Progress, StatementFailed, failing

Retrying = Callable[[Callable[[], None]], None]


class SectionRun(NamedTuple):
    """A section on its way; `retry` runs what is in no transaction of the section's own."""

    section: Section
    progress: Progress
    retry: Retrying


class Steps(Part):
    """How the statements of such a section run; by itself nothing can go on."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self.operations = backend.operations

    def run(self, run: SectionRun) -> None:
        """Run the section in autocommit from where it has come to.

        Raises StatementFailed. After any error what is open is rolled back, the session restored.
        """
        operations, (section, progress, _retry) = self.operations, run
        frame = self.backend.session.frame(section, atomic=False)
        try:
            operations.set(frame.before)
            operations.begin_check(frame)
            if progress.start:
                self.skip(section, progress.start)
            for index, statement in enumerate(section.statements):
                if index >= progress.start:
                    self.step(index, statement, run)
            with failing(None):
                operations.check(frame)
                if section.statements and operations.is_open(None):
                    self.commit_open(run)
        except BaseException as error:
            lost = not self.backend.is_connected()
            operations.abandon(frame)
            if lost and isinstance(error, StatementFailed):
                raise error.having(partial=True) from error.__cause__
            raise
        operations.restore(frame)

    def step(self, index: int, statement: Statement, run: SectionRun) -> None:
        """Run one statement of such a section. Raises StatementFailed."""
        if self.operations.is_open(None):
            if self.operations.controls(statement) and statement.keyword not in (
                "ROLLBACK",
                "ABORT",
            ):
                run.progress.verify()
            self.operations.run(index, statement, run.section)
        else:
            run.retry(partial(self.operations.run, index, statement, run.section))
        if not self.operations.is_open(statement):
            run.progress(index + 1)

    def commit_open(self, run: SectionRun) -> None:
        """Commit what such a section has left open at its end."""
        self.execute("COMMIT")
        run.progress(len(run.section.statements))

    def records_progress(self, section: Section) -> bool:
        """Whether the history hears of every statement of such a section, so that it can go on."""
        return False

    def skip(self, section: Section, count: int) -> None:
        """Pass over statements that ran before, but for what they did to the session."""

    def obstacle_to_skip(self, statement: Statement, *, inside: bool) -> str | None:
        """Why nothing can go on behind this statement, which ran before.

        `inside` if it was in a transaction of the section's own.
        """
        return None

    def obstacle_to_correct(self, before: Statement, now: Statement | None) -> str | None:
        """Why a statement of which only the beginning is known may not be another one now.

        Or none, where the file has got shorter.
        """
        return "had begun, so that nothing tells what it did, and was changed"
