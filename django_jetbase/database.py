"""One alias with all that belongs to it, and the frame of everything that writes."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import DatabaseError, Error, IntegrityError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from .backends import backend_of
from .backends.base.backend import Backend
from .backends.base.errors import lacks
from .backends.base.values import Holder, Notice
from .conf import Settings, aliases_in_use
from .exceptions import AtomicError, HistoryError, LockError, ReadOnlyError, SettingsError
from .files.script import Section
from .history.heartbeat import USUAL, Timing
from .history.history import History
from .history.lease import Lease
from .history.lock import Lock, LockStatus
from .history.recorder import Recorder
from .history.tables import Tables, table_names
from .models import MadeObject
from .sql.redaction import message_without, with_names

logger = logging.getLogger("django_jetbase")
logger.addHandler(logging.NullHandler())  # a command shows by itself what it does


class Database:
    """The settings, connection and backend of one alias, and its history to read and to write."""

    def __init__(
        self,
        alias: str,
        notice: Notice = lambda text: None,
        lock_wait: float | None = None,
        timing: Timing = USUAL,
    ) -> None:
        self.alias = alias
        self.settings = Settings.of(alias)
        self.lock_wait = self.settings.lock_wait if lock_wait is None else lock_wait
        self.connection = connections[alias]
        self._close_dead_connection()
        self._is_used = self.connection.connection is not None  # so that it may hold something
        refuse_moving_backend(self.connection)
        self.backend = backend_of(self.connection, self._hear)
        refuse_unfit(self.backend, self.settings)
        self._notice = notice
        self.tables = Tables(
            self.backend,
            self.settings.history_table_prefix,
            self.settings.history_schema,
            lambda: claimed_places(alias),
        )
        limit = self.settings.history_text_limit
        self.history = History(self.backend, self.tables, limit)
        self.lease = Lease(self.backend, self.tables)
        self.lock = Lock(self.backend, self.lease, timing)
        self.recorder = Recorder(self.backend, self.tables, limit, self.lease)

    def _close_dead_connection(self) -> None:
        """As before a request, since the server may have closed it meanwhile."""
        connection = self.connection
        if connection.connection is None or connection.in_atomic_block or not connection.autocommit:
            return
        if not connection.is_usable():
            connection.close()

    def _connect(self) -> None:
        """Raises SettingsError where the driver stumbles over what DATABASES has."""
        try:
            self.connection.ensure_connection()
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise SettingsError(
                f"The driver of the alias {self.alias!r} makes no connection of what DATABASES has"
                f" for it: {type(error).__name__}: {message_without(str(error))}."
            ) from error

    def _hear(self, text: str) -> None:
        values = self.settings.placeholders.items()
        text = with_names(text, ((f"${{{name}}}", value) for name, value in values))
        logger.info(text, extra={"database": self.alias})
        self._notice(text)

    def refuse_atomic(self) -> None:
        """Raise AtomicError where the caller has work open that a commit would end."""
        self._connect()
        if self.connection.in_atomic_block:
            raise AtomicError("Migrations commit, so they cannot run inside an atomic() block.")
        if not self.connection.get_autocommit() and self.backend.in_transaction():
            raise AtomicError("Migrations commit, so end the transaction that is open first.")

    @contextmanager
    def autocommit(self) -> Iterator[None]:
        """Autocommit, also for an alias that has AUTOCOMMIT off, in the role of the settings."""
        self._connect()
        before = self.connection.get_autocommit()
        if not before:
            self.connection.set_autocommit(True)
        try:
            with self.backend.session.role_of(self.settings.role):
                yield
        finally:
            if not before and self.connection.connection is not None:
                self.connection.set_autocommit(False)

    @contextmanager
    def apart(self, sections: Iterable[Section] | None) -> Iterator[None]:
        """Inside `autocommit`: a session in which a run of the sections may do as it likes.

        It is another one where somebody has used that of the connection, who may see, and lose,
        what files do to it. Where there can be no other one, it is left as it is if that is known
        to hold nothing. Raises Error where it holds something.
        """
        session = self.backend.session
        apart = (self._is_used or session.is_unfit) and not self.backend.is_private
        if apart and not session.is_kept_apart:
            apart = session.holds(sections)
        with ExitStack() as stack:
            if apart:
                session.note()
                given = session.settings_apart(self.settings.role)
                try:
                    stack.enter_context(_another(self.connection, given))
                except Error:
                    if session.holds(sections):
                        raise
                else:
                    self.backend.operations.set(session.as_noted())
            yield

    def renew(self) -> None:
        """Inside `autocommit`: where the connection is lost, make another like it."""
        if not self.backend.is_connected():
            self.connection.close()
            if not self.connection.get_autocommit():
                self.connection.set_autocommit(True)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read, in the role of the settings, and leave no transaction open that was not before."""
        self._connect()
        here = self.connection.in_atomic_block or self.connection.get_autocommit()
        if here or self.backend.in_transaction():
            with self.backend.session.role_of(self.settings.role):
                yield
        else:
            with self.autocommit():
                yield

    def remedy(self, error: BaseException | None, *, writes: bool) -> str:
        """The way out where a query of the tool's own has failed; empty where none is known.

        Whoever may not use the tables of the history is told all that is lacking at once: to read
        them, or to write as well.
        """
        denied = self.backend.errors.denied_table(error)
        if denied and denied.table in table_names(self.settings.history_table_prefix):
            return lacks("; ".join(self.tables.grants(denied.user, writes=writes)))
        return self.backend.errors.remedy(error)

    def create_schemas(self) -> None:
        """Create the schemas that the settings name, where they are missing."""
        self.backend.creation.create_schemas(self.settings.history_schema)

    def takes_writes(self) -> bool:
        with self.reading():
            return self.backend.takes_writes()

    def holder(self) -> Holder | None:
        """Who holds the lock, alive or not. Writes nothing and waits for nothing."""
        with self.reading():
            return self.lease.holder()

    def lock_status(self) -> LockStatus:
        """Who holds the lock. Writes nothing; waits some seconds for a sign of life if need be."""
        with self.reading():
            holder = self.lease.holder()
            return LockStatus(holder, holder is not None and self.lock.is_alive(holder))

    def unlock(self, holder: Holder, *, force: bool = False) -> None:
        """Take the lock away from its holder. Raises LockError where that is alive, unless forced.

        A run that loses its lock cannot record anything any more, and waits for it again.
        """
        self.refuse_atomic()
        with self.autocommit():
            if not force and self.lock.is_alive(holder):
                raise LockError(
                    f"{holder} is alive, so its lock stays; with --force its session is ended and"
                    " the lock removed.",
                    holder=holder,
                )
            self.lock.take_away(holder, self.lock_wait)

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """Hold the lock for a command, with the tables there; in autocommit mode.

        Raises LockError.
        """
        if not self.backend.takes_writes():
            raise ReadOnlyError(
                f"The database {self.alias!r} takes no writes; run this on its primary."
            )
        self.backend.wait = self.lock_wait
        self._create_tables()
        with self.lock.held(command, self.lock_wait):
            yield

    @contextmanager
    def recording(self, command: str) -> Iterator[None]:
        """One locked transaction in which the history is read and written."""
        self.refuse_atomic()
        with self.autocommit(), self.locked(command):
            try:
                with self.backend.transaction():
                    if self.backend.features.transaction_is_lock:
                        self.lock.ask()
                    yield
            except IntegrityError:
                self.lock.ask()
                raise

    def _create_tables(self) -> None:
        """Several processes may do so at once: who is late finds the tables there."""
        while missing := self.tables.missing():
            try:
                with self.backend.transaction():
                    self.recorder.write(self.recorder.creation())
            except DatabaseError as error:
                if self.tables.missing() != missing:
                    continue
                said = self.backend.errors.message_of(error)
                if missing == [MadeObject]:  # of an older release, for a user who makes no tables
                    self.backend.notice(f"What ROC files make is not known from now on: {said}")
                    return
                raise HistoryError(
                    f"The tables of the history cannot be created: {said}\n"
                    f"{self.backend.errors.remedy(error)}".strip()
                ) from error


