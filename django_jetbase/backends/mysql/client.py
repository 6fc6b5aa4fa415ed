import re
from collections.abc import Collection, Iterator, Mapping
from typing import ClassVar

from django.db import DatabaseError

from ...files.script import Section
from ...sql.queries import Expression, Query
from ...sql.scanner import Statement, terminated
from ..base.client import Client
from ..base.session import Frame, Leftover, Setting
from .backend import MySQLBackend
from .session import CHARACTER_SETS, NEW_SESSION, UNSETTABLE

_NAME = r"(?:`(?:[^`]|``)+`|[\w$]+)"
_TEMPORARY = re.compile(
    rf"\bTEMPORARY\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?({_NAME}(?:\s*\.\s*{_NAME})?)", re.IGNORECASE
)
_VARIABLE = re.compile(rf"(?<![@`'\"])@({_NAME}|'[^'\\\n]+'|\"[^\"\\\n]+\")(?!\w)")
_LOCK = re.compile(r"\bGET_LOCK\s*\(\s*('[^'\\\n]+')", re.IGNORECASE)
_PREPARED = re.compile(rf"\bPREPARE\s+({_NAME})\s+FROM\b", re.IGNORECASE)
_DELIMITERS = ("//", "$$", "~~", "||", "@@", "!!", "%%", "??")
_PLAIN = re.compile(r"[ -\[\]-~]*")  # what is the same in every character set and SQL mode
# What a routine may set without being named in the file that calls it.
_OFTEN_SET = frozenset(
    "sql_mode foreign_key_checks unique_checks check_constraint_checks sql_safe_updates time_zone"
    " autocommit default_storage_engine group_concat_max_len".split()
)


class MySQLClient(Client):
    """The clients `mariadb` and `mysql`, which stop at the first error by themselves."""

    backend: MySQLBackend
    usage: ClassVar[str] = "mariadb --comments DATABASE < SCRIPT"
    begin: ClassVar[str] = "START TRANSACTION;"
    stamp: ClassVar[Mapping[str, Expression]] = {
        "at": Expression("UTC_TIMESTAMP(6)"),
        "database_user": Expression("SUBSTRING_INDEX(USER(), '@', 1)"),
        "host": Expression("SUBSTRING_INDEX(USER(), '@', -1)"),
    }
    start: ClassVar[str] = "SET @jetbase_started = UTC_TIMESTAMP(6);"
    elapsed: ClassVar[Expression] = Expression(
        "TIMESTAMPDIFF(MICROSECOND, @jetbase_started, UTC_TIMESTAMP(6)) DIV 1000"
    )

    session: ClassVar[tuple[Expression, Expression]] = (
        Expression("CONNECTION_ID()"),
        Expression("''"),
    )

    def head(self) -> Iterator[str]:
        session = self.backend.session
        session.note()
        yield f"USE {self.backend.quote(str(session.database))};"
        others = dict(self.execute("SHOW GLOBAL VARIABLES"))
        own = [n for n, value in session.variables.items() if others.get(n, value) != value]
        names = [*CHARACTER_SETS, "collation_connection", *own]
        for setting in session.settings(name for name in names if not UNSETTABLE.fullmatch(name)):
            yield from self.set(setting)

    def fail_unless(self, condition: Query, message: str) -> Iterator[str]:
        """Read a table that does not exist: its name is the message."""
        sql = self.rendered(condition)
        yield f"SET @jetbase_sql = IF({sql}, 'DO 0', 'SELECT * FROM `{message}`');"
        yield "PREPARE jetbase_check FROM @jetbase_sql;"
        yield "EXECUTE jetbase_check;"
        yield "DEALLOCATE PREPARE jetbase_check;"

    def set(self, setting: Setting) -> Iterator[str]:
        if setting is NEW_SESSION:
            return
        if not setting.may_fail or self._runs(setting.sql):
            yield from super().set(setting)

    def _runs(self, sql: str) -> bool:
        """Whether the variable can be set; here it has its value already."""
        try:
            self.execute(sql)
        except DatabaseError:
            return False
        return True

    def moved(self, section: Section, frame: Frame) -> Collection[str]:
        words = {*super().moved(section, frame), "collation_connection"}
        return words | _OFTEN_SET if words & {"call", "execute"} else words

    def left(self, section: Section) -> Collection[Leftover]:
        """What the section names. A client cannot make its session anew, and keep its lock."""
        text = section.text
        found = {
            "TABLE": _TEMPORARY.findall(text),
            "VARIABLE": [f"@{name}" for name in _VARIABLE.findall(text)],
            "PREPARE": _PREPARED.findall(text),
            "LOCK": _LOCK.findall(text),
        }
        return [Leftover(kind, name) for kind, names in found.items() for name in sorted({*names})]

    def statement(self, statement: Statement, section: Section) -> str:
        sql = self.backend.operations.as_sent(statement, section)
        if "\r\n" in sql:
            raise ValueError("the client drops a carriage return at the end of a line")
        if ";" not in sql:
            return terminated(sql)
        delimiter = next(mark for mark in self._delimiters() if mark not in sql)
        return f"DELIMITER {delimiter}\n{sql}\n{delimiter}\nDELIMITER ;"

    def _delimiters(self) -> Iterator[str]:
        yield from _DELIMITERS
        length = 3
        while True:
            yield "$" * length
            length += 1

    def may_leave_open(self, section: Section) -> bool:
        """With autocommit off any statement may."""
        return True

    def text_literal(self, value: str) -> str:
        if _PLAIN.fullmatch(value):
            return super().text_literal(value)
        return f"CONVERT({self.bytes_literal(value.encode())} USING utf8mb4)"
