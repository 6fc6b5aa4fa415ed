import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import Error

from ...exceptions import SettingsError
from ...files.script import Section
from ..base.backend import Backend
from ..base.session import Frame, Moved, Session, Setting
from .backend import SENDS_MESSAGES, PostgreSQLBackend
from .errors import notice_without_rows, said_by, without_rows

CHECK_DEFERRED = "SET CONSTRAINTS ALL IMMEDIATE"  # while the session is still the file's


class PostgreSQLSession(Session):
    backend: PostgreSQLBackend

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._put_back: list[Setting] = []

    def note(self) -> None:
        rows = self.execute(
            "SELECT 'role', current_setting('role') UNION ALL"
            " SELECT name, current_setting(name) FROM pg_settings"
            " WHERE source = 'session' AND context IN ('user', 'superuser')"
            " AND name NOT LIKE 'transaction\\_%%'",
            (),
        )
        self.role = rows[0][1]
        compose = self.backend.compose
        calls = ", ".join(compose("set_config(%s, %s, false)", row) for row in rows[1:])
        self.put_back_with(calls, compose("%s", (self.role,)) if self.role != "none" else "")

    def put_back_with(self, calls: str, role: str) -> None:
        """Have the session put back by calls of set_config, and to a role; both as SQL.

        The role comes last, since it may not be allowed to set what the user has set.
        """
        selected = [calls] if calls else []
        selected += [f"set_config('role', {role}, false)"] if role else []
        statements = ["RESET SESSION AUTHORIZATION", "RESET ALL"]
        statements += [f"SELECT {', '.join(selected)}"] if selected else []
        self._put_back = [Setting(sql) for sql in statements]

    def frame(self, section: Section, *, atomic: bool) -> Frame:
        settings = list(self._asked_for(section, "SET LOCAL" if atomic else "SET"))
        return Frame(
            before=() if atomic else settings,
            first=settings if atomic else (),
            check=(CHECK_DEFERRED,),
            restore=self._restore,
        )

    def _asked_for(self, section: Section, how: str) -> Iterator[Setting]:
        """What the directives of a section set; timeouts are in milliseconds."""
        given, places = section.directives, section.places
        for name in ("lock_timeout", "statement_timeout"):
            seconds = getattr(given, name)
            if seconds is not None:
                yield Setting(f"{how} {name} = {round(seconds * 1000)}", places.get(name))
        if given.role is not None and self.backend.features.has_roles:
            yield Setting(f"{how} ROLE {self.backend.quote(given.role)}", places.get("role"))

    def _restore(self, moved: Moved) -> Iterable[Setting]:
        """Everything, since that takes one message, and asking another."""
        return self._put_back

    @contextmanager
    def kept(self) -> Iterator[None]:
        with super().kept():
            if not SENDS_MESSAGES:
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
        options = self.connection.settings_dict["OPTIONS"]
        had, usual = "assume_role" in options, options.get("assume_role")
        ((before,),) = self.execute("SELECT current_setting('role')")
        self.execute(f"SET ROLE {self.backend.quote(role)}")
        options["assume_role"] = role
        try:
            yield
        finally:
            options["assume_role"] = usual
            if not had:
                del options["assume_role"]
            with suppress(Error):  # in a transaction that has failed, whose end takes it back
                if self.backend.is_connected():
                    own = before if before == "none" else self.backend.quote(before)
                    self.execute(f"SET ROLE {own}")
