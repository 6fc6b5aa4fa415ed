import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import Error
from django.db.backends.signals import connection_created

from ...exceptions import SettingsError
from ...files.script import Section
from ...sql.queries import Query
from ..base.backend import Backend
from ..base.session import Changes, Frame, Session, Setting
from .backend import IS_PSYCOPG3, PostgreSQLBackend
from .errors import notice_without_rows, said_by, without_rows

CHECK_DEFERRED = "SET CONSTRAINTS ALL IMMEDIATE"  # while the session is still the file's
# What else only the session has, and a transaction may throw away. Cursors may read what is next.
_FORGET_SEQUENCES = Setting("DISCARD SEQUENCES")
_FORGET = ("CLOSE ALL", "DISCARD TEMP", "UNLISTEN *")
_FORGET_LOCKS = Setting("SELECT pg_advisory_unlock_all()")
_NOT_APART = ("pool", "prepare_threshold")  # the options with which a session is unfit
_HOLDS = (
    "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())"
    " OR EXISTS (SELECT FROM pg_prepared_statements WHERE from_sql)"
    " OR EXISTS (SELECT FROM pg_cursors WHERE is_holdable)"
    " OR EXISTS (SELECT FROM pg_listening_channels())"
    " OR pg_my_temp_schema() <> 0 AND ("
    "EXISTS (SELECT FROM pg_class WHERE relnamespace = pg_my_temp_schema())"
    " OR EXISTS (SELECT FROM pg_type WHERE typnamespace = pg_my_temp_schema())"
    " OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = pg_my_temp_schema()))"
)
_LAST_VALUE = re.compile(r"\blastval\b", re.IGNORECASE)


