import codecs
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from ...sql.lexicon import Lexicon
from ...sql.queries import Certain, Query
from .character_set import CharacterSet
from .values import Notice, RowNotWritten

if TYPE_CHECKING:
    from .client import Client
    from .creation import Creation
    from .errors import Errors
    from .features import Features
    from .introspection import Introspection
    from .locking import Locking
    from .objects import Objects
    from .operations import Operations
    from .schema import Schema
    from .session import Session
    from .steps import Steps


def class_beside(owner: type, name: str) -> Any:
    """The class of a subject in the module of that name beside a backend.

    It is named like the backend and the subject. Where there is no such module, it is that of the
    class the backend derives from.
    """
    for base in owner.__mro__:
        package = base.__module__.rpartition(".")[0]
        if package and find_spec(f"{package}.{name}"):
            break
    prefix = base.__name__.removesuffix("Backend")
    return getattr(import_module(f"{package}.{name}"), prefix + name.title())


class _PartOf:
    """A part of a backend, made when it is first asked for."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, backend: Any, owner: type) -> Any:
        if backend is None:
            return self
        backend.__dict__[self.name] = part = class_beside(owner, self.name)(backend)
        return part


def part() -> Any:
    return _PartOf()


class Backend:
    """One database, over a connection of Django's; this one serves those that have no other.

    Like the backends of Django it has a part for each subject. Connections are in autocommit mode
    while it uses them.
    """

    features: "Features" = part()  # what it can
    operations: "Operations" = part()  # how a section runs
    steps: "Steps" = part()  # how one without a transaction runs, and goes on
    session: "Session" = part()  # what a section may change, and how that is put back
    errors: "Errors" = part()  # what an error says and means
    locking: "Locking" = part()  # who lives and who waits
    objects: "Objects" = part()  # what repeatable files make, and whether it is still so
    introspection: "Introspection" = part()  # which tables there are, and where
    schema: "Schema" = part()  # everything in it, to compare
    creation: "Creation" = part()  # scratch and test databases
    client: "Client" = part()  # a script for its own client

    lexicon: Lexicon = Lexicon()
    quote_mark: ClassVar[str] = ""  # around a name, doubled in it; empty: as Django quotes it
    # Whether a statement in progress keeps Python from raising, so that it must be cancelled.
    blocks: ClassVar[bool] = True
    wait: float = 0.0  # the seconds that `begin` waits where the transaction is the lock

    def __init__(self, connection: BaseDatabaseWrapper, notice: Notice = lambda text: None) -> None:
        self.connection = connection
        self.notice = notice
        self._busy = False
        self.interrupted: BaseException | None = None  # by what is to be raised

    def quote(self, name: str) -> str:
        """A name as SQL, whatever characters it has."""
        if mark := self.quote_mark:
            return f"{mark}{name.replace(mark, mark * 2)}{mark}"
        return str(self.connection.ops.quote_name(name))

    def quote_all(self, names: Iterable[str]) -> dict[str, str]:
        """Each of the names as SQL."""
        return {name: self.quote(name) for name in names}

    def companion(self) -> Self:
        """The same database over a connection of its own, for use in another thread."""
        connection = self.connection.copy()
        connection.settings_dict["OPTIONS"].pop("pool", None)
        return type(self)(connection)

    # ---- the connection

    @property
    def unsupported(self) -> str:
        """Why migrations cannot be run through the driver of the connection; empty if they can."""
        return ""

    @property
    def encoding(self) -> str:
        """Python's name of the encoding in which text is sent. Raises Error where it has none."""
        return "utf-8"

    @property
    def sends_all(self) -> bool:
        """Whether the connection can send every character."""
        return codecs.lookup(self.encoding).name == "utf-8"

    def character_sets(self) -> Iterator["CharacterSet"]:
        """Those that lack characters, and that all text goes through. Raises Error."""
        if not self.sends_all:
            yield CharacterSet(self.encoding)

    def sendable(self, text: str) -> str:
        """The text with escapes for the characters that cannot be sent."""
        for one in self.character_sets() if not text.isascii() else ():
            text = one.with_escapes(text)
        return text

    def is_connected(self) -> bool:
        """Whether the connection still lives."""
        return self.connection.connection is not None and self.connection.is_usable()

    @property
    def is_private(self) -> bool:
        """Whether no other session can come to this database."""
        return False

    @property
    def is_pooled(self) -> bool:
        """Whether a pooler stands between, so that a session may be at work for others too."""
        return False

    def takes_writes(self) -> bool:
        """Whether this is known to be a database that can be written to."""
        return True

    # ---- transactions of the tool's own

    def in_transaction(self) -> bool:
        """Whether the session is known to have a transaction open, whoever began it."""
        return False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction for queries of the tool's own."""
        self.begin()
        try:
            yield
            self.commit()
        except BaseException:
            self.rollback()
            raise

    def begin(self) -> None:
        self.connection.set_autocommit(False)

    def commit(self) -> None:
        self.connection.commit()
        self.connection.set_autocommit(True)

    def rollback(self) -> None:
        """Leave whatever transaction is open; a dead connection is closed."""
        try:
            self.roll_back()
        except (Error, ValueError):
            self.connection.close()

    def roll_back(self) -> None:
        """Leave whatever transaction is open. Raises Error on a dead connection."""
        self.connection.rollback()
        self.connection.set_autocommit(True)

    # ---- being interrupted

    def interrupt(self, error: BaseException) -> None:
        """Raise the error, now or before the next statement; called in the thread that runs."""
        self.interrupted = error
        if not self._busy:
            raise error

    def cancel(self) -> None:
        """Let the statement in progress fail; called in another thread. Raises database errors."""

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A statement is in progress."""
        if self.interrupted:
            raise self.interrupted
        self._busy = self.blocks
        try:
            yield
        finally:
            self._busy = False

    # ---- queries of the tool's own

    def cursor(self) -> CursorWrapper:
        """A cursor whose statements Django's query log does not keep."""
        self.connection.ensure_connection()
        with self.connection.wrap_database_errors:
            return self.connection.make_cursor(self.connection.create_cursor())

    def change(self, query: Query) -> int:
        """Run one query and return how many rows it changed, or gave."""
        with self.cursor() as cursor:
            cursor.execute(*query)
            return len(cursor.fetchall()) if cursor.description else int(cursor.rowcount)

    def write(self, queries: Iterable[Query]) -> None:
        """Run queries. Raises RowNotWritten for one that was certain to change, or give, a row."""
        for query in queries:
            if not self.change(query) and isinstance(query, Certain):
                raise RowNotWritten("a row of the history was not written")

    def execute(self, sql: str, params: tuple[Any, ...] | None = None) -> list[tuple[Any, ...]]:
        """Run one query and return its rows; without parameters as it stands."""
        with self.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall()) if cursor.description else []


class Part:
    """What belongs to one subject."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.connection = backend.connection
        self.execute = backend.execute
