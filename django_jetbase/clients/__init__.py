"""How the stock client of each database reads a script."""

from importlib import import_module

from ..dialects.base import Dialect
from ..exceptions import JetbaseError
from .base import Client

_CLIENTS = {
    "postgresql": ("psql", "Psql"),
    "mysql": ("mariadb", "MariaDB"),
    "sqlite": ("sqlite_shell", "SQLiteShell"),
}


def client_of(dialect: Dialect) -> Client:
    """The client for a dialect. Raises JetbaseError where none is known."""
    vendor = dialect.connection.vendor
    if vendor not in _CLIENTS:
        raise JetbaseError(f"There is no script for {vendor}: its client is not known.")
    module, name = _CLIENTS[vendor]
    client: type[Client] = getattr(import_module(f"{__name__}.{module}"), name)
    return client(dialect)