class PostgreSQLSession(Session):
    backend: PostgreSQLBackend

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._put_back: list[Setting] = []
        self.is_equipped = False  # by receivers of connection_created, with more than settings

    def note(self) -> None:
        rows = self.execute(
            f"SELECT 'holds', ({_HOLDS})::text UNION ALL SELECT 'user', session_user"
            " UNION ALL SELECT 'role', current_setting('role') UNION ALL"
            " SELECT name, current_setting(name) FROM pg_settings"
            " WHERE source = 'session' AND context IN ('user', 'superuser')"
            " AND name NOT LIKE 'transaction\\_%%'",
            (),
        )
        (_, held), (_, user), (_, self.role), *settings = rows
        self.is_equipped = held == "true"
        compose = self.backend.compose
        calls = ", ".join(compose(Query("set_config(%s, %s, false)", row)) for row in settings)
        role = compose(Query("%s", (self.role,))) if self.role != "none" else ""
        self.put_back_with(calls, role, user if user != self.backend.info.user else None)

    @property
    def is_unfit(self) -> bool:
        """Where psycopg prepares statements, which go with all others, or the pool has it back."""
        return self._prepares_itself or bool(self.connection.settings_dict["OPTIONS"].get("pool"))

    def equip(self) -> None:
        """Let receivers make again what has gone with that of a file.

        A session in which they fail is not used any more; it is no failure of the file.
        """
        if self.is_equipped:
            try:
                connection_created.send(type(self.connection), connection=self.connection)
            except Error:
                self.connection.close()

    def holds(self, sections: Iterable[Section] | None) -> bool:
        return self.execute(f"SELECT {_HOLDS}") == [(True,)]

    def as_noted(self) -> Iterable[Setting]:
        return self._put_back

    def settings_apart(self, role: str | None) -> dict[str, Any]:
        given = self.connection.settings_dict
        options = {
            name: value for name, value in given["OPTIONS"].items() if name not in _NOT_APART
        }
        return {**given, "OPTIONS": options | ({"assume_role": role} if role else {})}

    def put_back_with(self, calls: str, role: str, user: str | None = None) -> None:
        """Have the session put back by calls of set_config, and to a role; both as SQL.

        The role comes last, since it may not be allowed to set what the user has set. A `user` is
        what the session was given by SET SESSION AUTHORIZATION.
        """
        selected = [calls] if calls else []
        selected += [f"set_config('role', {role}, false)"] if role else []
        statements = ["RESET SESSION AUTHORIZATION", "RESET ALL", *_FORGET]
        statements += [] if self._prepares_itself else ["DEALLOCATE ALL"]
        statements += [f"SET SESSION AUTHORIZATION {self.backend.quote(user)}"] if user else []
        statements += [f"SELECT {', '.join(selected)}"] if selected else []
        self._put_back = [Setting(sql) for sql in statements]

    @property
    def _prepares_itself(self) -> bool:
        return getattr(self.connection.connection, "prepare_threshold", None) is not None

    def frame(self, section: Section, *, atomic: bool) -> Frame:
        settings = list(self._asked_for(section, atomic=atomic))
        # What a record has taken may be the last value.
        before = [_FORGET_SEQUENCES] if _LAST_VALUE.search(section.text) else []
        return Frame(
            before=before if atomic else [*before, *settings],
            first=settings if atomic else (),
            check=(CHECK_DEFERRED,),
            restore=self._restore,
            after=self._restore_after,
        )

    def _asked_for(self, section: Section, *, atomic: bool) -> Iterator[Setting]:
        """What the directives of a section set, and Django sets for a transaction.

        Timeouts are in milliseconds.
        """
        given, places, how = section.directives, section.places, "SET LOCAL" if atomic else "SET"
        if atomic and "isolation_level" in self.connection.settings_dict["OPTIONS"]:
            connection: Any = self.connection
            level = connection.isolation_level.name.replace("_", " ")
            yield Setting(f"SET TRANSACTION ISOLATION LEVEL {level}")
        for name in ("lock_timeout", "statement_timeout"):
            seconds = getattr(given, name)
            if seconds is not None:
                yield Setting(f"{how} {name} = {round(seconds * 1000)}", places.get(name))
        if given.role is not None and self.backend.features.has_roles:
            yield Setting(f"{how} ROLE {self.backend.quote(given.role)}", places.get("role"))

    def _restore(self, changes: Changes) -> Iterable[Setting]:
        """Everything, since that travels with the file, and asking does not."""
        return self._put_back

    def _restore_after(self, changes: Changes) -> Iterable[Setting]:
        """What the file has locked is free when all can see what it did; a record has an id."""
        return (_FORGET_LOCKS, _FORGET_SEQUENCES)

    @contextmanager
    def kept(self) -> Iterator[None]:
        with super().kept():
            if not IS_PSYCOPG3:
                yield
                return
            raw = self.connection.connection
            raw.add_notice_handler(self._hear)
            try:
                yield
            finally:
                raw.remove_notice_handler(self._hear)

    def _hear(self, diagnostic: Any) -> None:
        said = without_rows(said_by(diagnostic))
        self.backend.notice(f"{diagnostic.severity}: {said.primary}")

    def tell_notices(self) -> None:
        """Those that psycopg2 has kept."""
        notices = self.connection.connection.notices
        for text in notices:
            said = re.sub(r":\s+", ": ", text.strip(), count=1)
            self.backend.notice(notice_without_rows(said))
        notices.clear()

    @contextmanager
    def role_of(self, role: str | None) -> Iterator[None]:
        """A connection that is made meanwhile, or copied from this one, has the role too."""
        if role is None:
            yield
            return
        if self.backend.is_pooled:
            raise SettingsError(
                'JETBASE["ROLE"] is a role of the session, which behind a pooler is other clients\''
                f" too, and the alias {self.connection.alias!r} connects through one. Run this on"
                " an alias that connects to the server itself (--database)."
            )
        shared = self.connection.settings_dict  # with the connections of other threads
        ((before,),) = self.execute("SELECT current_setting('role')")
        self.execute(f"SET ROLE {self.backend.quote(role)}")
        if not shared["OPTIONS"].get("pool"):
            options = shared["OPTIONS"] | {"assume_role": role}
            self.connection.settings_dict = {**shared, "OPTIONS": options}
        try:
            yield
        finally:
            self.connection.settings_dict = shared
            with suppress(Error):  # in a transaction that has failed, whose end takes it back
                if self.backend.is_connected():
                    own = before if before == "none" else self.backend.quote(before)
                    self.execute(f"SET ROLE {own}")