@contextmanager
def _another(connection: BaseDatabaseWrapper, given: dict[str, Any]) -> Iterator[None]:
    """Meanwhile another connection of the driver, as Django makes it of the settings `given`."""
    names = ("settings_dict", "connection", "autocommit", "close_at")
    usual = {name: getattr(connection, name) for name in names}
    try:
        connection.settings_dict, connection.connection = given, None
        connection.ensure_connection()
        connection.set_autocommit(True)
        yield
    finally:
        try:
            connection.close()
        finally:
            for name, value in usual.items():
                setattr(connection, name, value)


def refuse_unfit(backend: Backend, settings: Settings) -> None:
    """Raise SettingsError for a driver or a setting with which nothing runs; asks no database."""
    if backend.unsupported:
        raise SettingsError(backend.unsupported)
    alias, features = backend.connection.alias, backend.features
    if settings.role is not None and not features.has_roles:
        raise SettingsError(f'JETBASE["ROLE"] is for PostgreSQL; the alias {alias!r} has none.')
    if settings.history_schema is not None and not features.has_schemas:
        raise SettingsError(
            f'JETBASE["HISTORY_SCHEMA"] is for PostgreSQL; the alias {alias!r} has none.'
            " HISTORY_TABLE_PREFIX gives the tables of the history other names."
        )


def refuse_moving_backend(connection: BaseDatabaseWrapper) -> None:
    """Raise SettingsError for a backend that sets the search_path by itself, at any time."""
    if moves_search_path(connection):
        raise SettingsError(
            f"The backend of the alias {connection.alias!r}, {connection.settings_dict['ENGINE']},"
            " moves the search_path by itself, as that of django-tenants does, so nothing tells in"
            " which schema files would run and the history would be: this is not supported. Give"
            " each schema an alias of its own with Django's backend."
        )


def moves_search_path(connection: BaseDatabaseWrapper) -> bool:
    """Whether it has the methods by which such backends are told where to go."""
    return any(hasattr(connection, name) for name in ("set_schema", "set_tenant"))


def claimed_places(alias: str) -> list[tuple[str | None, str]]:
    """The schema, if it is named, and the prefix of the histories of other aliases.

    Of those in a database of the same name, since a server has many addresses.
    """
    name = connections[alias].settings_dict["NAME"]
    found = []
    for other in aliases_in_use():
        if other != alias and connections[other].settings_dict["NAME"] == name:
            given = Settings.of(other)
            schema = (
                given.history_schema or backend_of(connections[other]).introspection.named_schema
            )
            found.append((schema, given.history_table_prefix))
    return found
