"""PostgreSQL sections without a transaction: statement by statement, with their progress."""

import re
from collections.abc import Sequence
from functools import partial

from django.db import Error

from ...files.script import Section
from ...sql.scanner import Statement
from ..base.backend import Backend
from ..base.errors import READS_ONLY
from ..base.session import Setting
from ..base.steps import SectionRun, Steps
from ..base.values import Effect, StatementFailed, failing, recording
from .backend import IS_PSYCOPG3, PIPELINES, PostgreSQLBackend
from .errors import sqlstate
from .indexes import NAME, Indexes
from .lost_session import to_run_again, what_is_lost
from .operations import CONTROL, NOT_INSIDE, PostgreSQLOperations, Record

if IS_PSYCOPG3:
    from .pipeline import Batch

_ALONE = frozenset({"VACUUM", "REINDEX", "CLUSTER", "CALL"})
_REPEATABLE = re.compile(r"(?:VACUUM|REINDEX|CLUSTER|ALTER SYSTEM|DISCARD)\b", re.IGNORECASE)
_COMMITS = re.compile(r"\b(?:COMMIT|ROLLBACK)\b", re.IGNORECASE)
_KEEPS_FROM_WRITING = re.compile(
    r"\bAUTHORIZATION\b|\bdefault_transaction_read_only\b|\bSESSION\s+CHARACTERISTICS\b",
    re.IGNORECASE,
)
_DROPS_INDEX = re.compile(
    rf"DROP INDEX CONCURRENTLY (?:IF EXISTS )?(?P<index>{NAME}(?: ?\. ?{NAME})?)", re.IGNORECASE
)
_DETACHES = re.compile(r"ALTER TABLE .+? DETACH PARTITION .+? CONCURRENTLY\b", re.IGNORECASE)
_NAMES_ROLE = re.compile(r"\bROLE\b", re.IGNORECASE)
_OWN_TRANSACTION = frozenset({"25001", "2D000"})  # refused inside one; ends the one it is in


