from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

from ..backends.base.backend import Backend
from ..exceptions import HistoryError
from ..files.names import parse_version
from ..migration import Kind, Migration, Version
from ..models import AppliedMigration
from ..sql.redaction import shortened

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_YEAR = 1971  # a date that MySQL has none for is in 1970
_LAST_YEAR = 9998  # in which no time zone leads beyond what a datetime can be


@dataclass(frozen=True)
class ForeignMigration:
    """A migration that another tool has applied.

    `file_name` and `checksum` are as that tool wrote them, the checksum empty where it wrote none;
    `baseline` if the database was declared, or brought by one script, to be at `version`.
    """

    version: Version | None
    kind: Kind
    description: str
    file_name: str
    at: datetime
    checksum: str
    duration_ms: int = 0
    database_user: str = ""
    baseline: bool = False


class Difference(NamedTuple):
    """Lines of a file, from 1, that another tool silently did not run as they stand."""

    first: int
    last: int
    what: str


class ForeignHistory(ABC):
    """Another tool's history in one database, and how that tool reads a file. Writes nothing."""

    name: ClassVar[str]
    table: ClassVar[str]

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._faults: list[tuple[str, str]] = []  # the name of a file, and what is wrong

    def read(self) -> list[ForeignMigration]:
        """What is applied now, oldest first.

        Raises HistoryError where the table is missing, and with every row that cannot be taken
        over.
        """
        if not self.backend.introspection.has_table(self.table):
            settings = self.backend.connection.settings_dict
            raise HistoryError(
                f"The table {self.table}, the history of {self.name}, is not in the database"
                f" {str(settings['NAME'])!r} where this connection looks for it: name the alias"
                " of its database with --database."
            )
        self._faults.clear()
        rows = list(self.standing())
        for row in rows:
            self._refuse_too_long(row)
        if self._faults:
            said = "\n".join(f"{self.table}: {fault}" for _name, fault in self._faults)
            raise HistoryError(f"{said}\nNothing was imported.", path=self._faults[0][0])
        return rows

    @abstractmethod
    def standing(self) -> Iterator[ForeignMigration]:
        """The rows of the table for what is applied now, oldest first.

        What is wrong with one is said with `refuse`.
        """

    def refuse(self, file_name: str, fault: str) -> None:
        """Say why a row cannot be taken over; the others are still looked at."""
        self._faults.append((file_name, f"{file_name} {fault}"))

    def _refuse_too_long(self, row: ForeignMigration) -> None:
        given = {
            "version": str(row.version or ""),
            "description": row.description,
            "path": row.file_name,
            "checksum": self.recorded(row.checksum),
            "database_user": row.database_user,
        }
        for name, value in given.items():
            longest = getattr(AppliedMigration._meta.get_field(name), "max_length", None) or 0
            if len(value) > longest:
                what = name.replace("_", " ")
                fault = f"has a {what} of {len(value)} characters, and {longest} can be kept"
                self.refuse(shortened(row.file_name, 100), f"{fault}: shorten it there")

    @abstractmethod
    def checksum(self, text: str) -> str:
        """What the tool records for a file with this text."""

    def our_name(self, file_name: str) -> str:
        """The name or path with us of a file that has this one with the tool."""
        return file_name

    def as_read(self, kind: Kind, checksum: str, text: str) -> str | None:
        """The text as the tool read it when it ran; None where its checksum is another one.

        `text` is without its BOM.
        """
        for reading in self.readings(text):
            if checksum in ("", self.checksum(reading)):
                return reading
        return None

    def recorded(self, checksum: str) -> str:
        """The tool's checksum as our history has it."""
        return f"{self.name}:{checksum}" if checksum else ""

    def is_what_ran(self, migration: Migration, recorded: str) -> bool:
        """Whether a file has the tool's checksum, which our history has."""
        checksum = recorded.partition(":")[2]
        return any(self.checksum(reading) == checksum for reading in self.readings(migration.text))

    def readings(self, text: str) -> Iterator[str]:
        """How the tool may have read a file that has this text without its BOM."""
        yield text

    def differences(self, text: str) -> list[Difference]:
        """What the tool did otherwise than written when it ran the upgrade section of this text."""
        return []

    def instant(self, seconds: Any, file_name: str) -> datetime:
        """The point in time of a column's `epoch`."""
        try:
            found = _EPOCH + timedelta(microseconds=round(Decimal(str(seconds)) * 1_000_000))
        except (ArithmeticError, ValueError):
            self.refuse(file_name, "has no date that can be read: correct it there")
            return _EPOCH
        if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
            year = found.year
            self.refuse(file_name, f"has a date in the year {year}: correct it there")
        return found

    def milliseconds(self, value: Any, file_name: str) -> int:
        """How long it ran; 0 where the tool does not say."""
        try:
            return int(value or 0)
        except ValueError:
            said = f"ran for {shortened(str(value), 100)!r} ms, which is no number"
            self.refuse(file_name, f"{said}: correct it there")
            return 0

    def version(self, text: str, file_name: str) -> Version | None:
        version = parse_version(text)
        if version is None:
            self.refuse(
                file_name,
                f"has the version {shortened(text, 100)!r}, which is not made of digits with . or _"
                " between: correct it there and in the name of the file",
            )
        return version
