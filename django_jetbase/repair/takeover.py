"""Take over the history of another tool."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..database import Database
from ..exceptions import HistoryError, MigrationFileError
from ..files.disk import File
from ..history.recorded import Recorded
from ..interop import ForeignMigration, foreign_history
from ..migration import EventType, Kind, Migration, Origin, Version, migration_key
from ..models import utc_text
from ..plan.preparation import Preparation
from ..plan.state import State
from ..problems import Problem, Rule


class Match(NamedTuple):
    """What the other tool has applied, its file, and the file's text if it is still the same."""

    row: ForeignMigration
    file: Migration | None
    text: str | None


class Takeover:
    """Reads the other tool's history and writes ours, in a transaction that the caller opens."""

    def __init__(self, database: Database, preparation: Preparation, source: str) -> None:
        self.recorder = database.recorder
        self.preparation = preparation
        self.source = foreign_history(source, database.backend)

    # ---- files and rows

    def our_files(self, files: Iterable[File]) -> list[File]:
        """The files under the names they have with us."""
        ours = self.source.our_name
        return [file._replace(name=ours(file.name), path=ours(file.path)) for file in files]

    def matches(self, files: Iterable[Migration]) -> list[Match]:
        """What the other tool has applied, oldest first."""
        known: dict[object, Migration] = {}
        for file in files:
            for identity in _identities(file.version, file.kind, file.path):
                known.setdefault(identity, file)
        return [self._match(row, known) for row in self.source.read()]

    def _match(self, row: ForeignMigration, known: Mapping[object, Migration]) -> Match:
        identities = _identities(row.version, row.kind, self._our_path(row))
        file = next((known[identity] for identity in identities if identity in known), None)
        return Match(row, file, self._as_read(row, file) if file else None)

    def _as_read(self, row: ForeignMigration, file: Migration) -> str | None:
        return self.source.as_read(row.kind, row.checksum, file.text)

    def _our_path(self, row: ForeignMigration) -> str:
        return self.source.our_name(row.file_name.replace("\\", "/"))

    # ---- recording

    def record(self, state: State, matches: Iterable[Match]) -> list[Recorded]:
        """Record what is applied, in its order and with its dates.

        Nothing where our history has it already. Raises HistoryError where that says otherwise.
        """
        records = [(match.row, self._recorded(match)) for match in matches]
        self._check_single(records)
        if state.applied:
            self._check_agrees(state, [record for _row, record in records])
            return []
        covered = self._covered(state, records)
        for record in covered:
            self.recorder.write(
                self.recorder.taken_over(
                    record, EventType.IMPORTED, Origin.BASELINE, detail=self._detail
                )
            )
        for row, record in records:
            self._insert(row, record)
        return [*covered, *(record for _row, record in records)]

    def _covered(
        self, state: State, records: Iterable[tuple[ForeignMigration, Recorded]]
    ) -> list[Recorded]:
        """The files below a baseline, which the other tool never ran and never will."""
        versions = (row.version for row, _record in records if row.baseline)
        baseline = max(filter(None, versions), default=None)
        known = {record.key for _row, record in records}
        return [
            self.preparation.recorded_file(file)
            for file in state.migrations
            if baseline and file.version and file.version < baseline and file.key not in known
        ]

    def _check_single(self, records: Iterable[tuple[ForeignMigration, Recorded]]) -> None:
        rows: dict[str, ForeignMigration] = {}
        for row, record in records:
            other = rows.setdefault(record.key, row)
            if other is not row:
                raise HistoryError(
                    f"{self.source.table} has {other.file_name} and {row.file_name}, which are the"
                    f" same migration here ({record.version or record.path}): give one of them"
                    " another version or name, in that table and on disk.",
                    path=row.file_name,
                )

    @property
    def _detail(self) -> str:
        return f"from {self.source.table}"

    def _check_agrees(self, state: State, records: Iterable[Recorded]) -> None:
        lacking = [record for record in records if record.key not in state.by_key]
        if lacking:
            names = ", ".join(record.path or str(record.version) for record in lacking)
            raise HistoryError(
                f"The history is not empty and lacks {names} of {self.source.table}, which can be"
                " imported into an empty history only. To record files without running them use"
                " jetbase_upgrade --fake."
            )

    def _recorded(self, match: Match) -> Recorded:
        """As the file is now; with the other tool's checksum if that is not what ran."""
        row, file, text = match
        if file and text is not None:
            return self.preparation.recorded_file(file)
        path = file.path if file else self._our_path(row)
        if row.baseline and not file:
            path = ""
        theirs = self.source.recorded(row.checksum)
        key = migration_key(row.version, path)
        return Recorded(key, row.kind, row.version, row.description, path, theirs, theirs)

    def _insert(self, row: ForeignMigration, record: Recorded) -> None:
        origin = Origin.BASELINE if row.baseline else Origin.IMPORT
        values = {
            "at": utc_text(row.at),
            "duration_ms": row.duration_ms,
            "database_user": row.database_user,
            "host": "",
        }
        self.recorder.write(
            self.recorder.taken_over(record, EventType.IMPORTED, origin, values, self._detail)
        )

    def differences(self, matches: Iterable[Match]) -> Iterator[Problem]:
        """The lines of unchanged files that did not run there as they are written."""
        for _row, file, text in matches:
            for first, last, what in self.source.differences(text) if text is not None else ():
                assert file is not None  # it has a text
                yield Problem(
                    Rule.NOT_RUN_AS_WRITTEN,
                    file.path,
                    f"with {self.source.name} {_lines(first, last)} {what}",
                    "see what the database lacks, and write a new migration that mends it",
                    line=first,
                    version=str(file.version or "") or None,
                )

    # ---- names on disk

    def names(self, files: Iterable[File]) -> list[tuple[str, str]]:
        """The paths that have another name with us, each with that one."""
        pairs = ((file.path, self.source.our_name(file.path)) for file in files)
        return [(theirs, ours) for theirs, ours in pairs if theirs != ours]

    def rename(self, files: Iterable[File]) -> None:
        """Give files on disk our names; that no two get the same was checked before."""
        for file in files:
            place = Path(file.place)
            try:
                place.rename(place.with_name(self.source.our_name(file.name)))
            except OSError as error:
                raise MigrationFileError(
                    f"{file.path}: cannot be renamed: {error.strerror}. The history is imported;"
                    " rename the file by hand.",
                    path=file.path,
                ) from error


def _identities(version: Version | None, kind: Kind, path: str) -> list[object]:
    """By what the same file is known: its version; else its path, or its name in any folder."""
    if version:
        return [version]
    return [(kind, "path", path), (kind, "name", PurePosixPath(path).name)]


def _lines(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first} to {last}"
