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

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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

    def read(self) -> list[ForeignMigration]:
        """What is applied now, oldest first.

        Raises HistoryError where the table is missing or says what cannot be taken over.
        """
        if not self.backend.introspection.has_table(self.table):
            settings = self.backend.connection.settings_dict
            raise HistoryError(
                f"The table {self.table}, the history of {self.name}, is not in the database"
                f" {str(settings['NAME'])!r} where this connection looks for it: name the alias"
                " of its database with --database."
            )
        return list(self.standing())

    @abstractmethod
    def standing(self) -> Iterator[ForeignMigration]:
        """The rows of the table for what is applied now, oldest first."""

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
            return _EPOCH + timedelta(microseconds=round(Decimal(str(seconds)) * 1_000_000))
        except (ArithmeticError, ValueError) as error:
            raise HistoryError(
                f"{self.table} has no date for {file_name} that can be read: correct it there.",
                path=file_name,
            ) from error

    def version(self, text: str, file_name: str) -> Version:
        version = parse_version(text)
        if version is None:
            raise HistoryError(
                f"{self.table} gives {file_name} the version {text!r}, which is not made of digits"
                " with . or _ between: correct it there and in the name of the file.",
                path=file_name,
                version=text,
            )
        return version
