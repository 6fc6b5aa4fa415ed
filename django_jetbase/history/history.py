"""What the history says: the state that migrations have left, and the log."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import DatabaseError, models

from ..backends.base.backend import Backend
from ..exceptions import HistoryError
from ..migration import Applied, EventType, Failure, Kind, Version
from ..models import AppliedMigration, Event, MadeObject
from .packing import unpacked
from .tables import Tables

_APPLIED = (  # the columns, as Applied has them
    *("id", "key", "kind", "version", "description", "path", "checksum", "upgrade_checksum"),
    *("at", "incomplete", "committed", "attempted", "statements", "duration_ms"),
    *("database_user", "host", "origin"),
)
_NUMBERS = ("id", "committed", "attempted", "statements", "duration_ms")
_TYPES = {"at": datetime} | dict.fromkeys(_NUMBERS, int)  # of all other columns: str
_APPLIES = frozenset(
    map(str, (EventType.APPLIED, EventType.BASELINE, EventType.IMPORTED, EventType.ACCEPTED))
)
_STATEMENTS = "sha256-statements:"  # how the checksum begins, at the end of a detail
LONGEST_KEPT = 10_000_000  # characters of a text, however low the limit is by now


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
        """What to show for the migration, on one line."""
        return self.path.replace("\n", "\\n") or f"baseline {self.version}"


class History:
    """The history in one database, to be read.

    A text that has more than `text_limit` characters, and more than LONGEST_KEPT, is refused by
    HistoryError. Whoever only shows texts says how many characters the `longest` may have, and gets
    one more of those that are longer.
    """

    def __init__(self, backend: Backend, tables: Tables, text_limit: int = 0) -> None:
        self.backend = backend
        self.tables = tables
        self.alias = backend.connection.alias
        self.text_limit = max(text_limit, LONGEST_KEPT)

    @property
    def _state(self) -> Any:
        """A queryset of what is applied."""
        return self.tables.of(AppliedMigration).objects.using(self.alias)

    @property
    def log(self) -> Any:
        """A queryset of the events."""
        return self.tables.of(Event).objects.using(self.alias)

    def exists(self) -> bool:
        return self.tables.has(AppliedMigration)

    def read(self) -> list[Applied]:
        """Everything that is applied, in the order in which it was; empty without tables."""
        return self._read() if self.exists() else []

    def versions(self) -> list[Version]:
        """The versions that are applied to their end; empty without tables.

        One query, unless a failing one would do harm, the tables are missing or, on databases with
        schemas, their place must be asked for.
        """
        asks = self.backend.features.has_schemas or self.backend.connection.in_atomic_block
        if asks and not self.exists():
            return []
        rows = self._state.filter(namespace="", kind=str(Kind.VERSIONED), incomplete="")
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
        rows = self._state.filter(namespace="", **lookups).order_by("id").values_list(*_APPLIED)
        return [
            Applied(id, key, _kind(kind), _version(version), *rest)
            for id, key, kind, version, *rest in self._sound(_APPLIED, rows)
        ]

    def _sound(self, columns: Sequence[str], rows: Iterable[Any]) -> Iterator[Any]:
        """The rows. Raises HistoryError where a column holds what is not for it."""
        try:
            for row in rows:
                if None in row or not self.backend.features.keeps_types:
                    _check(columns, row)
                yield row
        except ValueError as error:
            raise HistoryError(f"The history holds what no run writes there: {error}.") from error

    def checksums(self) -> dict[str, str] | None:
        """The checksum of each file; None where one is not applied once and for all."""
        if not self.exists():
            return {}
        rows = self._state.filter(namespace="")
        checksums = {}
        for path, checksum, kind, incomplete in rows.values_list(
            "path", "checksum", "kind", "incomplete"
        ):
            if incomplete or kind == Kind.RUNS_ALWAYS:
                return None
            if path:
                checksums[path] = checksum
        return checksums

    def elsewhere(self) -> dict[str, dict[str, tuple[str, str]] | None]:
        """Both checksums of what other histories in this database say is applied, by key.

        None for one that may not be read.
        """
        columns = f"{self.tables.columns['key']}, checksum, upgrade_checksum"
        found: dict[str, dict[str, tuple[str, str]] | None] = {}
        for table, is_readable in self.tables.others():
            rows = self.backend.execute(f"SELECT {columns} FROM {table}") if is_readable else []
            found[table] = {key: (a, b) for key, a, b in rows} if is_readable else None
        return found

    def text_of(self, row: Applied, longest: int | None = None) -> str | None:
        """The whole file as it ran; None where it was not kept."""
        data = self._state.filter(pk=row.sequence).values_list("text", flat=True).first()
        return self._unpacked(data, row.label, longest)

    def text_begun(self, row: Applied) -> str | None:
        """The whole file as it was when a run of it last began; None where it was not kept."""
        events = self.log.filter(key=row.key, event=str(EventType.STARTED))
        data = events.order_by("-id").values_list("text", flat=True).first()
        return self._unpacked(data, row.label)

    def text_last_kept(self, key: str, longest: int | None = None) -> str | None:
        """The whole file as the last event of a migration that has kept it knows it."""
        events = self.log.filter(namespace="", key=key, text__isnull=False)
        path, data = events.order_by("-id").values_list("path", "text").first() or (key, None)
        return self._unpacked(data, path, longest)

    def statements_checksum_of(self, row: Applied) -> str:
        """That of what ran, as the log has it where the text was not kept; else empty."""
        events = self.log.filter(namespace="", key=row.key, checksum=row.checksum)
        said = events.filter(detail__contains=_STATEMENTS).order_by("-id")
        detail = said.values_list("detail", flat=True).first() or ""
        return f"{_STATEMENTS}{detail.rpartition(_STATEMENTS)[2]}" if detail else ""

    def _unpacked(
        self, data: "bytes | memoryview[int] | None", label: str, longest: int | None = None
    ) -> str | None:
        if data is None:
            return None
        try:
            text = unpacked(data, self.text_limit if longest is None else longest)
        except ValueError as error:
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
        return self.log.aggregate(last=models.Max("id"))["last"] or 0

    def unmade(self) -> dict[str, list[str]]:
        """By key the names of what repeatable files have made and is gone, or is another one."""
        if not self.tables.has(MadeObject):
            return {}
        found: dict[str, list[str]] = {}
        table = self.tables.name(MadeObject)
        for key, name in self.backend.objects.unmade(table, self.tables.columns):
            found.setdefault(key, []).append(name)
        return found

    def logged(self) -> dict[str, str]:
        """By key the paths of versioned migrations that are applied by what the log has last."""
        if not self.tables.has(Event):
            return {}
        tries = [str(EventType.STARTED), str(EventType.FAILED)]  # after which it is as before
        events = self.log.filter(namespace="", kind=str(Kind.VERSIONED)).exclude(event__in=tries)
        last = events.values("key").annotate(last=models.Max("id")).values("last")
        rows = self.log.filter(pk__in=last).values_list("key", "path", "event", "detail")
        resolved = str(EventType.RESOLVED)
        return {
            key: path
            for key, path, event, detail in rows
            if event in _APPLIES or (event == resolved and detail.startswith("applied"))
        }

    def failures(self) -> dict[str, Failure]:
        """By key how those migrations have failed of which nothing was logged since; one query."""
        if not self.tables.has(Event):
            return {}
        failed = models.Max("id", filter=models.Q(event=str(EventType.FAILED)))
        last = self.log.filter(namespace="").values("key").annotate(last=models.Max("id"))
        ids = last.annotate(failed=failed).filter(failed=models.F("last")).values("failed")
        rows = self.log.filter(pk__in=ids).values_list("key", "at", "detail", "path")
        return {key: Failure(*rest) for key, *rest in rows}

    def events(self, key: str | None = None, last: int | None = None) -> list[Past]:
        """Everything that happened, or to one migration, oldest first; empty without tables.

        With `last` no more than the so many last ones.
        """
        if not self.exists():
            return []
        events = self.log.order_by("-id")
        if key is not None:
            events = events.filter(namespace="", key=key)
        rows = self._sound(Past._fields, events.values_list(*Past._fields)[:last])
        return [Past(*row) for row in rows][::-1]


def _check(columns: Iterable[str], row: Iterable[Any]) -> None:
    """Raise ValueError for a value that its column is not for."""
    for column, value in zip(columns, row, strict=True):
        if not isinstance(value, _TYPES.get(column, str)):
            raise ValueError(f"{value!r} is no {column}")


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