class PostgreSQLSteps(Steps):
    """Records how far such a section has come.

    A statement is one transaction with its record where that can be. Of one that must be alone the
    history says beforehand that it begins, and afterwards that it is done. What a transaction of
    the section's own does is recorded in it.
    """

    backend: PostgreSQLBackend
    operations: PostgreSQLOperations

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self.indexes = Indexes(self.backend)

    def records_progress(self, section: Section) -> bool:
        """Not where the session may be another user's, or one that writes nothing."""
        return not _KEEPS_FROM_WRITING.search(section.text)

    def skip(self, section: Section, count: int) -> None:
        for index in to_run_again(section.statements[:count], self.operations.lead):
            self.operations.run(index, section.statements[index], section)

    def obstacle_to_skip(self, statement: Statement, *, inside: bool) -> str | None:
        return what_is_lost(statement, self.operations.lead(statement), inside=inside)

    def obstacle_to_correct(self, before: Statement, now: Statement | None) -> str | None:
        """An index is looked for; what it is like is known if it is as the file had it."""
        if not self.indexes.built_by(before):
            return super().obstacle_to_correct(before, now)
        if not (found := self.indexes.find(before)):
            return None
        name, valid = found
        if valid:
            return f"has built the index {name}, and was changed: drop it first"
        if now and self.indexes.built_by(now) and self.indexes.find(now) == found:
            return None  # it is dropped before it is built again
        return f"has left the invalid index {name}, and was changed: drop it first"

    def step(self, index: int, statement: Statement, run: SectionRun) -> None:
        if not self.records_progress(run.section):
            super().step(index, statement, run)
        elif self.operations.is_open(None):
            self._step_inside(index, statement, run)
        elif self._must_be_alone(statement):
            self._step_alone(index, statement, run)
        else:
            self._step_recorded(index, statement, run)

    def _must_be_alone(self, statement: Statement) -> bool:
        if statement.keyword in _ALONE:
            return True
        if statement.keyword == "DO":
            return bool(_COMMITS.search(statement.text))
        lead = self.operations.lead(statement)
        return bool(CONTROL.match(lead) or NOT_INSIDE.match(lead))

    def _may_have_committed(self, statement: Statement) -> bool:
        """Whether a commit of its own may go before its failure."""
        return statement.keyword in ("CALL", "DO", "REINDEX") or bool(
            _DETACHES.match(self.operations.lead(statement))
        )

    def _reads_only(self, section: Section) -> bool:
        """Whether the transaction that is open may not write, not even the record."""
        if not self._may_read_only(section):
            return False
        with failing(None):
            return not self.backend.takes_writes()

    def _may_read_only(self, section: Section) -> bool:
        return READS_ONLY.search(section.text) is not None

    def _step_inside(self, index: int, statement: Statement, run: SectionRun) -> None:
        """In a transaction of the section's own, whose COMMIT commits the record too."""
        commits = statement.keyword in ("COMMIT", "END")
        recorded = commits and not self._reads_only(run.section)
        if recorded:
            self._record(run, index + 1)
        self.operations.run(index, statement, run.section)
        if commits or not self.operations.is_open(None):
            run.progress(index + 1)
        if not recorded and not self.operations.is_open(None):
            self._record(run, index + 1)

    def commit_open(self, run: SectionRun) -> None:
        if self.records_progress(run.section) and not self._reads_only(run.section):
            self._record(run, len(run.section.statements))
        super().commit_open(run)

    def _step_recorded(self, index: int, statement: Statement, run: SectionRun) -> None:
        with failing(index):  # in an encoding that Python does not have
            note = self._note(run, index + 1, index + 1)
        try:
            run.retry(partial(self._run_with, index, statement, run.section, note))
        except StatementFailed as failure:
            if sqlstate(failure.__cause__) not in _OWN_TRANSACTION:
                raise
            self._step_alone(index, statement, run)
            return
        run.progress(index + 1)

    def _run_with(
        self, index: int, statement: Statement, section: Section, note: Sequence[Record]
    ) -> None:
        """Run the statement and the note as one transaction."""
        try:
            if PIPELINES and self.operations.travels(statement):
                self.operations.send(
                    [Setting("BEGIN")], Batch(index, [statement]), [*note, "COMMIT"]
                )
                return
            self.execute("BEGIN")
            self.operations.run(index, statement, section)
            self._write(note)
            with failing(None):
                self.execute("COMMIT")
        except BaseException as error:
            self.backend.rollback()
            if isinstance(error, StatementFailed) and error.index is None:
                # A deferred constraint of it fails at the COMMIT, but it is not its record.
                raise error.at(index) from error.__cause__
            raise

    def _step_alone(self, index: int, statement: Statement, run: SectionRun) -> None:
        begins = statement.keyword in ("BEGIN", "START")
        unsure = run.progress.unsure and index == run.progress.start
        if unsure and self._is_done(index, statement):
            self._record(run, index + 1)
            run.progress(index + 1)
            return
        if not begins:
            self._record(run, index, attempted=index + 1)
        builds = self.indexes.built_by(statement)
        again = unsure or (builds is not None and not builds["index"])

        def attempt() -> None:
            nonlocal again
            if again:
                self.indexes.drop_invalid(index, statement)
            again = True
            try:
                self.operations.run(index, statement, run.section)
            except StatementFailed as failure:
                partial = failure.effect.partial or self._may_have_committed(statement)
                raise failure.having(partial=partial) from failure.__cause__

        try:
            run.retry(attempt)
            self.indexes.refuse_invalid(index, statement)
        except StatementFailed as failure:
            found = self.indexes.find(statement)
            invalid = found is not None and not found[1]
            left = f"the invalid index {found[0]}" if found and invalid else ""
            named = self.indexes.is_named(statement)
            raise failure.having(
                left=left or self.indexes.left_by_reindex(statement),
                partial=failure.effect.partial or invalid,
                unsure=failure.effect.unsure or (invalid and named),
            ) from failure.__cause__
        if unsure and (left := self.indexes.left_by_reindex(statement)):
            self.backend.notice(f"Perhaps of an earlier try, there is {left}: drop it.")
        if not self.operations.is_open(None):
            try:
                run.retry(partial(self._record, run, index + 1))
            except StatementFailed as failure:
                raise failure.having(partial=True, unsure=True) from failure.__cause__
            run.progress(index + 1)

    # ---- what had begun when the run ended

    def _is_done(self, index: int, statement: Statement) -> bool:
        """Whether a statement of which only the beginning is known has done its work.

        Raises StatementFailed where nothing tells.
        """
        lead = self.operations.lead(statement)
        if (builds := self.indexes.built_by(statement)) and builds["index"]:
            index_found = self.indexes.find(statement)
            return index_found is not None and index_found[1]
        if builds and self.indexes.find(statement):
            return False
        if found := _DROPS_INDEX.match(lead):
            return self.execute("SELECT to_regclass(%s) IS NULL", (found["index"],)) == [(True,)]
        if _REPEATABLE.match(lead) or CONTROL.match(lead):
            return False
        said = "it had begun when the run ended, and nothing tells whether it has done its work"
        raise StatementFailed(index, effect=Effect(partial=True, unsure=True)) from Error(said)

    # ---- the record

    def _record(self, run: SectionRun, committed: int, attempted: int | None = None) -> None:
        """Record the progress, in the transaction that is open or in one of its own."""
        note = self._note(run, committed, attempted or committed)
        if not self.operations.is_open(None):
            note = [Record("BEGIN"), *note, Record("COMMIT")]
        self._write(note)

    def _write(self, note: Sequence[Record]) -> None:
        if PIPELINES:
            self.operations.send(tail=note)
            return
        with recording():
            for sql in note:
                self.execute(sql)

    def _note(self, run: SectionRun, committed: int, attempted: int) -> list[Record]:
        """SQL that records the progress as the user that the run began as."""
        update = Record(self.backend.compose(run.progress.query(committed, attempted)))
        if not run.section.directives.role and not _NAMES_ROLE.search(run.section.text):
            return [update]
        own = (
            "NONE"
            if self.backend.session.role == "none"
            else self.backend.quote(self.backend.session.role)
        )
        return [
            Record("SELECT set_config('jetbase.role', current_setting('role'), true)"),
            Record(f"SET LOCAL ROLE {own}"),
            update,
            Record("SELECT set_config('role', current_setting('jetbase.role'), true)"),
        ]
