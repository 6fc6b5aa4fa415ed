"""What is particular to each database: a folder with the parts of `base`.

Nowhere else is it asked which database one has.
"""

from collections.abc import Collection
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ..exceptions import JetbaseError
from ..sql.lexicon import Lexicon
from ..sql.redaction import message_without
from .base.client import Client
from .base.introspection import Introspection
from .base.operations import Dialect, Notice
from .base.steps import Steps

# By `connection.vendor`, which is the name of the folder, how the names of its classes begin.
BACKENDS = {"postgresql": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite"}


def _part(vendor: str, module: str, name: str, usual: Any) -> Any:
    """A class from the folder of a database; the usual one where that has none."""
    if vendor not in BACKENDS or not find_spec(f".{vendor}.{module}", __name__):
        return usual
    return getattr(import_module(f".{vendor}.{module}", __name__), BACKENDS[vendor] + name)


def lexicon_of(vendor: str) -> Lexicon:
    """How a database reads SQL in its default modes; needs no driver."""
    lexicon: type[Lexicon] = _part(vendor, "lexicon", "Lexicon", Lexicon)
    return lexicon()


def dialect_of(connection: BaseDatabaseWrapper, notice: Notice = lambda text: None) -> Dialect:
    """How the database of a connection runs SQL."""
    dialect: type[Dialect] = _part(connection.vendor, "operations", "Operations", Dialect)
    return dialect(connection, notice)


def steps_of(dialect: Dialect) -> Steps:
    """How the database runs a section without a transaction."""
    steps: type[Steps] = _part(dialect.connection.vendor, "steps", "Steps", Steps)
    return steps(dialect)


def message_of(error: BaseException, alias: str) -> str:
    """What an error says: one of the database without the contents of rows and passwords."""
    if not isinstance(error, Error):
        return str(error).strip()
    return message_without(dialect_of(connections[alias]).message_of(error))


def client_of(dialect: Dialect) -> Client:
    """The database's own client. Raises JetbaseError where none is known."""
    vendor = dialect.connection.vendor
    client: type[Client] | None = _part(vendor, "client", "Client", None)
    if client is None:
        raise JetbaseError(f"There is no script for {vendor}: its client is not known.")
    return client(dialect)


def schema_of(dialect: Dialect, own: Collection[str]) -> list[str]:
    """Everything in a database but its rows, a sorted line (or block of lines) each.

    `own` are the tables of the history, which are no part of it.
    """
    vendor = dialect.connection.vendor
    found: type[Introspection] = _part(vendor, "introspection", "Introspection", Introspection)
    return found(dialect, own).lines()
