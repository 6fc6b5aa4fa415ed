import math
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from ...files.script import Section
from ..base.backend import Backend
from ..base.session import Frame, Moved, Session, Setting

_SESSION_WORDS = re.compile(r"\b(?:SET|USE|CALL|EXECUTE|LOCK|DATABASE|SCHEMA)\b", re.IGNORECASE)
_FOR_EVER = 31_536_000  # seconds
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
# What would cut or forbid what is read and written next, and on what every later text depends.
_HINDRANCES = ("max_statement_time", "max_execution_time", "max_join_size", "sql_big_selects")
CHARACTER_SETS = ("character_set_client", "character_set_connection", "character_set_results")
UNSETTABLE = re.compile(
    r"timestamp|.*insert_id|identity|rand_seed.|.*_count|in_transaction|gtid_.*|pseudo_.*|"
    r"last_.*|skip_parallel_.*|session_track_.*|.*_timeout_set|warning_.*|error_.*|proxy_user|"
    r"external_user|server_.*|rowid_.*|hostname|version.*|statement_id|.*_info"
)
ROLE = "role"  # among the names of variables


class MySQLSession(Session):
    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self.variables: dict[str, str] = {}  # that the run began with
        self.database: str | None = None
        self.thread = 0

    def note(self) -> None:
        self.variables = self._read()
        ((self.database, self.role, self.thread),) = self.execute(
            "SELECT DATABASE(), CURRENT_ROLE(), CONNECTION_ID()"
        )

    def _read(self) -> dict[str, str]:
        return dict(self.execute("SHOW SESSION VARIABLES"))

    def moved(self) -> Collection[str]:
        now, before = self._read(), self.variables
        found = {name for name, value in now.items() if before.get(name, value) != value}
        if self.execute("SELECT CURRENT_ROLE()") != [(self.role,)]:
            found.add(ROLE)
        return found

    def frame(self, section: Section, *, atomic: bool) -> Frame:
        asked_for = list(self._asked_for(section))
        if not asked_for and not _SESSION_WORDS.search(section.text):
            return Frame()
        return Frame(before=asked_for, restore=self._restore)

    def _asked_for(self, section: Section) -> Iterator[Setting]:
        """The timeouts of a section; those for locks are whole seconds."""
        lock, statement = section.directives.lock_timeout, section.directives.statement_timeout
        if lock is not None:
            place, seconds = section.places.get("lock_timeout"), math.ceil(lock) or _FOR_EVER
            for name in ("lock_wait_timeout", "innodb_lock_wait_timeout"):
                yield Setting(set_variable(name, str(seconds)), place)
        if statement is not None:
            place = section.places.get("statement_timeout")
            if self.is_mariadb:
                yield Setting(set_variable("max_statement_time", f"{statement:f}"), place)
            else:  # of queries only
                milliseconds = str(round(statement * 1000))
                yield Setting(set_variable("max_execution_time", milliseconds), place)

    def _restore(self, moved: Moved) -> Iterator[Setting]:
        yield Setting("SET SESSION sql_select_limit = DEFAULT")
        if self.is_mariadb:  # where it means none; on MySQL the next one would be 0
            yield Setting("SET SESSION insert_id = 0", may_fail=True)
        yield from self.settings([*_HINDRANCES, *CHARACTER_SETS])
        yield Setting("UNLOCK TABLES")
        if self.database:
            yield Setting(f"USE {self.backend.quote(self.database)}")
        names = moved()
        yield from self.settings(name for name in sorted(names) if not UNSETTABLE.fullmatch(name))
        yield Setting("SET timestamp = DEFAULT")
        if ROLE in names:
            yield Setting(self._set_role())

    def settings(self, names: Iterable[str]) -> Iterator[Setting]:
        """Give variables the values that they had; one that is read-only cannot have moved."""
        for name in names:
            if name in self.variables:
                yield Setting(set_variable(name, self.variables[name]), may_fail=True)

    def _set_role(self) -> str:
        """To the role that CURRENT_ROLE() gave: MySQL quotes the names in it."""
        if self.role in (None, "", "NONE"):
            return "SET ROLE NONE"
        return f"SET ROLE {self.backend.quote(self.role) if self.is_mariadb else self.role}"

    @property
    def is_mariadb(self) -> bool:
        connection: Any = self.connection
        return bool(connection.mysql_is_mariadb)


def set_variable(name: str, value: str) -> str:
    """SQL that sets a session variable, whose type SHOW VARIABLES does not tell."""
    if not _NUMBER.fullmatch(value):
        value = "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    return f"SET SESSION {name} = {value}"
