"""The rows that say who holds the lock, and that it is alive."""

import os
from collections.abc import Mapping
from typing import Any

from django.db import Error, IntegrityError

from .dialects.base import Dialect
from .dialects.values import Holder
from .identity import stamp
from .models import LOCK, Heartbeat, InstantField
from .queries import Expression, Query, insert, update

_BEATS = Heartbeat._meta.db_table
_COLUMNS = [name for name in Holder._fields if name != "beat"]
_HOLDER = (
    f"SELECT {', '.join(_COLUMNS)}, (SELECT beat FROM {_BEATS} WHERE namespace = '') FROM {LOCK}"
    " WHERE namespace = '' AND token <> ''"
)


class Lease:
    """The lock as rows: the owner, which changes hands by compare-and-set, and its heartbeats.

    The owner's row changes only with the owner, so that a transaction of any isolation level can
    end with a look at it. `token` is this process's own while it is the owner, else empty.
    """

    def __init__(self, dialect: Dialect, token: str = "") -> None:
        self.dialect = dialect
        self.token = token

    def holder(self) -> Holder | None:
        """Who holds the lock, with the count of its heartbeats; none without the tables."""
        if not self.dialect.has_table(LOCK):
            return None
        rows = self.dialect.execute(_HOLDER)
        return _holder(*rows[0]) if rows else None

    def take(self, token: str, command: str, of: str = "") -> bool:
        """Become the owner where the owner is `of`, nobody by default."""
        values = self._mine(token, command)
        try:
            taken = any(self._change(query) for query in taking(self.dialect, values, token_is(of)))
        except IntegrityError:  # another process was faster
            return False
        except Error as error:  # or at the same time, where transactions are serializable
            if not self.dialect.is_transient(error):
                raise
            return False
        if taken:
            self.token = token
        return taken

    def _mine(self, token: str, command: str) -> dict[str, Any]:
        who = stamp(self.dialect.connection)
        session, started = self.dialect.this_session
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
        """Let go of the lock, or take it away from the owner with another token."""
        token = token or self.token
        self.token = "" if token == self.token else self.token
        return bool(self._change(freeing(token)))

    def beat(self) -> bool:
        """Say that the owner is alive; False where it is the owner no more."""
        if self._change(_beating(self.token)):
            return True
        if not self.is_mine():
            return False
        quote = self.dialect.connection.ops.quote_name
        self._change(insert(quote, _BEATS, {"namespace": "", "beat": 0}))
        return True

    def is_mine(self) -> bool:
        """Whether this process is the owner; while it holds no lease, whether nobody is."""
        if not self.token:
            return self.holder() is None
        return self.dialect.execute(f"SELECT {self.fence}") != [(None,)]

    @property
    def fence(self) -> str | Expression:
        """The namespace, which is NULL for an owner that is none any more."""
        return fence(self.token, self.dialect) if self.token else ""

    def _change(self, query: Query) -> int:
        """How many rows it changed."""
        if not self.dialect.transaction_is_lock:
            return self.dialect.change(query)
        with self.dialect.transaction():
            return self.dialect.change(query)


def fence(token: str, dialect: Dialect) -> Expression:
    """SQL for the namespace as long as the owner has the token, else for NULL."""
    return Expression(
        f"(SELECT namespace FROM {dialect.qualified(LOCK)}"
        f" WHERE namespace = '' AND {token_is(token)}"
        f"{dialect.locking_read})"
    )


def taking(dialect: Dialect, values: Mapping[str, Any], where: str) -> list[Query]:
    """Make somebody the owner where the row says so, or where there is none yet."""
    quote = dialect.connection.ops.quote_name
    none = f"FROM (SELECT 1 AS one) AS one_row WHERE NOT EXISTS (SELECT 1 FROM {LOCK})"
    return [
        update(quote, LOCK, values, f"namespace = '' AND {where}"),
        insert(quote, LOCK, {"namespace": "", **values}, none),
    ]


def freeing(token: str) -> Query:
    """Make nobody the owner where the owner has the token."""
    return Query(f"UPDATE {LOCK} SET token = '' WHERE namespace = '' AND {token_is(token)}")


def _beating(token: str) -> Query:
    owned = f"EXISTS (SELECT 1 FROM {LOCK} WHERE namespace = '' AND {token_is(token)})"
    return Query(f"UPDATE {_BEATS} SET beat = beat + 1 WHERE namespace = '' AND {owned}")


def token_is(token: str) -> str:
    """SQL for whether the owner has the token, which is hexadecimal; an empty one is nobody's."""
    return f"token = '{token}'"


def _holder(*row: Any) -> Holder:
    holder = Holder(*row)
    since = InstantField().from_db_value(holder.since, None, None)
    assert since is not None  # the column is NOT NULL
    return holder._replace(since=since, beat=holder.beat or 0)
