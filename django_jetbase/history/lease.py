"""The rows that say who holds the lock, and that it is alive."""

import os
from collections.abc import Mapping
from typing import Any

from django.db import Error, IntegrityError

from ..backends.base.backend import Backend
from ..backends.base.errors import RecordFault
from ..backends.base.values import Holder
from ..exceptions import HistoryError
from ..models import Heartbeat, InstantField, LockHolder
from ..sql.queries import Expression, Query, insert, update
from .stamp import stamp
from .tables import Tables

_COLUMNS = [name for name in Holder._fields if name != "beat"]


class Lease:
    """The lock as rows: the owner, which changes hands by compare-and-set, and its heartbeats.

    The owner's row changes only with the owner, so that a transaction of any isolation level can
    end with a look at it. `token` is this process's own while it is the owner, else empty.
    """

    def __init__(self, backend: Backend, tables: Tables, token: str = "") -> None:
        self.backend = backend
        self.tables = tables
        self.token = token

    def holder(self) -> Holder | None:
        """Who holds the lock, with the count of its heartbeats; none without the tables.

        Raises HistoryError where the row says what cannot be.
        """
        if not self.tables.has(LockHolder):
            return None
        lock, beats = self.tables.name(LockHolder), self.tables.name(Heartbeat)
        try:
            rows = self.backend.execute(
                f"SELECT {', '.join(_COLUMNS)}, (SELECT beat FROM {beats} WHERE namespace = '')"
                f" FROM {lock} WHERE namespace = '' AND token <> ''"
            )
            return _holder(*rows[0]) if rows else None
        except (TypeError, ValueError) as error:
            raise HistoryError(
                "The row of the lock holds what no run writes there, so nothing tells who has the"
                f" lock: see who can write to {lock}, and free it by setting its token to ''."
            ) from error

    def has_row(self) -> bool:
        """Whether the row of the lock is there: who frees the lock leaves it."""
        lock = self.tables.name(LockHolder)
        return bool(self.backend.execute(f"SELECT 1 FROM {lock} WHERE namespace = ''"))

    def is_of_this_session(self, holder: Holder) -> bool:
        """Whether the row was written by this process over this connection."""
        host = stamp(self.backend.connection)["host"]
        session = self.backend.locking.session_id() or 0
        return (holder.host, holder.pid, holder.session) == (host, os.getpid(), session)

    def is_working(self, holder: Holder) -> bool:
        """Whether the holder's session is known to live, whatever became of its client."""
        return self.backend.locking.is_working(holder, self.tables.sql(LockHolder))

    def end_session(self, holder: Holder) -> None:
        """End the holder's session, if it lives. Raises Error where that is not allowed."""
        self.backend.locking.terminate(holder, self.tables.sql(LockHolder))

    def take(self, token: str, command: str, of: str = "") -> bool:
        """Become the owner where the owner is `of`, nobody by default."""
        where = Query("token = %s", (of,))
        queries = taking(self.tables, self._mine(token, command), where)
        try:
            taken = any(self._change(query) for query in queries)
        except IntegrityError:  # another process was faster
            return False
        except Error as error:  # or at the same time, where transactions are serializable
            if not self.backend.errors.is_transient(error):
                raise
            return False
        if taken:
            self.token = token
        return taken

    def _mine(self, token: str, command: str) -> dict[str, Any]:
        who = stamp(self.backend.connection)
        session, started = self.backend.locking.this_session
        return {
            "token": token,
            "host": who["host"],
            "pid": os.getpid(),
            "session": session,
            "session_start": started,
            "database_user": who["database_user"],
            "command": command,
            "since": who["at"],
        }

    def free(self, token: str | None = None) -> bool:
        """Let go of the lock, or take it away from the owner with another token.

        Raises HistoryError where something keeps the row as it is.
        """
        token = token or self.token
        self.token = "" if token == self.token else self.token
        if self._change(freeing(self.tables, token)):
            return True
        holder = self.holder()
        if holder and holder.token == token:
            raise self.unwritable()
        return False

    def unwritable(self, said: str = "") -> HistoryError:
        """What is raised where the row of the lock does not change; the database has `said` so."""
        lock = self.tables.name(LockHolder)
        told = f": {said}" if said else ""
        return HistoryError(
            f"The row of the lock cannot be changed{told}\nSomething that stands on the table"
            f" {lock}, as a trigger, a rule or a constraint, keeps it as it is: drop that. Then"
            " jetbase_unlock frees a lock that was left behind."
        )

    def beat(self) -> bool:
        """Say that the owner is alive; False where it is the owner no more."""
        if self._change(self._beating()):
            return True
        if not self.is_mine():
            return False
        beats, columns = self.tables.sql(Heartbeat), self.tables.columns
        self._change(insert(beats, columns, {"namespace": "", "beat": 0}))
        return True

    def _beating(self) -> Query:
        lock = self.tables.sql(LockHolder)
        owned = f"EXISTS (SELECT 1 FROM {lock} WHERE namespace = '' AND token = %s)"
        return Query(
            f"UPDATE {self.tables.sql(Heartbeat)} SET beat = beat + 1"
            f" WHERE namespace = '' AND {owned}",
            (self.token,),
        )

    def is_mine(self) -> bool:
        """Whether this process is the owner; while it holds no lease, whether nobody is."""
        fence = self.fence
        if not isinstance(fence, Expression):
            return self.holder() is None
        return self.backend.execute(f"SELECT {fence.sql}", fence.params) != [(None,)]

    @property
    def fence(self) -> str | Expression:
        """The namespace, which is NULL for an owner that is none any more."""
        if not self.token:
            return ""
        return Expression(
            f"(SELECT namespace FROM {self.tables.sql(LockHolder)}"
            f" WHERE namespace = '' AND token = %s{self.backend.locking.locking_read})",
            (self.token,),
        )

    def _change(self, query: Query) -> int:
        """How many rows it changed. Raises HistoryError where something on the table forbids it."""
        try:
            if not self.backend.features.transaction_is_lock:
                return self.backend.change(query)
            with self.backend.transaction():
                return self.backend.change(query)
        except IntegrityError:
            raise
        except Error as error:
            if self.backend.errors.record_fault(error) is not RecordFault.KEPT_OUT:
                raise
            raise self.unwritable(self.backend.errors.message_of(error)) from error


def taking(tables: Tables, values: Mapping[str, Any], where: Query) -> list[Query]:
    """Make somebody the owner where the row says so, or where there is none yet."""
    lock, columns = tables.sql(LockHolder), tables.columns
    ours = f"SELECT 1 FROM {lock} WHERE namespace = ''"
    none = f"FROM (SELECT 1 AS one) AS one_row WHERE NOT EXISTS ({ours})"
    return [
        update(lock, columns, values, where._replace(sql=f"namespace = '' AND {where.sql}")),
        insert(lock, columns, {"namespace": "", **values}, Query(none)),
    ]


def freeing(tables: Tables, token: str) -> Query:
    """Make nobody the owner where the owner has the token."""
    lock = tables.sql(LockHolder)
    return Query(f"UPDATE {lock} SET token = '' WHERE namespace = '' AND token = %s", (token,))


def _holder(*row: Any) -> Holder:
    """The row by its form, since SQLite keeps anything in any column. Raises ValueError."""
    holder = Holder(*row)
    since = InstantField().from_db_value(holder.since, None, None)
    if since is None:
        raise ValueError
    return holder._replace(
        since=since,
        pid=int(holder.pid),
        session=int(holder.session),
        beat=int(holder.beat or 0),
    )
