from typing import ClassVar

from ...sql.queries import Expression
from ..base.locking import Locking
from ..base.values import Blocker, Holder
from .backend import PostgreSQLBackend

STARTED = "CAST(extract(epoch FROM backend_start) AS text)"  # of others: not for every role


class PostgreSQLLocking(Locking):
    backend: PostgreSQLBackend
    locking_read: ClassVar[str] = " FOR SHARE"
    at_work: ClassVar[str] = (
        "EXISTS (SELECT 1 FROM pg_stat_activity"
        f" WHERE pid = session AND coalesce({STARTED} = nullif(session_start, ''), true))"
    )

    @property
    def this_session(self) -> tuple[int | Expression, str | Expression]:
        """None behind a pooler, where the session may be at work for others meanwhile."""
        self.connection.ensure_connection()
        own = (self.backend.info.backend_pid,)
        return (
            Expression("CASE WHEN pg_backend_pid() = %s THEN pg_backend_pid() ELSE 0 END", own),
            Expression(
                f"coalesce((SELECT {STARTED} FROM pg_stat_activity"
                " WHERE pid = pg_backend_pid() AND pid = %s), '')",
                own,
            ),
        )

    def session_id(self) -> int | None:
        return int(self.backend.info.backend_pid) if self.backend.is_connected() else None

    def blockers(self, session: int) -> list[Blocker]:
        rows = self.execute(
            "SELECT other.pid, coalesce(other.usename, ''),"
            " extract(epoch FROM now() - coalesce(other.xact_start, other.backend_start, now())),"
            " coalesce(other.query, '')"
            " FROM pg_stat_activity AS own JOIN pg_stat_activity AS other"
            " ON other.pid = ANY (pg_blocking_pids(own.pid))"
            " WHERE own.pid = %s AND own.wait_event_type = 'Lock' ORDER BY 1",
            (session,),
        )
        return [self.blocker(*row) for row in rows]

    def terminate(self, holder: Holder, lock: str) -> None:
        """A number alone is not enough: whoever can write to the row could name any session."""
        if self.backend.is_pooled or not holder.session:
            self.backend.notice(
                "No session is ended, since behind a pooler it may be at work for another client."
            )
        elif self.is_working(holder, lock) and not self.execute(
            f"SELECT pg_terminate_backend(its.pid) FROM {lock} AS held"
            f" JOIN pg_stat_activity AS its ON its.pid = session AND {STARTED} = session_start"
            " AND datname = current_database() WHERE token = %s AND its.pid <> pg_backend_pid()",
            (holder.token,),
        ):
            self.backend.notice(
                f"The session {holder.session} is not ended, since this role cannot see that it is"
                " the one that took the lock."
            )
