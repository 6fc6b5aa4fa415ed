"""The histories that other tools have written, read so that they can be taken over."""

from ..backends.base.backend import Backend
from .flyway import FlywayHistory
from .foreign import Difference, ForeignHistory, ForeignMigration
from .jetbase import JetbaseHistory

__all__ = [
    "FOREIGN_HISTORIES",
    "Difference",
    "ForeignHistory",
    "ForeignMigration",
    "foreign_history",
    "foreign_history_that_recorded",
]

FOREIGN_HISTORIES: dict[str, type[ForeignHistory]] = {
    history.name: history for history in (JetbaseHistory, FlywayHistory)
}


def foreign_history(name: str, backend: Backend) -> ForeignHistory:
    """That of a tool, one of FOREIGN_HISTORIES, in the database of the backend."""
    return FOREIGN_HISTORIES[name](backend)


def foreign_history_that_recorded(checksum: str, backend: Backend) -> ForeignHistory | None:
    """That whose checksum our history has taken over; none where it is our own."""
    name = checksum.partition(":")[0]
    return foreign_history(name, backend) if name in FOREIGN_HISTORIES else None
