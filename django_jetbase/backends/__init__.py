"""What is particular to each database: a folder with a backend, whose parts are those of `base`.

Nowhere else is it asked which database one has.
"""

from importlib import import_module
from importlib.util import find_spec

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ..sql.lexicon import Lexicon
from ..sql.redaction import message_without
from .base.backend import Backend
from .base.values import Notice

# By `connection.vendor`, which is the name of the folder, how the names of its classes begin.
BACKENDS = {"postgresql": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite"}


def backend_of(connection: BaseDatabaseWrapper, notice: Notice = lambda text: None) -> Backend:
    """What is particular to the database of a connection; `notice` is told what it says."""
    vendor = connection.vendor
    if vendor not in BACKENDS:
        return Backend(connection, notice)
    module = import_module(f".{vendor}.backend", __name__)
    backend: type[Backend] = getattr(module, f"{BACKENDS[vendor]}Backend")
    return backend(connection, notice)


def lexicon_of(vendor: str) -> Lexicon:
    """How a database reads SQL in its default modes; needs no driver."""
    if vendor not in BACKENDS or not find_spec(f".{vendor}.lexicon", __name__):
        return Lexicon()
    module = import_module(f".{vendor}.lexicon", __name__)
    lexicon: type[Lexicon] = getattr(module, f"{BACKENDS[vendor]}Lexicon")
    return lexicon()


def message_of(error: BaseException, alias: str) -> str:
    """What an error says: one of the database without the contents of rows and passwords."""
    if not isinstance(error, Error):
        return str(error).strip()
    return message_without(backend_of(connections[alias]).errors.message_of(error))
