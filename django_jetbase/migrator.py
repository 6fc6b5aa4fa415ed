"""Strings files, plan, execution and history together: the public API."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections

from .conf import Settings
from .dialects import dialect_of
from .exceptions import AtomicError, HistoryError, Problem, ProblemsError, TargetError
from .executor import Done, Executor, OvertakenError
from .files import parse_version, read_migrations
from .history import History, Past, Recorded, recorded, recorded_again
from .migration import Applied, Direction, Migration, Version, checksum, upgrade_order
from .plan import (
    INCOMPLETE,
    ZERO,
    Plan,
    State,
    Step,
    checksum_problems,
    duplicate_problems,
    file_problems,
    incomplete_problems,
    rollback_plan,
    upgrade_plan,
)
from .results import Entry, Planned, Result, Skip, Status
from .script import Script, Section, parse


class Migrator:
    """Migrates one database. `report` hears of each step as it is taken, `notice` what the
    database says besides results."""

    def __init__(
        self,
        database: str = DEFAULT_DB_ALIAS,
        *,
        report: Callable[[Done], None] = lambda done: None,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.settings = Settings.of(database)
        self.connection = connections[database]
        self.dialect = dialect_of(self.connection, notice)
        self.history = History(self.dialect, self.settings.history_text_limit)
        self.report = report
        self._scripts: dict[str, Script] = {}

    # ---- reading

    def status(self, skip: Skip | None = None) -> Status:
        """What is applied, pending and wrong. Writes nothing."""
        state = self._state()
        pending = state.pending()
        ignored = {migration.key for migration in state.out_of_order()}
        due = {migration.key for migration in pending}
        rows = state.by_key

        def kind_of(migration: Migration) -> str:
            row = rows.get(migration.key)
            if row is None:
                return "ignored" if migration.key in ignored else "pending"
            if row.incomplete:
                return "incomplete"
            if migration.version and state.changed(migration, row):
                return "changed"
            return "pending" if migration.key in due and not row.is_runs_always else "applied"

        entries = [
            Entry(kind_of(migration), migration, rows.get(migration.key))
            for migration in upgrade_order(list(state.migrations))
        ]
        missing = [
            Entry("missing", None, r) for r in rows.values() if r.key not in state.files_by_key
        ]
        return Status(
            (*missing, *entries),
            tuple(self._problems(state, self._skip(skip))),
            tuple(pending),
            state.current,
        )

    def events(self) -> list[Past]:
        """Everything that ever happened, oldest first."""
        return self.history.events()

    def current(self) -> Version | None:
        """The highest applied version."""
        return State((), self.history.read(), self._is_changed).current

    # ---- running

    def upgrade(
        self,
        count: int | None = None,
        to_version: str | None = None,
        *,
        dry_run: bool = False,
        skip: Skip | None = None,
    ) -> Result:
        """Apply what is pending: versioned, then runs-on-change, then runs-always."""
        skip = self._skip(skip)
        target = _version(to_version)

        def plan(state: State) -> Plan:
            problems = self._problems(state, skip)
            if problems:
                raise ProblemsError(problems, "Nothing was run.")
            return upgrade_plan(state, count, target)

        return self._run(plan, read_migrations(self.settings.migrations_dir), dry_run)

    def rollback(
        self, count: int | None = None, to_version: str | None = None, *, dry_run: bool = False
    ) -> Result:
        """Undo the last `count` versions, or all above `to_version`; `zero` undoes all."""
        target = ZERO if to_version == ZERO else _version(to_version)

        def plan(state: State) -> Plan:
            problems = duplicate_problems(state.migrations) + incomplete_problems(state)
            if problems:
                raise ProblemsError(problems, "Nothing was rolled back.")
            return rollback_plan(state, count, target)

        return self._run(plan, read_migrations(self.settings.migrations_dir), dry_run)

    def resolve(self, version: str, *, applied: bool) -> None:
        """Record of an incomplete migration that it is applied, or that it is not."""
        self._refuse_atomic()
        with self._autocommit(), self.dialect.lock(self.settings.lock_wait):
            state = self._state()
            wanted = parse_version(version)
            rows = (row for row in state.applied if row.incomplete)
            row = next(
                (r for r in rows if r.path == version or (wanted and r.version == wanted)), None
            )
            if row is None:
                raise TargetError(f"{version} is not incomplete: nothing to do.", version=version)
            step = Step(Direction.UPGRADE, state.files_by_key.get(row.key), row)
            with self.dialect.transaction():
                self.history.execute(self.history.resolved(self._recorded(step), row, applied))

    def _run(
        self, make: Callable[[State], Plan], migrations: list[Migration], dry_run: bool
    ) -> Result:
        """Plan; with something to do, lock, plan again and run."""
        self._refuse_atomic()
        with self._autocommit():
            early = self._plan_without_lock(make, migrations, dry_run)
            if early and (dry_run or not early.steps):
                return Result(planned=tuple(self._prepare(early)), left=early.left)
            done: list[Done] = []
            with self.dialect.lock(self.settings.lock_wait):
                self._create_history()
                with self.dialect.session():
                    while not self._run_plan(plan := make(self._state(migrations)), done):
                        pass
            return Result(done=tuple(done), left=plan.left)

    def _plan_without_lock(
        self, make: Callable[[State], Plan], migrations: list[Migration], dry_run: bool
    ) -> Plan | None:
        """The plan as things stand; None where what looks incomplete may still be running."""
        try:
            return make(self._state(migrations))
        except ProblemsError as error:
            if dry_run or not any(problem.id == INCOMPLETE for problem in error.problems):
                raise
            return None

    def _run_plan(self, plan: Plan, done: list[Done]) -> bool:
        """Run the steps; False where another process overtook the plan."""
        executor = Executor(self.dialect, self.history)
        planned = self._prepare(plan)
        try:
            for item in planned:
                done.append(executor.run(item.step, self._recorded(item.step), item.section))
                self.report(done[-1])
        except OvertakenError:
            return False
        return True

    def _create_history(self) -> None:
        if self.history.exists():
            return
        with self.dialect.transaction():
            if not self.history.exists():
                self.history.create()

    def _prepare(self, plan: Plan) -> list[Planned]:
        """Read, scan and check the whole of what will run before any of it does."""
        planned: list[Planned] = []
        problems: list[Problem] = []
        for step in plan.steps:
            try:
                section = self._section(step)
            except ProblemsError as error:
                problems += error.problems
                continue
            planned.append(Planned(step, section))
            problems += self._obstacles(step, section)
        if problems:
            raise ProblemsError(problems, "Nothing was run.")
        return planned

    def _section(self, step: Step) -> Section:
        script = self._script_of(step)
        if step.direction is Direction.UPGRADE:
            return script.upgrade
        if script.rollback is None:
            message = "has no rollback section; write one below a line -- rollback"
            raise ProblemsError(
                [Problem("no-rollback", message, step.path, version=str(step.subject.version))]
            )
        return script.rollback

    def _script_of(self, step: Step) -> Script:
        if step.migration:
            return self._script(step.migration)
        assert step.applied is not None  # a step has one of the two
        text = self.history.text_of(step.applied)
        if text is None:
            raise HistoryError(
                f"{step.path}: its file is missing and the history has not kept its text;"
                " put the file back.",
                path=step.path,
            )
        return parse(step.path, text, self.dialect.lexicon)

    def _obstacles(self, step: Step, section: Section) -> Iterator[Problem]:
        for statement in section.statements:
            if reason := self.dialect.obstacle(statement, section):
                yield Problem("obstacle", reason, step.path, statement.line, statement.column)

    def _recorded(self, step: Step) -> Recorded:
        if step.migration:
            upgrade_text = self._script(step.migration).upgrade_text
            return recorded(step.migration, checksum(upgrade_text))
        assert step.applied is not None  # a step has one of the two
        return recorded_again(step.applied, self.history.text_of(step.applied))

    # ---- state and problems

    def _state(self, migrations: list[Migration] | None = None) -> State:
        if migrations is None:
            migrations = read_migrations(self.settings.migrations_dir)
        return State(migrations, self.history.read(), self._is_changed)

    def _problems(self, state: State, skip: Skip) -> list[Problem]:
        problems = duplicate_problems(state.migrations) + incomplete_problems(state)
        if not skip.files:
            problems += file_problems(state)
        if not skip.checksums:
            problems += checksum_problems(state)
        return problems

    def _is_changed(self, migration: Migration, row: Applied) -> bool:
        """Whether the upgrade section differs; files whose whole text is equal are not scanned."""
        if migration.checksum == row.checksum:
            return False
        try:
            upgrade_text = self._script(migration).upgrade_text
        except ProblemsError:
            return True
        return checksum(upgrade_text) != row.upgrade_checksum

    def _script(self, migration: Migration) -> Script:
        if migration.path not in self._scripts:
            self._scripts[migration.path] = parse(
                migration.path, migration.text, self.dialect.lexicon
            )
        return self._scripts[migration.path]

    def _skip(self, skip: Skip | None) -> Skip:
        skip = skip or Skip()
        settings = self.settings
        return Skip(
            skip.checksums or settings.skip_validation or settings.skip_checksum_validation,
            skip.files or settings.skip_validation or settings.skip_file_validation,
        )

    # ---- the connection

    def _refuse_atomic(self) -> None:
        if self.connection.in_atomic_block:
            raise AtomicError("Migrations commit, so they cannot run inside an atomic() block.")
        if not self.connection.get_autocommit() and self.dialect.has_open_work():
            raise AtomicError("Migrations commit, so end the transaction that is open first.")

    @contextmanager
    def _autocommit(self) -> Iterator[None]:
        self.connection.ensure_connection()
        before = self.connection.get_autocommit()
        if not before:
            self.connection.set_autocommit(True)
        try:
            yield
        finally:
            if not before and self.connection.connection is not None:
                self.connection.set_autocommit(False)


def _version(text: str | None) -> Version | None:
    if text is None:
        return None
    version = parse_version(text)
    if version is None:
        raise TargetError(f"{text!r} is no version: use digits separated by '.' or '_'.")
    return version
