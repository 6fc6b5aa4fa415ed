"""The histories that other tools have written, read so that they can be taken over."""

from ..backends.base.operations import Dialect
from .flyway import FlywaySource
from .foreign import Difference, Foreign, Source
from .jetbase import JetbaseSource

__all__ = ["SOURCES", "Difference", "Foreign", "Source", "source_of"]

SOURCES: dict[str, type[Source]] = {source.name: source for source in (JetbaseSource, FlywaySource)}


def source_of(name: str, dialect: Dialect) -> Source:
    """The source of that name, one of SOURCES, in the database of the dialect."""
    return SOURCES[name](dialect)


def source_that_recorded(checksum: str, dialect: Dialect) -> Source | None:
    """The source whose checksum our history has taken over; none where it is our own."""
    name = checksum.partition(":")[0]
    return source_of(name, dialect) if name in SOURCES else None
