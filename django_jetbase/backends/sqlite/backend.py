import sqlite3
import time
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import OperationalError

from ...exceptions import LockError
from ..base.backend import Backend
from .lexicon import SQLiteLexicon

if TYPE_CHECKING:
    from .operations import SQLiteOperations
    from .session import SQLiteSession

_POLL = 0.05  # seconds between two tries to begin


class SQLiteBackend(Backend):
    """Every file is one BEGIN IMMEDIATE, which is also the lock."""

    session: "SQLiteSession"
    operations: "SQLiteOperations"
    lexicon = SQLiteLexicon()
    quote_mark: ClassVar[str] = '"'

    @property
    def is_private(self) -> bool:
        connection: Any = self.connection
        return bool(connection.is_in_memory_db())

    def in_transaction(self) -> bool:
        raw: sqlite3.Connection | None = self.connection.connection
        return raw is not None and raw.in_transaction

    def begin(self) -> None:
        """Waits in Python, where a signal can end it."""
        usual = self.pragma("busy_timeout")
        self.execute("PRAGMA busy_timeout = 0")
        try:
            self._begin_when_free()
        finally:
            self.execute(f"PRAGMA busy_timeout = {int(usual)}")

    def _begin_when_free(self) -> None:
        deadline = time.monotonic() + self.wait
        while True:
            try:
                self.execute("BEGIN IMMEDIATE")
                return
            except OperationalError as error:
                if "locked" not in str(error):
                    raise
                if time.monotonic() >= deadline:
                    raise LockError(
                        "Another process is writing to this database; try again when it is done,"
                        ' or let JETBASE["LOCK_WAIT"] be longer.'
                    ) from error
                time.sleep(_POLL)

    def commit(self) -> None:
        self.execute("COMMIT")

    def roll_back(self) -> None:
        if self.in_transaction():
            self.execute("ROLLBACK")

    def pragma(self, name: str) -> Any:
        rows = self.execute(f"PRAGMA {name}")
        return rows[0][0] if rows else None

    def cancel(self) -> None:
        if self._busy and self.connection.connection is not None:
            self.connection.connection.interrupt()
