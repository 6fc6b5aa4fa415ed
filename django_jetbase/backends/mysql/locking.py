from typing import ClassVar

from ...sql.queries import Expression, Query
from ..base.backend import Backend
from ..base.locking import Locking
from ..base.values import Blocker, Holder
from .backend import MySQLBackend

_CLAIM = "django_jetbase:"
_SESSIONS = (
    "SELECT DISTINCT p.id, p.user, TIMESTAMPDIFF(SECOND, trx.trx_started, NOW()),"
    " COALESCE(p.info, '') FROM information_schema.innodb_trx AS trx"
    " JOIN information_schema.processlist AS p ON p.id = trx.trx_mysql_thread_id"
)
_ROW_LOCKS = (
    "JOIN information_schema.innodb_lock_waits AS wait ON wait.blocking_trx_id = trx.trx_id"
    " JOIN information_schema.innodb_trx AS own ON own.trx_id = wait.requesting_trx_id"
    " WHERE own.trx_mysql_thread_id = %s"
)
_WAITS = (
    "SELECT (SELECT COUNT(*) FROM information_schema.processlist"
    " WHERE id = %s AND state LIKE 'Waiting for %%lock')"
    " + (SELECT COUNT(*) FROM information_schema.innodb_trx"
    " WHERE trx_mysql_thread_id = %s AND trx_state = 'LOCK WAIT')"
)


class MySQLLocking(Locking):
    backend: MySQLBackend
    locking_read: ClassVar[str] = " LOCK IN SHARE MODE"
    at_work: ClassVar[str] = f"IS_USED_LOCK(CONCAT('{_CLAIM}', token)) IS NOT NULL"

    @property
    def this_session(self) -> tuple[int | Expression, str | Expression]:
        return Expression("CONNECTION_ID()"), ""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._claims: list[Query] = []  # of this session

    def claiming(self, token: str) -> list[Query]:
        """A user lock lives as long as its session, and everybody may ask who has it."""
        self._claims = [Query("DO GET_LOCK(%s, 0)", (f"{_CLAIM}{token}",))]
        return self._claims

    def claim_again(self) -> None:
        """In a session that was made anew."""
        for query in self._claims:
            self.execute(*query)

    def disclaiming(self, token: str) -> list[Query]:
        self._claims = []
        return [Query("DO RELEASE_LOCK(%s)", (f"{_CLAIM}{token}",))]

    def session_id(self) -> int | None:
        raw = self.connection.connection
        return None if raw is None else int(raw.thread_id())

    def blockers(self, session: int) -> list[Blocker]:
        """InnoDB names who has a row; of a table anybody with a transaction may have it."""
        rows = (
            self.execute(f"{_SESSIONS} {_ROW_LOCKS}", (session,))
            if self.backend.session.is_mariadb
            else []
        )
        if rows or self.execute(_WAITS, (session, session)) == [(0,)]:
            return [self.blocker(*row) for row in rows]
        rows = self.execute(f"{_SESSIONS} WHERE trx.trx_mysql_thread_id <> %s", (session,))
        return [self.blocker(*row)._replace(sure=False) for row in rows]

    def terminate(self, holder: Holder, lock: str) -> None:
        """End the session that has the user lock, whatever the row says."""
        rows = self.execute(
            f"SELECT id FROM information_schema.processlist, {lock} WHERE token = %s"
            f" AND id = IS_USED_LOCK(CONCAT('{_CLAIM}', token)) AND id <> CONNECTION_ID()"
            " AND db = DATABASE()",
            (holder.token,),
        )
        for (session,) in rows:
            self.execute("KILL %s", (session,))
        if not rows and self.is_working(holder, lock):
            self.backend.notice("No session is ended, since this user cannot see that of the lock.")
