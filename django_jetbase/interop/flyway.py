"""The history of Flyway."""

import re
import zlib
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from ..exceptions import HistoryError
from ..migration import Kind, Version
from .foreign import ForeignHistory, ForeignMigration

_REPEATABLE = re.compile(r"(?:(?<=[/\\])|\A)R(?=__[^/\\]*\Z)")


_TYPE = re.compile(  # of all its versions; SCHEMA is no migration
    r"(?:UNDO_)?(?:(?:STATE_)?SCRIPT|SQL|(?:SPRING_)?JDBC|CUSTOM|CQL)|DELETE"
    r"|(?:(?:SCRIPT|SQL|JDBC|CUSTOM)_)?BASELINE|INIT"
)


class _Row(NamedTuple):
    version: Version | None
    description: str | None
    type: str
    script: str
    checksum: int | None
    installed_by: str | None
    seconds: Any
    execution_time: Any
    success: bool

    @property
    def takes_back(self) -> bool:
        return self.type == "DELETE" or self.type.startswith("UNDO")


class FlywayHistory(ForeignHistory):
    """`flyway_schema_history`; `file_name` may have folders, or be the name of a Java class.

    A repeatable migration counts as last run.
    """

    name: ClassVar[str] = "flyway"
    table: ClassVar[str] = "flyway_schema_history"

    def standing(self) -> Iterator[ForeignMigration]:
        last: dict[Version | str, _Row] = {}
        for row in self._rows():
            key = row.version or row.description or row.script
            last.pop(key, None)  # so that a repeatable moves to its last run
            last[key] = row
        if failed := [row for row in last.values() if not row.success]:
            names = ", ".join(row.script for row in failed)
            raise HistoryError(
                f"{names}: {self.table} says that this failed; repair it with Flyway first"
                " (flyway repair), then import again.",
                path=failed[0].script,
                version=str(failed[0].version) if failed[0].version else None,
            )
        return (self._foreign(row) for row in last.values() if not row.takes_back)

    def _rows(self) -> Iterator[_Row]:
        rows = self.backend.execute(
            "SELECT version, description, type, script, checksum, installed_by,"
            f" {self.backend.introspection.epoch('installed_on')}, execution_time, success"
            f" FROM {self.table} WHERE coalesce(type, '') <> 'SCHEMA' ORDER BY installed_rank"
        )
        for version, description, type, script, *rest in rows:
            if not script:
                self.refuse(f"version {version}", "has no script: correct it there")
                continue
            if not _TYPE.fullmatch(type or ""):
                self.refuse(script, f"has the unknown type {type!r}, of another version of flyway")
                continue
            number = self.version(version, script) if version else None
            yield _Row(number, description, type, script, *rest)

    def _foreign(self, row: _Row) -> ForeignMigration:
        return ForeignMigration(
            row.version,
            Kind.VERSIONED if row.version else Kind.RUNS_ON_CHANGE,
            row.description or "",
            row.script,
            self.instant(row.seconds, row.script),
            "" if row.checksum is None else str(row.checksum),
            self.milliseconds(row.execution_time, row.script),
            row.installed_by or "",
            row.type.endswith(("BASELINE", "INIT")),
        )

    def checksum(self, text: str) -> str:
        """CRC32 of the lines without BOM and line breaks, as a signed number of 32 bits."""
        plain = text.removeprefix("\ufeff").replace("\r", "").replace("\n", "")
        unsigned = zlib.crc32(plain.encode())
        return str(unsigned - (1 << 32) if unsigned >> 31 else unsigned)

    def as_read(self, kind: Kind, checksum: str, text: str) -> str | None:
        """As in other histories; a repeatable file with placeholders counts as unchanged.

        Its checksum was taken after they were replaced, by values that nobody knows here.
        """
        if kind is Kind.RUNS_ON_CHANGE and "${" in text:
            return text
        return super().as_read(kind, checksum, text)

    def our_name(self, file_name: str) -> str:
        """A repeatable file runs on change with us: `R__x` is `ROC__x`."""
        return _REPEATABLE.sub("ROC", file_name)
