import math
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db.backends.signals import connection_created

from ...files.script import Section
from ...sql.scanner import Statement
from ...sql.tokens import OpenTokenError
from ..base.backend import Backend
from ..base.session import Changes, Frame, Session, Setting

if TYPE_CHECKING:
    from .backend import MySQLBackend

_SESSION_WORDS = re.compile(r"\b(?:SET|USE|CALL|EXECUTE|LOCK|DATABASE|SCHEMA)\b", re.IGNORECASE)
# What leaves more than settings: temporary tables, statements and variables by name, user locks,
# what sequences gave last, and variables that cannot be set back.
_LEAVES = re.compile(
    r"\b(?:CALL|EXECUTE|PREPARE|TEMPORARY|HANDLER|GET_LOCK|NEXTVAL|SETVAL|NEXT\s+VALUE|rand_seed[12]"
    r"|gtid_\w+|pseudo_\w+|skip_parallel_\w+|session_track_\w+|server_id|identity)\b",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"(?<![@`'\"])@(?!@)")
_RUNS_NO_ROUTINE = frozenset(
    "CREATE ALTER DROP RENAME TRUNCATE USE GRANT REVOKE COMMIT ROLLBACK LOCK UNLOCK".split()
)
_READS = re.compile(r"\b(?:SELECT|VALUES)\b", re.IGNORECASE)
_MAKES_ROUTINE = re.compile(r"\b(?:FUNCTION|PROCEDURE|TRIGGER|PACKAGE)\b", re.IGNORECASE)
# Where routines and triggers leave something, as far as this user may read them.
_WHERE_ROUTINES_LEAVE = (
    "SELECT routine_schema FROM information_schema.routines WHERE routine_definition IS NULL"
    " OR routine_definition REGEXP '@|GET_LOCK|TEMPORARY|PREPARE'"
    " UNION SELECT trigger_schema FROM information_schema.triggers"
    " WHERE action_statement REGEXP '@|GET_LOCK|TEMPORARY'"
)
_IDS = re.compile(r"\bLAST_INSERT_ID\b", re.IGNORECASE)
# Stands for COM_CHANGE_USER of the protocol, which makes the session anew.
NEW_SESSION = Setting("-- a new session")
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
# How a script takes back what it can name, by its kind.
_FORGET = {
    "TABLE": "DROP TEMPORARY TABLE IF EXISTS {}",
    "VARIABLE": "SET {} = NULL",
    "PREPARE": "PREPARE {0} FROM 'DO 0';\nDEALLOCATE PREPARE {0}",  # also where there is none
    "LOCK": "DO RELEASE_LOCK({})",
}
ROLE = "role"  # among the names of variables
# https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_reset_connection.html
_COM_RESET_CONNECTION = 0x1F


