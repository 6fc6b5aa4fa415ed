"""How each database runs SQL. A backend that is not named here gets the ANSI rules."""

from importlib import import_module

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ..redaction import message_without
from .base import Dialect, Notice

_DIALECTS = {
    "postgresql": ("stepwise", "StepwisePostgreSQL"),
    "mysql": ("mysql", "MySQLDialect"),
    "sqlite": ("sqlite", "SQLiteDialect"),
}


def dialect_of(connection: BaseDatabaseWrapper, notice: Notice = lambda text: None) -> Dialect:
    """The dialect of a connection, by its vendor."""
    module, name = _DIALECTS.get(connection.vendor, ("base", "Dialect"))
    dialect: type[Dialect] = getattr(import_module(f"{__name__}.{module}"), name)
    return dialect(connection, notice)


def message_of(error: BaseException, alias: str) -> str:
    """What an error says: one of the database without the contents of rows and passwords."""
    if not isinstance(error, Error):
        return str(error).strip()
    return message_without(dialect_of(connections[alias]).message_of(error))
