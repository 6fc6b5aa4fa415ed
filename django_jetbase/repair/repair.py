"""Change what the history says, deliberately and without running anything."""

from collections.abc import Iterable

from ..exceptions import HistoryError, MigrationFileError, TargetError
from ..files.names import migrations_of, parse_version
from ..history.recorded import Recorded
from ..migration import Applied, Direction, EventType, Kind, Migration, Origin, Version
from ..plan.inspection import Inspection, Skip
from ..plan.plan import Step, target_version
from ..plan.state import State
from ..results import Import, Validation
from .takeover import Takeover


class Repair:
    """Each act is one transaction that holds the lock. Raises LockError where that is another's."""

    def __init__(self, inspection: Inspection) -> None:
        self.inspection = inspection
        self.database = inspection.database
        self.preparation = inspection.preparation
        self.recorder = inspection.database.recorder

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
            problems = self.inspection.all_problems(found, state, skip)
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
        with self.database.recording("fix"):
            state = self.inspection.state(found, skip)
            lost = state.forgettable if files else []
            edited = state.acceptable if checksums else []
            self._forget(lost)
            self._accept(state, edited)
            problems = self.inspection.all_problems(found, self.inspection.state(found, skip), skip)
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
        wanted = target_version(version)
        files = self.inspection.files()
        with self.database.reading():
            self.inspection.refuse_faults(files, "Nothing was recorded.")
        with self.database.recording("baseline"):
            state = self.inspection.state(files)
            return self._baseline(state, wanted)

    def import_history(self, source: str, *, rename: bool = False) -> Import:
        """Take over the history of another tool, one of `FOREIGN_HISTORIES`; its tables stay.

        With `rename` files whose names are that tool's own get ours on disk. Raises HistoryError
        where our history says something else already.
        """
        takeover = Takeover(self.database, self.preparation, source)
        found = self.inspection.read()
        files = migrations_of(takeover.our_files(found))
        with self.database.reading():
            self.inspection.refuse_faults(files, "Nothing was imported.")
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

    # ---- inside a transaction

    def _forget(self, rows: Iterable[Applied]) -> None:
        """Let the history forget migrations whose files are missing."""
        for row in rows:
            self.recorder.write(self.recorder.forgotten(row))

    def _accept(self, state: State, migrations: Iterable[Migration]) -> None:
        """Record files as they now are. Raises ProblemsError where one cannot be parsed."""
        for migration in migrations:
            recorded = self.preparation.recorded_file(migration)
            self.recorder.write(self.recorder.accepted(recorded, state.by_key[migration.key]))

    def _baseline(self, state: State, version: Version) -> list[Recorded]:
        """Record the files up to a version; the version itself even where it has no file.

        Raises HistoryError where the history says something else.
        """
        files = [m for m in state.migrations if m.version and m.version <= version]
        if state.applied:
            self._check_agrees(state, files, version)
            return []
        records = [self.preparation.recorded_file(migration) for migration in files]
        if not any(migration.version == version for migration in files):
            records.append(Recorded(version.key, Kind.VERSIONED, version, "baseline"))
        for record in records:
            self.recorder.write(
                self.recorder.taken_over(record, EventType.BASELINE, Origin.BASELINE)
            )
        return records

    def _check_agrees(self, state: State, files: list[Migration], version: Version) -> None:
        complete = {row.key for row in state.applied if not row.incomplete}
        if state.current == version and all(m.key in complete for m in files):
            return
        raise HistoryError(
            f"The history is not empty and does not say that exactly the files up to {version} are"
            " applied; jetbase_status shows what it says. To record pending files without running"
            f" them use jetbase_upgrade --fake --to-version {version}.",
            version=str(version),
        )