class MySQLSession(Session):
    """There is no list of what a session has, so it is made anew behind a file that may leave some.

    A file that cannot, by its text, costs nothing.
    """

    backend: "MySQLBackend"

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._leaving: set[str] | None = None  # the databases whose routines do, once it is asked
        self._makes_routines = False  # a file of the run
        self.variables: dict[str, str] = {}  # that the run began with
        self.database: str | None = None
        self.thread = 0

    def note(self) -> None:
        self._leaving, self._makes_routines = None, False
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
        leaves = self._may_leave(section)
        if not asked_for and not leaves and not _SESSION_WORDS.search(section.text):
            return Frame()
        frame = Frame(before=asked_for, restore=self._restore)
        return replace(frame, after=self._restore_after) if leaves else frame

    def holds(self, sections: Iterable[Section] | None) -> bool:
        """Nothing tells, so it may wherever a section would take it away."""
        return sections is None or any(map(self._may_leave, sections))

    def as_noted(self) -> Iterator[Setting]:
        """But for the database, which is that of the alias."""
        return self._back(self.moved())

    def _may_leave(self, section: Section) -> bool:
        """Whether the section may leave more than settings, by itself or by what it calls."""
        if _LEAVES.search(section.text) or self._has_variable(section):
            self._makes_routines |= _MAKES_ROUTINE.search(section.text) is not None
            return True
        if not any(map(self._may_run_routine, section.statements)):
            return False
        if self._leaving is None:
            self._leaving = {name.lower() for (name,) in self.execute(_WHERE_ROUTINES_LEAVE)}
        named = {str(self.connection.settings_dict["NAME"]).lower(), *words(section.text)}
        return self._makes_routines or not self._leaving.isdisjoint(named)

    def _has_variable(self, section: Section) -> bool:
        """Whether it names a user variable; what is quoted may be an address, or an account."""
        return "@" in section.text and any(
            _VARIABLE.search(statement.text, start, end)
            for statement in section.statements
            if "@" in statement.text
            for kind, start, end in self._pieces(statement)
            if not kind or statement.text.startswith(("/*!", "/*M!"), start)
        )

    def _pieces(self, statement: Statement) -> Iterable[tuple[str, int, int]]:
        rules = statement.rules or self.backend.lexicon
        try:
            return list(rules.pieces(statement.text))
        except OpenTokenError:
            return [("", 0, len(statement.text))]

    def _may_run_routine(self, statement: Statement) -> bool:
        is_plain = statement.keyword in _RUNS_NO_ROUTINE
        return not is_plain or _READS.search(statement.text) is not None

    def make_anew(self) -> None:
        """Have the session as Django makes one; its number stays. Raises Error."""
        raw = self.connection.connection
        params = self.connection.get_connection_params()
        is_hidden = "user" not in params and "read_default_file" in params
        changes_user = hasattr(raw, "change_user")
        if (is_hidden and changes_user) or not (changes_user or hasattr(raw, "_execute_command")):
            self.backend.notice(
                "What this file leaves in its session stays to the end of the run: to clear it"
                " takes PyMySQL, or mysqlclient with a user and a password from the settings."
            )
            return
        character_set = raw.character_set_name()
        with self.connection.wrap_database_errors:
            if changes_user:
                raw.change_user(
                    params.get("user", ""), params.get("password", ""), params.get("database", "")
                )
            else:  # PyMySQL has no name for it
                raw._execute_command(_COM_RESET_CONNECTION, b"")
                raw._read_ok_packet()
            raw.set_character_set(character_set)
        if command := params.get("init_command"):
            self.execute(command)
        self.connection.set_autocommit(True)
        self.connection.init_connection_state()
        connection_created.send(type(self.connection), connection=self.connection)
        self.backend.locking.claim_again()

    def _asked_for(self, section: Section) -> Iterator[Setting]:
        """The timeouts of a section; those for locks are whole seconds."""
        lock, statement = section.directives.lock_timeout, section.directives.statement_timeout
        if _IDS.search(section.text):
            yield Setting("DO LAST_INSERT_ID(0)")  # which may be that of a record
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

    def _restore_after(self, changes: Changes) -> Iterator[Setting]:
        yield from (Setting(_FORGET[kind].format(name)) for kind, name in changes.left())
        yield NEW_SESSION

    def put_back(self) -> Iterable[Setting]:
        """What a session that was made anew lacks."""
        return self._restore(self)

    def _restore(self, changes: Changes) -> Iterator[Setting]:
        yield Setting("SET SESSION sql_select_limit = DEFAULT")
        if self.is_mariadb:  # where it means none; on MySQL the next one would be 0
            yield Setting("SET SESSION insert_id = 0", may_fail=True)
        yield from self.settings([*_HINDRANCES, *CHARACTER_SETS])
        yield Setting("UNLOCK TABLES")
        if self.database:
            yield Setting(f"USE {self.backend.quote(self.database)}")
        yield from self._back(changes.moved())

    def _back(self, names: Collection[str]) -> Iterator[Setting]:
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


def words(text: str) -> set[str]:
    """The words of an SQL text, among which are the names in it."""
    return set(re.findall(r"[\w$]+", text.lower()))


def set_variable(name: str, value: str) -> str:
    """SQL that sets a session variable, whose type SHOW VARIABLES does not tell."""
    if not _NUMBER.fullmatch(value):
        value = "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    return f"SET SESSION {name} = {value}"
