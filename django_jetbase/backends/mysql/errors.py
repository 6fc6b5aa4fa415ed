"""What MariaDB and MySQL say, by code, without the contents of rows; the privilege it lacks."""

import re
from typing import TYPE_CHECKING, Any

from django.db import Error

from ...files.script import Section
from ...sql.regex import compiled
from ...sql.scanner import Statement
from ..base.errors import FULL, SHOWN, Denied, Errors, RecordFault, lacks, read_only

if TYPE_CHECKING:
    from .backend import MySQLBackend

_NAMES_AROUND = {  # how many in quotes stand before the value, and how many behind it
    1062: (0, 1),  # duplicate entries
    1557: (1, 0),
    1569: (0, 1),
    1586: (0, 1),
    1741: (0, 1),
    1761: (1, 2),
    1762: (1, 0),
    1292: (0, 0),  # wrong values
    1300: (0, 0),
    1366: (0, 1),
    1367: (0, 0),
    1411: (0, 0),
    1525: (0, 0),
    1772: (0, 0),
    1916: (0, 0),
    1917: (0, 0),
    1918: (0, 0),
    3057: (0, 0),
    3854: (0, 0),
    4133: (0, 0),
    4163: (0, 0),
    6138: (0, 0),
}
_ALL_THAT_IT_SAYS = {
    1526: f"Table has no partition for value {SHOWN}",
    1863: f"Found a row in wrong partition {SHOWN}",
}
_DEGREES = compiled(r"-?\d+\.\d+")
_AS_DATETIME = compiled(r"(?<=datetime value ').*(?=' at row \d)", re.DOTALL)
_XPATH = r"(?<=XPATH syntax error: ').*(?=')|(?<=XPATH variable at: ').*(?=')"
_OTHERWISE = {
    1105: compiled(_XPATH, re.DOTALL),
    1977: compiled(r"0x[0-9A-F]+", re.IGNORECASE),
    3616: _DEGREES,
    3617: _DEGREES,
    3731: _DEGREES,
    3732: _DEGREES,
    4095: _AS_DATETIME,
    4096: _AS_DATETIME,
}
# Of SQL as the server has rewritten it, where a row that is found by its key stands as literals.
_SQL_VALUE = compiled(r"'(?:[^'\\]|\\.|'')*+(?:'|\Z)|(?<![\w`#])-?\d[\w.]*", re.DOTALL)
_COLUMN_AT_END = compiled(r"' for column '[^']*' at row -?\d+\Z")


_CHARACTER_SET = re.compile(r"\bNAMES\b|\bCHARSET\b|\bcharacter[ _]set", re.IGNORECASE)
DENIED = frozenset({1044, 1142, 1143, 1227, 1370})
_TRANSIENT = frozenset({1205, 1213})  # lock wait timeout, deadlock
_FULL = frozenset({3, 28, 1021, 1114})
_READ_ONLY = frozenset({1036, 1290, 1792, 1836})
_NEAR = re.compile(r"near '(?P<text>.*)' at line (?P<line>\d+)", re.DOTALL)


_MISSING = {
    1054: re.compile(r"Unknown column '(?P<name>[^']+)'"),
    1146: re.compile(r"Table '(?P<name>[^']+)' doesn't exist"),
    1305: re.compile(r"(?:FUNCTION|PROCEDURE) (?P<name>\S+) does not exist"),
    1356: re.compile(r"View '(?P<name>[^']+)' references"),
}

_RECORD_FAULTS = {
    1049: RecordFault.GONE,  # the database
    1146: RecordFault.GONE,
    1054: RecordFault.ALTERED,
    1048: RecordFault.EMPTIED,
    1644: RecordFault.KEPT_OUT,  # by a SIGNAL
    4025: RecordFault.KEPT_OUT,
    3819: RecordFault.KEPT_OUT,
}


class MySQLErrors(Errors):
    backend: "MySQLBackend"

    def record_fault(self, error: BaseException | None) -> RecordFault:
        return _RECORD_FAULTS.get(code_of(error)) or super().record_fault(error)

    def is_transient(self, error: BaseException | None) -> bool:
        return isinstance(error, Error) and code_of(error) in _TRANSIENT

    def readable(self, error: Exception, section: Section) -> Exception:
        """In another character set mysqlclient makes messages that end the process when read."""
        if not self.backend.is_mysqlclient or len(error.args) != 2:
            return error
        if self.backend.sends_all and not _CHARACTER_SET.search(section.text):
            return error
        try:
            ((_level, code, message),) = self.execute("SHOW ERRORS LIMIT 1")
        except (Error, ValueError):
            code, message = error.args[0], "the message of the server cannot be read"
        return type(error)(code, message)

    def offset_of(self, error: Exception, statement: Statement) -> int | None:
        near = _NEAR.search(str(error.args[-1]) if error.args else "")
        if not near:
            return None
        at = 0
        for _line in range(int(near["line"]) - 1):
            at = statement.text.find("\n", at) + 1
        found = statement.text.find(near["text"], at) if near["text"] else len(statement.text)
        if statement.text.endswith(near["text"]):
            found = len(statement.text) - len(near["text"])  # the server shows all that is left
        return statement.start + (found if found >= 0 else at)

    def missing(self, error: BaseException | None) -> str | None:
        pattern = _MISSING.get(code_of(error))
        found = pattern.search(str(error)) if pattern and error else None
        return found["name"] if found else None

    def message_of(self, error: BaseException | None) -> str:
        arguments = error.args if error else ()
        if len(arguments) != 2:
            return super().message_of(error)
        code, message = arguments
        return f"{without_rows(code, str(message))} ({code})"

    def remedy(
        self,
        error: BaseException | None,
        statement: Statement | None = None,
        section: Section | None = None,
    ) -> str:
        code = code_of(error)
        if code in DENIED:
            return lacks(grant_for(self.message_of(error), self._account, statement))
        if code in _READ_ONLY:
            return read_only(section)
        return FULL if code in _FULL else ""

    def denied_table(self, error: BaseException | None) -> Denied | None:
        denied = code_of(error) in DENIED
        found = _COMMAND_DENIED.search(self.message_of(error)) if denied else None
        if not found or found["kind"].lower() != "table":
            return None
        return Denied(found["name"].rpartition(".")[2].strip("`'"), self._account)

    @property
    def _account(self) -> str:
        try:
            ((account,),) = self.execute("SELECT CURRENT_USER()")
        except Error:  # it is not let in
            return "that user"
        user, _, host = account.rpartition("@")
        return f"'{user}'@'{host}'"


