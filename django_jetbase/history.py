"""What the history says: the state that migrations have left, and the log."""

import codecs
import zlib
from datetime import datetime
from typing import Any, NamedTuple

from django.db import DatabaseError, models

from .dialects.base import Dialect
from .exceptions import HistoryError
from .migration import Applied, Kind, Version
from .models import AppliedMigration, Event

STARTED = "started"
LONGEST_KEPT = 10_000_000  # characters of a text, however low the limit is by now
_PIECE = 1 << 20  # bytes that are unpacked at once


class Past(NamedTuple):
    """One line of the event log."""

    at: datetime
    event: str
    kind: str
    version: str
    path: str
    duration_ms: int
    statements: int
    database_user: str
    host: str
    app_version: str
    origin: str
    detail: str

    @property
    def label(self) -> str:
        """What to show for the migration."""
        return self.path or f"baseline {self.version}"


class History:
    """The history in one database, to be read.

    A text that has more than `text_limit` characters, and more than LONGEST_KEPT, is refused by
    HistoryError. Whoever only shows texts says how many characters the `longest` may have, and gets
    one more of those that are longer.
    """

    def __init__(self, dialect: Dialect, text_limit: int = 0) -> None:
        self.dialect = dialect
        self.alias = dialect.connection.alias
        self.text_limit = max(text_limit, LONGEST_KEPT)

    def exists(self) -> bool:
        return self.dialect.has_table(AppliedMigration._meta.db_table)

    def read(self) -> list[Applied]:
        """Everything that is applied, in the order in which it was; empty without tables."""
        return self._read() if self.exists() else []

    def versions(self) -> list[Version]:
        """The versions that are applied to their end; empty without tables.

        One query, unless a failing one would do harm or the tables are missing.
        """
        if self.dialect.connection.in_atomic_block and not self.exists():
            return []
        rows = AppliedMigration.objects.using(self.alias).filter(
            namespace="", kind=str(Kind.VERSIONED), incomplete=""
        )
        try:
            found = [_version(version) for version in rows.values_list("version", flat=True)]
            return [version for version in found if version]
        except DatabaseError:
            if self.exists():
                raise
            return []

    def row(self, key: str) -> Applied | None:
        """What the history says of one migration now."""
        return next(iter(self._read(key=key)), None)

    def _read(self, **lookups: Any) -> list[Applied]:
        rows = (
            AppliedMigration.objects.using(self.alias)
            .filter(namespace="", **lookups)
            .order_by("id")
            .values_list(
                *("id", "key", "kind", "version", "description", "path", "checksum"),
                *("upgrade_checksum", "at", "incomplete", "committed", "attempted"),
                *("statements", "duration_ms", "database_user", "host", "origin"),
            )
        )
        return [
            Applied(id, key, _kind(kind), _version(version), *rest)
            for id, key, kind, version, *rest in rows
        ]

    def checksums(self) -> dict[str, str] | None:
        """The checksum of each file; None where one is not applied once and for all."""
        if not self.exists():
            return {}
        rows = AppliedMigration.objects.using(self.alias).filter(namespace="")
        checksums = {}
        for path, checksum, kind, incomplete in rows.values_list(
            "path", "checksum", "kind", "incomplete"
        ):
            if incomplete or kind == Kind.RUNS_ALWAYS:
                return None
            if path:
                checksums[path] = checksum
        return checksums

    def text_of(self, row: Applied, longest: int | None = None) -> str | None:
        """The whole file as it ran; None where it was not kept."""
        data = (
            AppliedMigration.objects.using(self.alias)
            .filter(pk=row.sequence)
            .values_list("text", flat=True)
            .first()
        )
        return self._unpacked(data, row.label, longest)

    def text_begun(self, row: Applied) -> str | None:
        """The whole file as it was when a run of it last began; None where it was not kept."""
        events = Event.objects.using(self.alias).filter(key=row.key, event=STARTED)
        data = events.order_by("-id").values_list("text", flat=True).first()
        return self._unpacked(data, row.label)

    def text_last_kept(self, key: str, longest: int | None = None) -> str | None:
        """The whole file as the last event of a migration that has kept it knows it."""
        events = Event.objects.using(self.alias).filter(namespace="", key=key, text__isnull=False)
        path, data = events.order_by("-id").values_list("path", "text").first() or (key, None)
        return self._unpacked(data, path, longest)

    def _unpacked(
        self, data: "bytes | memoryview[int] | None", label: str, longest: int | None = None
    ) -> str | None:
        if data is None:
            return None
        try:
            text = _beginning(data, self.text_limit if longest is None else longest)
        except (zlib.error, ValueError, TypeError) as error:
            said = f"{label}: the text that the history has kept of it is damaged: {error}."
            raise HistoryError(said, path=label) from error
        if longest is None and len(text) > self.text_limit:
            raise HistoryError(
                f"{label}: the history has kept more than {self.text_limit} characters as its text,"
                " which are not read. If that is what was applied, let"
                ' JETBASE["HISTORY_TEXT_LIMIT"] be larger; else put the file back as it was'
                " applied, or record it as rolled back with jetbase_rollback --fake.",
                path=label,
            )
        return text

    def last_event(self) -> int:
        """What identifies the last event; 0 before the first."""
        return Event.objects.using(self.alias).aggregate(last=models.Max("id"))["last"] or 0

    def events(self, key: str | None = None, last: int | None = None) -> list[Past]:
        """Everything that happened, or to one migration, oldest first; empty without tables.

        With `last` no more than the so many last ones.
        """
        if not self.exists():
            return []
        events = Event.objects.using(self.alias).order_by("-id")
        if key is not None:
            events = events.filter(namespace="", key=key)
        rows = list(events.values_list(*Past._fields)[:last])[::-1]
        return [Past(*row) for row in rows]


def _beginning(data: "bytes | memoryview[int]", longest: int) -> str:
    """As much of a packed text as tells whether it is longer; little data may be a very long one.

    Raises zlib.error, ValueError and TypeError for what is no packed text, or not a whole one.
    """
    unpacking = zlib.decompressobj()
    decoder = codecs.getincrementaldecoder("utf-8")()
    parts: list[str] = []
    length = 0
    while length <= longest and not unpacking.eof:
        piece = unpacking.decompress(data, _PIECE)
        data = unpacking.unconsumed_tail
        if not (piece or data or unpacking.eof):
            raise ValueError("its end is missing")
        parts.append(decoder.decode(piece, final=unpacking.eof))
        length += len(parts[-1])
    return "".join(parts)[: longest + 1]


def _kind(text: str) -> Kind:
    """Raises HistoryError."""
    try:
        return Kind(text)
    except ValueError as error:
        said = (
            f"The history has a migration of the kind {text!r}, which this release does not know."
        )
        raise HistoryError(said) from error


def _version(text: str) -> Version | None:
    """Raises HistoryError."""
    if not text:
        return None
    version = Version(text)
    try:
        version.key  # noqa: B018
    except ValueError as error:
        raise HistoryError(f"The history has {text!r} as a version, which is none.") from error
    return version
