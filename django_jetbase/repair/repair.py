"""Change what the history says, deliberately and without running anything."""

from collections.abc import Iterable

from ..exceptions import HistoryError
from ..history.recorder import BASELINE, Recorded, Recorder
from ..migration import Applied, Kind, Migration, Origin, Version
from ..plan.preparation import Preparation
from ..plan.state import State


class Repair:
    """Works inside a transaction of the caller's, which holds the lock."""

    def __init__(self, recorder: Recorder, preparation: Preparation) -> None:
        self.recorder = recorder
        self.preparation = preparation

    def forget(self, rows: Iterable[Applied]) -> None:
        """Let the history forget migrations whose files are missing."""
        for row in rows:
            self.recorder.write(self.recorder.forgotten(row))

    def accept(self, state: State, migrations: Iterable[Migration]) -> None:
        """Record files as they now are. Raises ProblemsError where one cannot be parsed."""
        for migration in migrations:
            recorded = self.preparation.recorded_file(migration)
            self.recorder.write(self.recorder.accepted(recorded, state.by_key[migration.key]))

    def baseline(self, state: State, version: Version) -> list[Recorded]:
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
            self.recorder.write(self.recorder.taken_over(record, BASELINE, Origin.BASELINE))
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