def has_not_begun(error: BaseException | None) -> bool:
    """Whether DDL was refused, or got none of its locks, before it did anything."""
    return code_of(error) in {*DENIED, *_TRANSIENT, 1064}


def code_of(error: BaseException | None) -> Any:
    return error.args[0] if error and error.args else None


def without_rows(code: int, message: str) -> str:
    if code in _ALL_THAT_IT_SAYS:
        return _ALL_THAT_IT_SAYS[code]
    if code in _OTHERWISE:
        return _OTHERWISE[code].sub(SHOWN, message, count=1)
    if code == 1003:
        return _without_literals(message)
    if code == 1690:
        head, quote, rest = message.partition("'")
        sql, _quote, tail = rest.rpartition("'")
        return f"{head}{quote}{_without_literals(sql)}{quote}{tail}"
    if code not in _NAMES_AROUND:
        return message
    return _without_quoted(message, *_names_around(code, message))


def _names_around(code: int, message: str) -> tuple[int, int]:
    before, behind = _NAMES_AROUND[code]
    if code == 1292 and _COLUMN_AT_END.search(message):  # it may be about no column
        return before, 1
    if code == 1366 and "`" in message:  # MariaDB quotes names by these
        return before, 0
    if code == 1062 and message[-1:].isdigit():  # the number of a key instead of its name
        return before, 0
    return before, behind


def _without_quoted(message: str, before: int, behind: int) -> str:
    """Without all that stands between so many names at either end."""
    quotes = [place for place, char in enumerate(message) if char == "'"]
    if len(quotes) < 2 * (before + behind + 1):
        before = behind = 0
    if len(quotes) < 2:
        return message
    start, end = quotes[2 * before], quotes[-1 - 2 * behind]
    return f"{message[: start + 1]}{SHOWN}{message[end:]}"


def _without_literals(sql: str) -> str:
    return _SQL_VALUE.sub(lambda match: f"'{SHOWN}'" if match[0][0] == "'" else SHOWN, sql)


# ---- privileges

_COMMAND_DENIED = re.compile(
    r"(?P<command>[A-Z ]+?) command denied to user \S+ for"
    r" (?P<kind>table|routine|column)s? (?P<name>\S+)",
    re.IGNORECASE,
)
_ACCESS_DENIED = re.compile(r"Access denied for user \S+ to database '(?P<name>[^']*)'")
# What files with tables, views, triggers and routines need of a database, and the history too.
_TO_MIGRATE = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE VIEW,"
    " SHOW VIEW, TRIGGER, CREATE ROUTINE, ALTER ROUTINE, EXECUTE, CREATE TEMPORARY TABLES,"
    " LOCK TABLES"
)
_ON_DATABASE = {  # what is refused for the whole of it
    "LOCK TABLES": "SELECT, LOCK TABLES",
    "TEMPORARY TABLE": "CREATE TEMPORARY TABLES",
    "PROCEDURE": "CREATE ROUTINE, ALTER ROUTINE",
    "FUNCTION": "CREATE ROUTINE, ALTER ROUTINE",
    "EVENT": "EVENT",
    "DROP DATABASE": "DROP",
    "DROP SCHEMA": "DROP",
    "CREATE DATABASE": "CREATE",
    "CREATE SCHEMA": "CREATE",
    "USE ": "SELECT",
}
_NEEDS = re.compile(r"need \(at least one of\) the (?P<privileges>.+?) privilege")


def grant_for(message: str, account: str, statement: Statement | None = None) -> str:
    """The statement that gives an account what the message says is lacking; empty if unknown.

    The message names the user, but not the account. `statement` is the one that was refused, if
    it was one of a file.
    """
    if found := _COMMAND_DENIED.search(message):
        command, name = found["command"].strip().upper(), found["name"].strip("'")
        if command == "GRANT" or found["kind"].lower() == "routine":
            return ""  # the message does not tell which
        if command.startswith("CREATE"):  # what is not there yet
            name = f"{name.split('.')[0]}.*"
        return f"GRANT {command} ON {name} TO {account}"
    if found := _ACCESS_DENIED.search(message):
        name = found["name"].replace("`", "``")
        return f"GRANT {_privileges_for(statement)} ON `{name}`.* TO {account}"
    if found := _NEEDS.search(message):
        return f"GRANT {found['privileges'].split(',')[0].strip()} ON *.* TO {account}"
    return ""


def _privileges_for(statement: Statement | None) -> str:
    """Those that a statement needs on a database, as far as its words tell; or to be let in."""
    if statement is None:
        return _TO_MIGRATE
    words = " ".join(statement.text[:500].upper().split())
    return next((found for text, found in _ON_DATABASE.items() if text in words), _TO_MIGRATE)
