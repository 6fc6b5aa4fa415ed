"""What is particular to each database: a folder with a backend, whose parts are those of `base`.

Nowhere else is it asked which database one has.
"""

from importlib import import_module
from importlib.util import find_spec

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ..sql.lexicon import Lexicon
from ..sql.redaction import message_without
from .base.backend import Backend, class_beside
from .base.values import Notice

# By `connection.vendor`, which is the name of the folder, how the names of its classes begin.
BACKENDS = {"postgresql": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite"}


def backend_of(connection: BaseDatabaseWrapper, notice: Notice = lambda text: None) -> Backend:
    """What is particular to the database of a connection; `notice` is told what it says."""
    return _backend_class(connection.vendor)(connection, notice)


def _backend_class(vendor: str) -> type[Backend]:
    if vendor not in BACKENDS:
        return Backend
    module = import_module(f".{vendor}.backend", __name__)
    backend: type[Backend] = getattr(module, f"{BACKENDS[vendor]}Backend")
    return backend


def lexicon_of(vendor: str) -> Lexicon:
    """How a database reads SQL in its default modes; needs no driver."""
    if vendor not in BACKENDS:
        return Lexicon()
    if find_spec(f".{vendor}.lexicon", __name__):
        module = import_module(f".{vendor}.lexicon", __name__)
        lexicon: type[Lexicon] = getattr(module, f"{BACKENDS[vendor]}Lexicon")
    else:
        lexicon = class_beside(_backend_class(vendor), "lexicon")
    return lexicon()


def message_of(error: BaseException, alias: str) -> str:
    """What an error says: one of the database without the contents of rows and passwords."""
    if not isinstance(error, Error):
        return str(error).strip()
    return message_without(backend_of(connections[alias]).errors.message_of(error))
