"""What a database holds besides its rows, as lines that can be compared."""

from importlib import import_module

from ..dialects.base import Dialect
from ..tables import PREFIX
from .base import Schema

_SCHEMAS = {
    "postgresql": ("postgresql", "PostgreSQLSchema"),
    "mysql": ("mysql", "MySQLSchema"),
    "sqlite": ("sqlite", "SQLiteSchema"),
}


def schema_of(dialect: Dialect, prefix: str = PREFIX) -> list[str]:
    """Everything in a database but its rows, a sorted line (or block of lines) each.

    The names of the history's own tables, which are no part of it, begin with the prefix.
    """
    module, name = _SCHEMAS.get(dialect.connection.vendor, ("base", "Schema"))
    schema: type[Schema] = getattr(import_module(f"{__name__}.{module}"), name)
    return schema(dialect, prefix).lines()
