"""What is written into the history, as queries for whoever runs them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

from ..backends.base.backend import Backend
from ..migration import Applied, Direction, EventType, Kind, Origin
from ..models import AppliedMigration, Event, MadeObject, Run
from ..sql.queries import Certain, Expression, Query, insert, update
from ..version import __version__
from .lease import Lease
from .packing import packed
from .recorded import Recorded, recorded_again
from .stamp import stamp
from .tables import Tables


class Recorder:
    """Writes the history of one database; texts longer than `text_limit` characters are not kept.

    What it records fails where the lease, once taken, is another's. `stamp` gives `at`,
    `database_user` and `host` of what somebody else records some other time.
    """

    def __init__(
        self,
        backend: Backend,
        tables: Tables,
        text_limit: int,
        lease: Lease,
        stamp: Mapping[str, Expression] | None = None,
    ) -> None:
        self.backend = backend
        self.connection = backend.connection
        self.tables = tables
        self.text_limit = text_limit
        self.lease = lease
        self.given_stamp = stamp
        self.creates_tables = False  # before it records anything, so that there are all

    def write(self, queries: Iterable[Query]) -> None:
        """Raises DatabaseError."""
        self.backend.write(queries)

    def creation(self) -> list[Query]:
        """What creates the tables that are missing."""
        return self.tables.creation(self._stamp["at"])

    def closing(
        self,
        migration: Recorded,
        row: Applied | None,
        direction: Direction,
        statements: int,
        duration: int | Expression,
        origin: Origin = Origin.RUN,
    ) -> list[Query]:
        """Record, in the transaction of its statements, that a migration ran."""
        if direction is Direction.ROLLBACK:
            return self._rolled_back(migration, row, statements, duration, origin)
        values = self._values(migration, duration, statements)
        values |= {"incomplete": "", "committed": statements, "attempted": statements}
        values |= {"origin": str(origin)}
        return [
            *self._forget(row),
            self._insert(AppliedMigration, values),
            self._applied_event(migration, row),
            *self._made(migration),
        ]

    def _made(self, migration: Recorded) -> list[Query]:
        """Record what a repeatable file has made, where there is the table for it."""
        if migration.kind is not Kind.RUNS_ON_CHANGE or not self._has_objects:
            return []
        table, columns = self.tables.sql(MadeObject), self.tables.columns
        record = self.backend.objects.recording
        return [
            self._unmade(migration.key),
            *(record(table, columns, migration.key, made) for made in migration.makes),
        ]

    def _unmade(self, key: str) -> Query:
        """Forget what the file has made."""
        sql = f"DELETE FROM {self.tables.sql(MadeObject)} WHERE namespace = %s AND {self._key} = %s"
        return Query(sql, ("", key))

    @property
    def _has_objects(self) -> bool:
        return self.creates_tables or self.tables.has(MadeObject)

    def without_running(
        self, migration: Recorded, row: Applied | None, direction: Direction, origin: Origin
    ) -> list[Query]:
        """Record a migration that is not run."""
        if origin is Origin.RETIRED:
            assert row is not None  # the record that is taken out
            return self.forgotten(row, "its file is gone")
        if origin is Origin.RENAMED:
            assert row is not None  # the record under the name of before
            return self._renamed(migration, row)
        return self.closing(migration, row, direction, 0, 0, origin)

    def _renamed(self, migration: Recorded, row: Applied) -> list[Query]:
        """The record stays, and is that of the file under its new name."""
        values = {"key": migration.key, **self._file_values(migration)}
        event = self._event(migration, EventType.RENAMED, 0, 0, f"was {row.path}")
        made = [self._unmade(row.key)] if self._has_objects else []
        return [self._update_row(row, **values), event, *made, *self._made(migration)]

    def beginning(
        self,
        migration: Recorded,
        row: Applied | None,
        direction: Direction,
        statements: int,
        attempted: int = AppliedMigration.UNKNOWN,
    ) -> list[Query]:
        """Record that a migration begins whose statements commit one by one.

        One that has begun before begins anew, with another id, as when it goes on.
        `attempted` is 0 where the history will hear of each.
        """
        again = row is not None and bool(row.incomplete)
        started = (migration, EventType.STARTED, 0, statements, str(direction))
        event = self._event(*started, replaces=row, whole=not again)
        state = {"incomplete": str(direction), "committed": 0, "attempted": attempted}
        if row and not again:
            return [event, self._update(row.key, **state)]
        values = self._values(migration, 0, statements)
        begun = self._insert(AppliedMigration, values | state)
        return [event, *self._forget(row), begun] if row else [begun, event]

    def going_on(self, migration: Recorded, row: Applied, statements: int) -> list[Query]:
        """Record that the upgrade of an incomplete migration goes on.

        Its row gets another id, so that whoever has lost it to this run cannot change it any more.
        """
        detail = f"goes on behind statement {row.committed}"
        values = {"id": Expression("DEFAULT"), "namespace": self.lease.fence}
        event = self._event(migration, EventType.STARTED, 0, statements, detail, replaces=row)
        return [event, self._update_row(row, **values)]

    def finished(
        self,
        migration: Recorded,
        row: Applied | None,
        direction: Direction,
        statements: int,
        duration: int | Expression,
    ) -> list[Query]:
        """Record that the last statement of such a migration is committed.

        The `row` is what it replaces; one that has begun anew has replaced it already.
        """
        if row:
            return self.closing(migration, row, direction, statements, duration)
        values = {"incomplete": "", "duration_ms": duration}
        values |= {"committed": statements, "attempted": statements}
        applied = self._applied_event(migration, None)
        return [self._update(migration.key, **values), applied, *self._made(migration)]

    def stopped(
        self,
        row: Applied,
        replaced: Applied | None,
        committed: int,
        *,
        partial: bool,
        unsure: bool = False,
    ) -> list[Query]:
        """Record how far such a migration came; nothing done is as before.

        `partial` if the statement that failed may have done something itself; `unsure` if it must
        be looked at before another one takes its place. Where somebody has resolved it meanwhile
        nothing is changed.
        """
        attempted = committed + unsure if row.attempted >= 0 else row.attempted
        if committed or partial or (replaced and replaced.incomplete):
            return [self._update_begun(row, committed=committed, attempted=attempted)]
        if replaced:
            return [self._update_begun(row, incomplete="")]
        sql = f"DELETE FROM {self._state} WHERE id = %s AND incomplete = %s"
        return [Query(sql, (row.sequence, row.incomplete))]

    def failed(self, migration: Recorded, statements: int, detail: str) -> list[Query]:
        """Log a failure."""
        return [self._event(migration, EventType.FAILED, 0, statements, detail)]

    def taken_over(
        self,
        migration: Recorded,
        event: EventType,
        origin: Origin,
        values: Mapping[str, Any] | None = None,
        detail: str = "",
    ) -> list[Query]:
        """Record as applied what did not run here; `values` replace what would be recorded."""
        row = self._values(migration, 0, 0) | {"origin": str(origin)} | dict(values or {})
        state = {"incomplete": "", "committed": 0, "attempted": 0}
        detail = _with_statements(detail, migration)
        logged = row | {"event": str(event), "detail": detail, **self._stamp}
        return [self._insert(AppliedMigration, row | state), self._insert(Event, logged)]

    def accepted(self, migration: Recorded, row: Applied) -> list[Query]:
        """Record that a file may be as it now is."""
        detail = _with_statements(f"was {row.upgrade_checksum}", migration)
        event = self._event(migration, EventType.ACCEPTED, 0, 0, detail)
        return [self._update(row.key, **self._file_values(migration)), event]

    def forgotten(self, row: Applied, detail: str = "") -> list[Query]:
        """Record that a migration whose file is missing is none any more."""
        return [
            *map(_certain, self._forget(row)),
            self._event(recorded_again(row, None), EventType.FORGOTTEN, 0, 0, detail),
            *([self._unmade(row.key)] if self._has_objects else []),
        ]

    def _rolled_back(
        self,
        migration: Recorded,
        row: Applied | None,
        statements: int,
        duration: int | Expression,
        origin: Origin = Origin.RUN,
    ) -> list[Query]:
        event = self._event(
            migration, EventType.ROLLED_BACK, duration, statements, origin=origin, replaces=row
        )
        return [event, *self._all_due(), *map(_certain, self._forget(row))]

    def _all_due(self) -> list[Query]:
        """All repeatable files are due again: a dropped table may have taken its views along."""
        sql = f"DELETE FROM {self._state} WHERE namespace = %s AND kind <> %s"
        due = [Query(sql, ("", str(Kind.VERSIONED)))]
        if self._has_objects:
            made = self.tables.sql(MadeObject)
            due.append(Query(f"DELETE FROM {made} WHERE namespace = %s", ("",)))
        return due

    def resolved(self, migration: Recorded, row: Applied, applied: bool) -> list[Query]:
        """Record what a person says of an incomplete migration, as its file now is."""
        detail = _with_statements("applied", migration) if applied else "rolled back"
        event = self._event(migration, EventType.RESOLVED, 0, row.statements, detail)
        if not applied:
            was_rollback = row.incomplete == Direction.ROLLBACK
            forgotten = map(_certain, self._forget(row))
            return [*(self._all_due() if was_rollback else []), *forgotten, event]
        return [self._update(row.key, incomplete="", **self._file_values(migration)), event]

    def _file_values(self, migration: Recorded) -> dict[str, Any]:
        return {
            "description": migration.description,
            "path": migration.path,
            "checksum": migration.checksum,
            "upgrade_checksum": migration.upgrade_checksum,
            "text": self._kept(migration.text),
        }

    def _update(self, key: str, **values: Any) -> Query:
        where = Query(f"namespace = %s AND {self._key} = %s", ("", key))
        return _certain(update(self._state, self.tables.columns, values, where))

    def _update_row(self, row: Applied, **values: Any) -> Query:
        """Change this very row: by now its migration may have another one."""
        where = Query("id = %s", (row.sequence,))
        return _certain(update(self._state, self.tables.columns, values, where))

    def _update_begun(self, row: Applied, **values: Any) -> Query:
        where = Query("id = %s AND incomplete = %s", (row.sequence, row.incomplete))
        return update(self._state, self.tables.columns, values, where)

    def _forget(self, row: Applied | None) -> list[Query]:
        if row is None:
            return []
        return [Query(f"DELETE FROM {self._state} WHERE id = %s", (row.sequence,))]

    def _values(
        self, migration: Recorded, duration: int | Expression, statements: int
    ) -> dict[str, Any]:
        return {
            "namespace": self.lease.fence,
            "key": migration.key,
            "kind": str(migration.kind),
            "version": str(migration.version or ""),
            **self._file_values(migration),
            "duration_ms": duration,
            "statements": statements,
            "app_version": __version__,
            "origin": str(Origin.RUN),
            **self._stamp,
        }

    @property
    def _stamp(self) -> Mapping[str, str | Expression]:
        """When, by whom and from where something is recorded."""
        return self.given_stamp or stamp(self.connection)

    def _event(
        self,
        migration: Recorded,
        event: EventType,
        duration: int | Expression,
        statements: int,
        detail: str = "",
        origin: Origin = Origin.RUN,
        replaces: Applied | None = None,
        whole: bool = False,
    ) -> Query:
        """An event, which the database refuses where the row that it `replaces` is not there.

        With `whole` also where that is incomplete.
        """
        values = self._values(migration, duration, statements) | {"origin": str(origin)}
        if replaces:
            also = " AND incomplete = ''" if whole else ""
            found = f"(SELECT {self._key} FROM {self._state} WHERE id = %s{also})"
            values["key"] = Expression(found, (replaces.sequence,))
        return self._insert(Event, values | {"event": str(event), "detail": detail})

    def _applied_event(self, migration: Recorded, replaced: Applied | None) -> Query:
        """Log what the state now says; an earlier event has the text if the file is the same."""
        quoted = self.tables.columns
        columns = {field.attname: quoted[field.attname] for field in Run._meta.fields}
        same = replaced is not None and replaced.checksum == migration.checksum
        values = columns | ({"text": "NULL"} if same else {})
        return Certain(
            f"INSERT INTO {self.tables.sql(Event)}"
            f" ({', '.join(columns.values())}, {quoted['event']}, {quoted['detail']})"
            f" SELECT {', '.join(values.values())}, %s, %s FROM {self._state}"
            f" WHERE namespace = %s AND {self._key} = %s",
            (str(EventType.APPLIED), migration.statements_checksum, "", migration.key),
        )

    def _kept(self, text: str | None) -> bytes | None:
        if text is None or len(text) > self.text_limit:
            return None
        return packed(text)

    def _insert(self, model: type[models.Model], values: dict[str, Any]) -> Query:
        return _certain(insert(self.tables.sql(model), self.tables.columns, values))

    @property
    def _state(self) -> str:
        """The table of what is applied, as SQL."""
        return self.tables.sql(AppliedMigration)

    @property
    def _key(self) -> str:
        return self.tables.columns["key"]


def _with_statements(detail: str, migration: Recorded) -> str:
    """The detail of an event with the checksum that the migration has because of no text."""
    return ", ".join(filter(None, [detail, migration.statements_checksum]))


def _certain(query: Query) -> Certain:
    """The same, which fails where it changes no row."""
    return Certain(*query)
