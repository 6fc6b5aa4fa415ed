"""Strings files, plan, execution and history together."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from django.db import DEFAULT_DB_ALIAS

from .database import Database
from .exceptions import (
    LockLostError,
    ProblemsError,
    TargetError,
)
from .files.disk import File
from .files.names import migrations_of, parse_name
from .history.heartbeat import USUAL, Timing
from .history.history import Past
from .migration import Kind, Migration, Version, checksum_of_bytes
from .plan.inspection import Inspection, Skip, Texts, together
from .plan.plan import (
    ZERO,
    keys_to_repeat,
    rollback_plan,
    target_version,
    upgrade_plan,
)
from .plan.preparation import Planned, Prepared
from .plan.state import State
from .plan.validation import incomplete_problems, kept_problems
from .problems import Problem, Rule
from .results import Detail, Result, Status
from .run.done import Done
from .run.offline import Offline
from .run.runner import Runner

MOST_LOCKS = 10  # that a run takes before it gives up losing them
LAST_EVENTS = 100  # that the detail of a migration has


class Migrator:
    """Migrates one database.

    `lock_wait`, in seconds, wins over the setting. `report` hears of each step as it is taken,
    `notice` what the database says besides results.
    """

    def __init__(
        self,
        database: str = DEFAULT_DB_ALIAS,
        *,
        lock_wait: float | None = None,
        report: Callable[[Done], None] = lambda done: None,
        notice: Callable[[str], None] = lambda text: None,
        timing: Timing = USUAL,
    ) -> None:
        self.database = Database(database, notice, lock_wait, timing)
        self.history = self.database.history
        self.inspection = Inspection(self.database)
        self.preparation = self.inspection.preparation
        self.report = report

    # ---- reading

    def status(self, skip: Skip | None = None) -> Status:
        """What is applied, pending and wrong. Writes nothing."""
        skip = self.inspection.with_settings(skip)
        with self.database.reading():
            files = self.inspection.files()
            state = self.inspection.state(files, skip)
            prepared = self.inspection.prepared(state)
            problems = together(self.inspection.problems(files, state, skip), prepared)
            entries = tuple(state.entries(self.history.failures()))
            place = self.database.tables.place
        recorded = (item.step.path for item in prepared.planned if item.section is None)
        due = tuple(state.due)
        return Status(entries, problems, due, state.current, place, frozenset(recorded))

    def events(self) -> list[Past]:
        """Everything that ever happened, oldest first."""
        with self.database.reading():
            return self.history.events()

    def detail(self, key: str, path: str = "", *, longest: int) -> Detail | None:
        """What files, history and log say of one migration; None where they do not know it.

        Of two files of one version `path` names the one that is meant, if not what was applied.
        No more than one character beyond the `longest` is read of a text in the history.
        """
        skip = self.inspection.with_settings(None)
        with self.database.reading():
            files = self.inspection.files()
            state = self.inspection.state(files, skip)
            events = tuple(self.history.events(key, LAST_EVENTS))
            entries = state.entries(self.history.failures())
            meant = [entry for entry in entries if entry.subject.key == key]
            meant.sort(key=lambda entry: (entry.subject.path != path, entry.applied is None))
            entry = next(iter(meant), None)
            if entry is None and not events:
                return None
            if entry is None:
                texts = Texts(None, self.history.text_last_kept(key, longest))
                return Detail(events[-1].label, None, texts, (), events)
            paths = {known.path for known in (entry.migration, entry.applied) if known}
            problems = tuple(
                p for p in self.inspection.all_problems(files, state, skip) if p.path in paths
            )
            texts = self.inspection.texts(state, entry, longest)
        return Detail(entry.subject.label, entry, texts, problems, events)

    def is_at_least(self, version: str) -> bool:
        """Whether the version or a higher one is applied: one query, or two, and no file is read.

        Raises TargetError for what is no version.
        """
        wanted = target_version(version)
        with self.database.reading():
            return any(applied >= wanted for applied in self.history.versions())

    def current(self) -> Version | None:
        """The highest applied version."""
        with self.database.reading():
            return State((), self.history.read(), self.preparation.is_changed).current

    # ---- running

    def upgrade(
        self,
        count: int | None = None,
        to_version: str | None = None,
        *,
        dry_run: bool = False,
        fake: bool = False,
        resume: bool = False,
        repeatables: bool = True,
        repeat: Collection[str] = (),
        skip: Skip | None = None,
    ) -> Result:
        """Apply what is pending: versioned, then runs-on-change, then runs-always.

        Without `repeatables` versioned ones only. With `fake` it is recorded as applied and not
        run; with `resume` a file that stopped half-way goes on, where the history knows at which
        statement. The repeatable files of `repeat`, paths or names or ALL, run whether they have
        changed or not.
        """
        if repeat and (count is not None or to_version is not None):
            raise TargetError(
                "A run up to a count or a version repeats no files: give one of both."
            )
        skip = replace(self.inspection.with_settings(skip), lost_records=fake)
        target = None if to_version is None else target_version(to_version)
        found = self.inspection.read()
        if count is None and target is None and not repeat and self._is_settled(found):
            return Result()
        files = migrations_of(found)
        names = [repeat] if isinstance(repeat, str) else repeat
        keys = keys_to_repeat(names, files.migrations)
        seen: int | None = None

        def prepare() -> Prepared:
            """Once more under the lock, where another run may have done some of it."""
            nonlocal seen
            state = self.inspection.state(files, skip, seen, resume=resume, repeat=keys)
            seen = state.last if seen is None else seen
            plan = upgrade_plan(
                state,
                count,
                target,
                repeatables=repeatables,
                retires=not skip.files,
                needs=self.preparation.needs,
            )
            prepared = self.preparation.prepare(plan, fake=fake)
            return _checked(
                prepared, self.inspection.problems(files, state, skip), "Nothing was run."
            )

        return self._run("upgrade", prepare, files.migrations, dry_run=dry_run, makes_anew=not fake)

    def _is_settled(self, files: list[File]) -> bool:
        """Whether the files are exactly what the history says, so that nothing is due or wrong.

        This is what most runs find, so it makes none of the values that a plan needs.
        """
        self.database.refuse_atomic()
        with self.database.reading():
            known = self.history.checksums()
        if known is None or len(known) != len(files) or any(file.fault for file in files):
            return False
        try:
            equal = known == {file.path: checksum_of_bytes(file.data) for file in files}
        except UnicodeDecodeError:
            return False
        names = (parse_name(file.name) for file in files)
        if not equal or not any(name and name.kind is Kind.RUNS_ON_CHANGE for name in names):
            return equal
        with self.database.reading():
            return not self.history.unmade()

    def rollback(
        self,
        count: int | None = None,
        to_version: str | None = None,
        *,
        dry_run: bool = False,
        fake: bool = False,
    ) -> Result:
        """Undo the last `count` versions, or all above `to_version`; `zero` undoes all.

        With `fake` they are recorded as rolled back and nothing runs.
        """
        target: Version | str | None = to_version
        if to_version not in (None, ZERO):
            target = target_version(to_version)
        files = self.inspection.files()

        def prepare() -> Prepared:
            state = self.inspection.state(files)
            plan = rollback_plan(state, count, target)
            prepared = self.preparation.prepare(plan, fake=fake)
            problems = [*self.inspection.faults(files, state), *incomplete_problems(state)]
            problems += [] if fake else kept_problems(state, plan)
            return _checked(prepared, problems, "Nothing was rolled back.")

        return self._run("rollback", prepare, files.migrations, dry_run=dry_run)

    def script(self, planned: Iterable[Planned]) -> str:
        """Steps that a dry run has planned as a script for the database's stock client.

        It records them as well. Raises MigrationFileError for what the client would not send.
        """
        with self.database.reading():
            return Offline(self.database, self.preparation).script(planned)

    def _run(
        self,
        command: str,
        prepare: Callable[[], Prepared],
        files: Sequence[Migration],
        *,
        dry_run: bool,
        makes_anew: bool = False,
    ) -> Result:
        """Plan; with something to do, lock, plan again and run."""
        self.database.refuse_atomic()
        with self.database.autocommit():
            early = _without_lock(prepare, dry_run)
            if early and (dry_run or not early.planned):
                return Result((), early.planned, early.left, early.problems)
            sections = [item.section for item in early.planned if item.section] if early else None
            runner = Runner(
                self.database,
                self.preparation,
                prepare,
                files,
                report=self.report,
                sender=type(self),
                makes_anew=makes_anew,
            )
            with self.database.apart(sections):
                prepared = self._run_locked(command, runner)
            return Result(tuple(runner.done), (), prepared.left, prepared.problems)

    def _run_locked(self, command: str, runner: Runner) -> Prepared:
        """A run that loses its lock waits for it once more, but not for ever."""
        lost = 0
        while True:
            try:
                with self.database.locked(command), self.database.backend.session.kept():
                    return runner.run()
            except LockLostError as error:
                lost += 1
                if lost == MOST_LOCKS:
                    raise
                self.database.backend.notice(f"{error} This run waits for it again.")
                self.database.renew()


def _checked(prepared: Prepared, problems: list[Problem], consequence: str) -> Prepared:
    """The plan with its warnings. Raises ProblemsError with every problem where one is an error."""
    everything = together(problems, prepared)
    if any(problem.is_error for problem in everything):
        raise ProblemsError(everything, consequence)
    return replace(prepared, problems=everything)


def _without_lock(prepare: Callable[[], Prepared], dry_run: bool) -> Prepared | None:
    """The plan as things stand; None where what looks incomplete may still be running."""
    try:
        return prepare()
    except ProblemsError as error:
        if dry_run or not any(problem.id is Rule.INCOMPLETE for problem in error.problems):
            raise
        return None
