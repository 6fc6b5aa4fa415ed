"""Strings files, plan, execution and history together."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import DEFAULT_DB_ALIAS

from .backends.base.values import Holder
from .database import Database
from .exceptions import (
    JetbaseError,
    LockError,
    LockLostError,
    MigrationFileError,
    ProblemsError,
    TargetError,
)
from .files.disk import File
from .files.names import Files, migrations_of, parse_version
from .history.history import Past
from .history.recorder import Recorded
from .migration import Direction, Version, checksum_of_bytes
from .plan.inspection import Inspection, Skip, Texts
from .plan.plan import ZERO, Step, incomplete_problems, kept_problems, rollback_plan, upgrade_plan
from .plan.preparation import Planned, Preparation, Prepared
from .plan.state import State
from .problems import Problem, Rule
from .repair.repair import Repair
from .repair.takeover import Takeover
from .results import Detail, Import, LockStatus, Result, Status, Validation
from .run.announcement import Announcement
from .run.executor import Done, Executor, OvertakenError
from .run.offline import Offline

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
    ) -> None:
        self.database = Database(database, notice, lock_wait)
        self.history = self.database.history
        self.recorder = self.database.recorder
        self.preparation = Preparation(self.database)
        self.inspection = Inspection(self.database, self.preparation)
        self.report = report

    # ---- reading

    def status(self, skip: Skip | None = None) -> Status:
        """What is applied, pending and wrong. Writes nothing."""
        skip = self.inspection.with_settings(skip)
        with self.database.reading():
            files = self.inspection.files()
            state = self.inspection.state(files, skip)
            problems = self._problems(files, state, skip)
            entries = tuple(state.entries())
            place = self.database.tables.place
        return Status(entries, problems, tuple(state.pending), state.current, place)

    def _problems(self, files: Files, state: State, skip: Skip) -> tuple[Problem, ...]:
        """What an upgrade of everything that is pending would be told."""
        prepared = self.preparation.prepare(upgrade_plan(state))
        return _together(self.inspection.problems(files, state, skip), prepared)

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
            meant = [entry for entry in state.entries() if entry.subject.key == key]
            meant.sort(key=lambda entry: (entry.subject.path != path, entry.applied is None))
            entry = next(iter(meant), None)
            if entry is None and not events:
                return None
            if entry is None:
                texts = Texts(None, self.history.text_last_kept(key, longest))
                return Detail(events[-1].label, None, texts, (), events)
            paths = {known.path for known in (entry.migration, entry.applied) if known}
            problems = tuple(p for p in self._problems(files, state, skip) if p.path in paths)
            texts = self.inspection.texts(state, entry, longest)
        return Detail(entry.subject.label, entry, texts, problems, events)

    def is_at_least(self, version: str) -> bool:
        """Whether the version or a higher one is applied: one query, or two, and no file is read.

        Raises TargetError for what is no version.
        """
        wanted = _version(version)
        if wanted is None:
            raise TargetError("Name a version.")
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
        skip: Skip | None = None,
    ) -> Result:
        """Apply what is pending: versioned, then runs-on-change, then runs-always.

        Without `repeatables` versioned ones only. With `fake` it is recorded as applied and not
        run; with `resume` a file that stopped half-way goes on, where the history knows at which
        statement.
        """
        skip = self.inspection.with_settings(skip)
        target = _version(to_version)
        found = self.inspection.read()
        if count is None and target is None and self._is_settled(found):
            return Result()
        files = migrations_of(found)
        seen: int | None = None

        def prepare() -> Prepared:
            """Once more under the lock, where another run may have done some of it."""
            nonlocal seen
            state = self.inspection.state(files, skip, seen, resume=resume)
            seen = state.last if seen is None else seen
            plan = upgrade_plan(state, count, target, repeatables=repeatables)
            prepared = self.preparation.prepare(plan, fake=fake)
            return _checked(
                prepared, self.inspection.problems(files, state, skip), "Nothing was run."
            )

        return self._run("upgrade", prepare, dry_run)

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
            return known == {file.path: checksum_of_bytes(file.data) for file in files}
        except UnicodeDecodeError:
            return False

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
        target = ZERO if to_version == ZERO else _version(to_version)
        files = self.inspection.files()

        def prepare() -> Prepared:
            state = self.inspection.state(files)
            plan = rollback_plan(state, count, target)
            prepared = self.preparation.prepare(plan, fake=fake)
            problems = [*self.inspection.faults(files, state), *incomplete_problems(state)]
            problems += [] if fake else kept_problems(state, plan)
            return _checked(prepared, problems, "Nothing was rolled back.")

        return self._run("rollback", prepare, dry_run)

    def script(self, planned: Iterable[Planned]) -> str:
        """Steps that a dry run has planned as a script for the database's stock client.

        It records them as well. Raises MigrationFileError for what the client would not send.
        """
        with self.database.reading():
            return Offline(self.database, self.preparation).script(planned)

    def _run(self, command: str, prepare: Callable[[], Prepared], dry_run: bool) -> Result:
        """Plan; with something to do, lock, plan again and run.

        A run that loses its lock waits for it once more, but not for ever.
        """
        self.database.refuse_atomic()
        with self.database.autocommit():
            early = _without_lock(prepare, dry_run)
            if early and (dry_run or not early.planned):
                return Result((), early.planned, early.plan.left, early.problems)
            done: list[Done] = []
            for tries_left in reversed(range(MOST_LOCKS)):
                try:
                    prepared = self._run_locked(command, prepare, done)
                except LockLostError as error:
                    if not tries_left:
                        raise
                    self.database.dialect.notice(f"{error} This run waits for it again.")
                    self.database.renew()
                else:
                    return Result(tuple(done), (), prepared.plan.left, prepared.problems)
            raise AssertionError("the last try returns or raises")

    def _run_locked(
        self, command: str, prepare: Callable[[], Prepared], done: list[Done]
    ) -> Prepared:
        with self.database.locked(command), self.database.dialect.session():
            prepared = prepare()
            while not self._run_steps(prepared.planned, done):
                prepared = prepare()
            return prepared

    def _run_steps(self, planned: Iterable[Planned], done: list[Done]) -> bool:
        """Take the steps; False where another process overtook the plan."""
        database = self.database
        executor = Executor(
            *(database.dialect, database.lock, self.history, self.recorder),
            database.settings.retries,
        )
        try:
            for item in planned:
                done.append(self._run_step(executor, item))
                self.report(done[-1])
        except OvertakenError:
            return False
        except JetbaseError as error:
            error.done = tuple(done)
            raise
        return True

    def _run_step(self, executor: Executor, item: Planned) -> Done:
        """Take one step, and tell of it."""
        recorded = self.preparation.recorded(item.step)
        announcement = Announcement(type(self), self.database.alias, item.step)
        if item.section is None:
            done = executor.record(item.step, recorded, item.origin)
        else:
            with announcement.running():
                done = executor.run(item.step, recorded, item.section, resume=item.resume)
        announcement.done(done)
        return done

    def interrupt(self, error: BaseException) -> None:
        """Raise the error, at once or before the next statement: for the handler of a signal."""
        self.database.dialect.interrupt(error)

    def cancel(self) -> None:
        """Let the statement in progress fail; called in another thread. Raises database errors."""
        self.database.dialect.cancel()

    # ---- the lock

    def holder(self) -> Holder | None:
        """Who holds the lock, alive or not. Writes nothing and waits for nothing."""
        with self.database.reading():
            return self.database.lease.holder()

    def lock_status(self) -> LockStatus:
        """Who holds the lock. Writes nothing; waits some seconds for a sign of life if need be."""
        with self.database.reading():
            holder = self.database.lease.holder()
            return LockStatus(holder, holder is not None and self.database.lock.is_alive(holder))

    def unlock(self, holder: Holder, *, force: bool = False) -> None:
        """Take the lock away from its holder. Raises LockError where that is alive, unless forced.

        A run that loses its lock cannot record anything any more, and waits for it again.
        """
        self.database.refuse_atomic()
        with self.database.autocommit():
            if not force and self.database.lock.is_alive(holder):
                raise LockError(
                    f"{holder} is alive, so its lock stays; with --force its session is ended and"
                    " the lock removed.",
                    holder=holder,
                )
            self.database.lock.take_away(holder, self.database.lock_wait)

    # ---- validating and repairing

    def validate(
        self, *, files: bool = True, checksums: bool = True, fix: bool = False
    ) -> Validation:
        """What is wrong with the files, the checksums or both, whatever the settings skip.

        With `fix` the history forgets applied files that are missing, and accepts changed ones as
        they now are; everything else is left alone. While something is wrong with the files
        themselves nothing is fixed, since it is not known which of them are meant.
        """
        skip = Skip(checksums=not checksums, files=not files, order=not files)
        found = self.inspection.files()
        with self.database.reading():
            state = self.inspection.state(found, skip)
            problems = self._problems(found, state, skip)
            faults = self.inspection.faults(found, state)
        if (
            not fix
            or faults
            or not ((files and state.forgettable) or (checksums and state.acceptable))
        ):
            return Validation(problems)
        if not found.migrations:
            raise MigrationFileError(
                "There is no migration file at all, so nothing is fixed: see whether MIGRATIONS_DIR"
                " is right and there."
            )
        repair = Repair(self.recorder, self.preparation)
        with self.database.recording("fix"):
            state = self.inspection.state(found, skip)
            lost = state.forgettable if files else []
            edited = state.acceptable if checksums else []
            repair.forget(lost)
            repair.accept(state, edited)
            problems = self._problems(found, self.inspection.state(found, skip), skip)
        return Validation(problems, tuple(lost), tuple(edited))

    def resolve(self, version: str, *, applied: bool) -> None:
        """Record of an incomplete migration that it is applied, or that it is not."""
        files = self.inspection.files()
        with self.database.recording("resolve"):
            state = self.inspection.state(files)
            wanted = parse_version(version)
            rows = (row for row in state.applied if row.incomplete)
            row = next(
                (r for r in rows if r.path == version or (wanted and r.version == wanted)), None
            )
            if row is None:
                raise TargetError(f"{version} is not incomplete: nothing to do.", version=version)
            file = state.file_begun(row)
            recorded = self.preparation.recorded(Step(Direction.UPGRADE, file, row))
            self.recorder.write(self.recorder.resolved(recorded, row, applied))

    def baseline(self, version: str) -> list[Recorded]:
        """Record that the database is at a version, without running anything.

        Returns what was recorded, nothing where the history agrees already. Raises HistoryError
        where it does not.
        """
        wanted = _version(version)
        assert wanted is not None  # given
        files = self.inspection.files()
        with self.database.reading():
            self._refuse_faults(files, "Nothing was recorded.")
        with self.database.recording("baseline"):
            state = self.inspection.state(files)
            return Repair(self.recorder, self.preparation).baseline(state, wanted)

    def import_history(self, source: str, *, rename: bool = False) -> Import:
        """Take over the history of another tool, one of `FOREIGN_HISTORIES`; its tables stay.

        With `rename` files whose names are that tool's own get ours on disk. Raises HistoryError
        where our history says something else already.
        """
        takeover = Takeover(self.database, self.preparation, source)
        found = self.inspection.read()
        files = migrations_of(takeover.our_files(found))
        with self.database.reading():
            self._refuse_faults(files, "Nothing was imported.")
            matches = takeover.matches(files.migrations)
        with self.database.recording("import"):
            recorded = takeover.record(self.inspection.state(files), matches)
            problems = [
                *takeover.differences(matches),
                *self.inspection.problems(files, self.inspection.state(files), Skip()),
            ]
        names = tuple(takeover.names(found))
        if rename:
            takeover.rename(found)
        done, left = (names, ()) if rename else ((), names)
        return Import(tuple(recorded), tuple(problems), done, left)

    def _refuse_faults(self, files: Files, consequence: str) -> None:
        state = self.inspection.state(files)
        if faults := self.inspection.faults(files, state) + self.inspection.another_history(state):
            raise ProblemsError(faults, consequence)


def _checked(prepared: Prepared, problems: list[Problem], consequence: str) -> Prepared:
    """The plan with its warnings. Raises ProblemsError with every problem where one is an error."""
    everything = _together(problems, prepared)
    if any(problem.is_error for problem in everything):
        raise ProblemsError(everything, consequence)
    return Prepared(prepared.plan, prepared.planned, everything)


def _together(problems: list[Problem], prepared: Prepared) -> tuple[Problem, ...]:
    """Each problem once."""
    return tuple(dict.fromkeys([*problems, *prepared.problems]))


def _without_lock(prepare: Callable[[], Prepared], dry_run: bool) -> Prepared | None:
    """The plan as things stand; None where what looks incomplete may still be running."""
    try:
        return prepare()
    except ProblemsError as error:
        if dry_run or not any(problem.id is Rule.INCOMPLETE for problem in error.problems):
            raise
        return None


def _version(text: Any) -> Version | None:
    if text is None:
        return None
    version = parse_version(text) if isinstance(text, str) else None
    if version is None:
        raise TargetError(f"{text!r} is no version: use digits separated by '.' or '_'.")
    return version
