"""Put the files and the history of a database side by side, and find what is wrong."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..database import Database
from ..exceptions import ProblemsError
from ..files.disk import File, read_files
from ..files.names import Files, migrations_of
from ..migration import Applied, Kind
from ..problems import Problem
from .plan import upgrade_plan
from .preparation import Preparation, Prepared
from .state import Entry, OutOfOrder, State
from .validation import (
    adopted_problems,
    ahead_problems,
    another_history_problems,
    checksum_problems,
    duplicate_problems,
    file_problems,
    incomplete_problems,
    lost_record_problems,
    order_problems,
    starting_over_problems,
    unmade_problems,
)


@dataclass(frozen=True)
class Skip:
    """The validations that are not made."""

    checksums: bool = False
    files: bool = False
    order: bool = False
    another_history: bool = False  # by an option of this one run
    lost_records: bool = False


class Texts(NamedTuple):
    """Of a migration on disk, as it was applied, and the section that a rollback would run.

    `is_cut` where what was applied is too long to be read, so that the section is not known.
    """

    on_disk: str | None
    applied: str | None
    rollback: str | None = None
    is_cut: bool = False


class Inspection:
    """Looks at one database. Reads its files when asked to, its history at every look."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.tables = database.tables
        self.settings = database.settings
        self.history = database.history
        self.preparation = Preparation(database)

    def read(self) -> list[File]:
        return read_files(self.settings.migrations_dir)

    def files(self) -> Files:
        return migrations_of(self.read())

    def state(
        self,
        files: Files,
        skip: Skip | None = None,
        seen: int | None = None,
        *,
        resume: bool = False,
        repeat: frozenset[str] = frozenset(),
    ) -> State:
        usual = OutOfOrder.IGNORE if skip and skip.files else OutOfOrder.ERROR
        applied = self.history.read()
        makes = any(row.kind is Kind.RUNS_ON_CHANGE for row in applied)
        return State(
            files.migrations,
            applied,
            self.preparation.is_changed,
            OutOfOrder(self.settings.out_of_order or usual),
            files.unreadable,
            seen,
            resume,
            repeat,
            self.history.unmade() if makes else {},
            self._renamed(files, applied),
        )

    def _renamed(self, files: Files, applied: Iterable[Applied]) -> dict[str, Applied]:
        """By key of a repeatable file the row that it has under its name of before.

        Where more than the name is another, it is another file. None is parsed unless one is gone.
        """
        known = {migration.key for migration in files.migrations}
        rows = [row for row in applied if not row.version and row.path and not row.incomplete]
        gone = {row.path: row for row in rows if row.key not in known | files.unreadable}
        keys = {row.key for row in rows}
        found: dict[str, Applied] = {}
        for migration in files.migrations if gone else ():
            if migration.version or migration.key in keys:
                continue
            row = gone.get(self.preparation.was(migration) or "")
            if (
                row
                and row.kind is migration.kind
                and not self.preparation.is_changed(migration, row)
            ):
                found[migration.key] = row
        return found

    def texts(self, state: State, entry: Entry, longest: int) -> Texts:
        """Of what was applied no more than one character beyond the `longest`."""
        row, file = entry.applied, entry.migration
        applied = self.history.text_of(row, longest) if row else None
        found = Texts(file.text if file else None, applied)
        holds = state.file_that_ran(row) if row else file
        text = holds.text if holds else applied
        if text is None or not entry.subject.version:
            return found
        if not holds and len(text) > longest:
            return found._replace(is_cut=True)
        return found._replace(
            rollback=self.preparation.parsed(entry.subject.path, text).rollback_text
        )

    def faults(self, files: Files, state: State) -> list[Problem]:
        """What is wrong with the files alone; those that were applied as they are had nothing.

        While the history may be another project's, nothing is compared with it either.
        """
        problems = [*files.problems, *duplicate_problems(files.migrations)]
        if self.tables.is_adopted:
            problems += adopted_problems(state, self.tables.place)
        for migration in state.unequal:
            problems += self.preparation.script(migration).problems
        return problems

    def problems(self, files: Files, state: State, skip: Skip) -> list[Problem]:
        """All at once, of files and history."""
        problems = self.faults(files, state)
        problems += [*incomplete_problems(state), *starting_over_problems(state)]
        problems += [*ahead_problems(state), *unmade_problems(state)]
        if not skip.files:
            problems += file_problems(state)
        if not skip.another_history:
            problems += self.another_history(state)
        if not skip.lost_records:
            problems += self.lost_records(state)
        if not skip.order:
            problems += order_problems(state)
        if not skip.checksums:
            problems += checksum_problems(state)
        return problems

    def all_problems(self, files: Files, state: State, skip: Skip) -> tuple[Problem, ...]:
        """What an upgrade of everything that is pending would be told."""
        return together(self.problems(files, state, skip), self.prepared(state))

    def prepared(self, state: State) -> Prepared:
        """What an upgrade of everything that is pending would do."""
        return self.preparation.prepare(upgrade_plan(state, needs=self.preparation.needs))

    def refuse_faults(self, files: Files, consequence: str) -> None:
        """Raise ProblemsError where something is wrong with the files alone."""
        state = self.state(files)
        if faults := self.faults(files, state) + self.another_history(state):
            raise ProblemsError(faults, consequence)

    def another_history(self, state: State) -> list[Problem]:
        """What another one says has run, where ours is empty."""
        if state.applied:
            return []
        found = self.history.elsewhere()
        return another_history_problems(state, found, self.preparation.upgrade_checksum)

    def lost_records(self, state: State) -> list[Problem]:
        """What the log says is applied, where nothing else does."""
        versioned = any(migration.version for migration in state.migrations)
        if not versioned or any(row.version for row in state.applied):
            return []
        found = lost_record_problems(state, self.history.logged())
        # Another run may have recorded it since the state was read.
        return [] if found and any(row.version for row in self.history.read()) else found

    def with_settings(self, skip: Skip | None) -> Skip:
        """What the settings skip as well."""
        skip, settings = skip or Skip(), self.settings
        return replace(
            skip,
            checksums=skip.checksums
            or settings.skip_validation
            or settings.skip_checksum_validation,
            files=skip.files or settings.skip_validation or settings.skip_file_validation,
        )


def together(problems: Iterable[Problem], prepared: Prepared) -> tuple[Problem, ...]:
    """Those of the files and the history and those of the plan, each once."""
    return tuple(dict.fromkeys([*problems, *prepared.problems]))
