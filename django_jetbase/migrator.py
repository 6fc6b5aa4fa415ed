"""Strings files, plan, execution and history together."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby

from django.db import DEFAULT_DB_ALIAS

from .database import Database
from .exceptions import (
    JetbaseError,
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
from .plan.makers import makers_of
from .plan.plan import (
    ZERO,
    incomplete_problems,
    kept_problems,
    keys_to_repeat,
    rollback_plan,
    target_version,
    upgrade_plan,
)
from .plan.preparation import Planned, Prepared
from .plan.state import State
from .problems import Problem, Rule
from .results import Detail, Result, Status
from .run.announcement import Announcement
from .run.done import Done
from .run.executor import Executor
from .run.offline import Offline
from .run.task import OvertakenError, PostponedError

_MOST_ROUNDS = 3  # in which a run makes anew what it has taken away
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
        self._makers: Callable[[str], Sequence[Migration]] = lambda name: ()
        self._repeats = False  # whether there are files that run on change

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
        self._makers = partial(makers_of, migrations=files.migrations)
        self._repeats = any(file.kind is Kind.RUNS_ON_CHANGE for file in files.migrations)
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

        return self._run("upgrade", prepare, dry_run, makes_anew=not fake)

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
        self._makers = partial(makers_of, migrations=files.migrations)

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

    def _run(
        self,
        command: str,
        prepare: Callable[[], Prepared],
        dry_run: bool,
        *,
        makes_anew: bool = False,
    ) -> Result:
        """Plan; with something to do, lock, plan again and run.

        With `makes_anew` what repeatable files have made, and other steps take away, comes back.
        """
        self.database.refuse_atomic()
        with self.database.autocommit():
            early = _without_lock(prepare, dry_run)
            if early and (dry_run or not early.planned):
                return Result((), early.planned, early.left, early.problems)
            sections = [item.section for item in early.planned if item.section] if early else None
            with self.database.apart(sections):
                return self._run_until_done(command, prepare, makes_anew=makes_anew)

    def _run_until_done(
        self, command: str, prepare: Callable[[], Prepared], *, makes_anew: bool
    ) -> Result:
        """A run that loses its lock waits for it once more, but not for ever."""
        done: list[Done] = []
        lost = 0
        while True:
            try:
                prepared = self._run_locked(command, prepare, done, makes_anew=makes_anew)
            except LockLostError as error:
                lost += 1
                if lost == MOST_LOCKS:
                    raise
                self.database.backend.notice(f"{error} This run waits for it again.")
                self.database.renew()
            else:
                return Result(tuple(done), (), prepared.left, prepared.problems)

    def _run_locked(
        self,
        command: str,
        prepare: Callable[[], Prepared],
        done: list[Done],
        *,
        makes_anew: bool,
    ) -> Prepared:
        with self.database.locked(command), self.database.backend.session.kept():
            again: Callable[[], list[Planned]] = partial(self._taken_away, prepare)
            prepared = prepare()
            makes_anew = makes_anew and self._repeats
            if not makes_anew or prepared.left:
                again = list
            while not self._run_steps(prepared.planned, done, again):
                prepared = prepare()
            for _round in range(_MOST_ROUNDS):  # since files may do that to each other, for ever
                if not (planned := again()):
                    break
                self._run_steps(planned, done, again)
            if makes_anew and (unmade := self.history.unmade()):
                names = ", ".join(name for names in unmade.values() for name in names)
                self.database.backend.notice(f"{names}: not there as a ROC file made it.")
            return prepared

    def _taken_away(self, prepare: Callable[[], Prepared]) -> list[Planned]:
        """The repeatable files that are due since this run has taken away what they made."""
        unmade = self.history.unmade()
        planned = prepare().planned if unmade else ()
        again = [item for item in planned if item.step.subject.key in unmade]
        for item in again:
            names = ", ".join(unmade[item.step.subject.key])
            self.database.backend.notice(f"{item.step.path} runs again: {names} is gone.")
        return again

    def _run_steps(
        self, planned: Iterable[Planned], done: list[Done], again: Callable[[], list[Planned]]
    ) -> bool:
        """Take the steps; False where another process overtook the plan.

        `again` gives the repeatable files of which the steps have taken away what they made.
        """
        executor = Executor(self.database, self._makers)
        try:
            for kind, items in groupby(planned, key=lambda item: item.step.subject.kind):
                if kind is Kind.VERSIONED:
                    self._run_all(executor, items, done)
                else:
                    self._run_in_some_order(executor, items, done, again)
        except OvertakenError:
            return False
        except JetbaseError as error:
            error.done = tuple(done)
            raise
        return True

    def _run_all(self, executor: Executor, items: Iterable[Planned], done: list[Done]) -> None:
        for item in items:
            done.append(self._run_step(executor, item))
            self.report(done[-1])

    def _run_in_some_order(
        self,
        executor: Executor,
        items: Iterable[Planned],
        done: list[Done],
        again: Callable[[], list[Planned]],
    ) -> None:
        """One for which something is missing comes again behind the others, which may make it.

        Among them those of which this run has taken away what they made.
        """
        queue = list(items)
        while queue:
            waiting: list[Planned] = []
            for item in queue:
                may_wait = len(queue) > 1 or (again is not list and self._lacks_others(item))
                try:
                    step = self._run_step(executor, item, may_wait=may_wait)
                except PostponedError as error:
                    said = str(error).splitlines()[0]
                    if len(queue) > 1:
                        where = item.step.path
                        self.database.backend.notice(f"{where}: {said}; it waits for others.")
                    waiting.append(self._again(item))
                else:
                    done.append(step)
                    self.report(step)
            if len(waiting) == len(queue):  # nothing moves
                known = {item.step.path for item in queue}
                others = [item for item in again() if item.step.path not in known]
                if not others:  # this one fails now
                    self._run_all(executor, waiting[:1], done)
                    del waiting[0]
                waiting = [*others, *waiting]
            queue = waiting

    def _lacks_others(self, item: Planned) -> bool:
        """Whether other files must make anew what may be what this one misses."""
        return any(key != item.step.subject.key for key in self.history.unmade())

    def _again(self, item: Planned) -> Planned:
        """The same step as things now are: where it is no transaction, some of it may be there."""
        row = self.history.row(item.step.subject.key)
        return replace(item, step=replace(item.step, applied=row))

    def _run_step(self, executor: Executor, item: Planned, *, may_wait: bool = False) -> Done:
        """Take one step, and tell of it."""
        recorded = self.preparation.recorded(item.step)
        announcement = Announcement(type(self), self.database.alias, item.step)
        if item.section is None:
            done = executor.record(item.step, recorded, item.origin)
        else:
            with announcement.running():
                done = executor.run(item.step, recorded, item.section, may_wait=may_wait)
        announcement.done(done)
        return done


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
