from typing import ClassVar

from ...sql.queries import Expression, Query
from ...sql.redaction import without_values
from .backend import Part
from .values import Blocker, Holder


class Locking(Part):
    """Whether the holder of the lock lives, and whom a session waits for.

    `lock` is the SQL for the table of the lock.
    """

    at_work: ClassVar[str] = "1 = 0"  # whether the session in a row of the lock is known to live
    locking_read: ClassVar[str] = ""  # what keeps a row that is read as it is to the end

    @property
    def this_session(self) -> tuple[int | Expression, str | Expression]:
        """What identifies this session in the row of the lock: its number and its start."""
        return 0, ""

    def claiming(self, token: str) -> list[Query]:
        """What lets others see that a session is at work for the holder with the token."""
        return []

    def disclaiming(self, token: str) -> list[Query]:
        """The opposite of `claiming`."""
        return []

    def may_beat(self) -> bool:
        """Whether a heartbeat over another connection does no harm now; called in its thread."""
        return True

    def is_working(self, holder: Holder, lock: str) -> bool:
        """Whether the holder's session is known to live, whatever became of its client."""
        sql = f"SELECT 1 FROM {lock} WHERE token = %s AND {self.at_work}"
        return bool(self.execute(sql, (holder.token,)))

    def terminate(self, holder: Holder, lock: str) -> None:
        """End the holder's session, if it lives. Raises Error where that is not allowed."""

    def session_id(self) -> int | None:
        """What identifies this connection's session in the database; asks nothing."""
        return None

    def blockers(self, session: int) -> list[Blocker]:
        """Whom a session waits for now. Raises Error where that is not allowed."""
        return []

    def blocker(self, session: int, user: str, seconds: float, query: str) -> Blocker:
        """A session with its query, in which values of rows stand as literals."""
        return Blocker(session, user, seconds, without_values(query, self.backend.lexicon))
