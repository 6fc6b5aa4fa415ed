import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from typing import ClassVar

from ...files.script import Section
from ...sql.queries import Expression, Query
from ...sql.scanner import Statement, terminated
from ..base.client import Client
from ..base.session import Frame, Leftover, Setting
from .backend import SQLiteBackend
from .references import unchecked, violations_sql

_NAME = r"""("(?:[^"]|"")+"|'(?:[^']|'')+'|`(?:[^`]|``)+`|\[[^\]]+\]|[\w$]+)"""
_TEMPORARY = re.compile(
    rf"CREATE (?:TEMP|TEMPORARY) (TABLE|VIEW|TRIGGER) (?:IF NOT EXISTS )?(?:temp ?\. ?)?{_NAME}"
    rf"|CREATE (?:VIRTUAL )?(TABLE|VIEW|TRIGGER) (?:IF NOT EXISTS )?temp ?\. ?{_NAME}",
    re.IGNORECASE,
)
_ATTACHED = re.compile(rf"\bAS\s+{_NAME}\s*(?:\bKEY\b.*)?\Z", re.IGNORECASE | re.DOTALL)
_DETACHED = re.compile(rf"DETACH (?:DATABASE )?{_NAME}", re.IGNORECASE)
_TIMEOUT = 60_000  # milliseconds
_NOW = "julianday('now')"
_TABLES = (
    f"CREATE TEMP TABLE jetbase_run AS SELECT {_NOW} AS started;",
    "CREATE TEMP TABLE jetbase_violations (found INTEGER"
    ' CONSTRAINT "rows would violate a foreign key" CHECK (found = 0));',
)


class SQLiteClient(Client):
    """The shell `sqlite3`, version 3.16 or later."""

    backend: SQLiteBackend
    usage: ClassVar[str] = "sqlite3 -batch DATABASE < SCRIPT"
    begin: ClassVar[str] = "BEGIN IMMEDIATE;"
    stamp: ClassVar[Mapping[str, Expression]] = {
        "at": Expression("strftime('%%Y-%%m-%%d %%H:%%M:%%f000', 'now')"),
        "database_user": Expression("''"),
        "host": Expression("''"),
    }
    start: ClassVar[str] = f"UPDATE temp.jetbase_run SET started = {_NOW};"
    elapsed: ClassVar[Expression] = Expression(
        f"CAST(({_NOW} - (SELECT started FROM temp.jetbase_run)) * 86400000 AS INTEGER)"
    )

    def head(self) -> Iterator[str]:
        yield ".bail on"
        yield f".timeout {_TIMEOUT}"
        session = self.backend.session
        session.note()
        del session.pragmas["journal_mode"]  # which a file may have changed for good
        with closing(sqlite3.connect(":memory:")) as plain:
            for name, value in session.pragmas.items():
                usual = plain.execute(f"PRAGMA {name}").fetchone()
                if usual and value != usual[0]:
                    yield f"PRAGMA {name} = {value};"
        session.pragmas["busy_timeout"] = _TIMEOUT
        yield from _TABLES

    def fail_unless(self, condition: Query, message: str) -> Iterator[str]:
        yield f'CREATE TEMP TABLE jetbase_check (ok INTEGER CONSTRAINT "{message}" CHECK (ok));'
        yield f"INSERT INTO temp.jetbase_check SELECT {self.rendered(condition)};"
        yield "DROP TABLE temp.jetbase_check;"

    def set(self, setting: Setting) -> Iterator[str]:
        name, _, value = setting.sql.removeprefix("PRAGMA ").partition(" = ")
        if name == "busy_timeout":
            yield f".timeout {value}"  # which shows nothing
        else:
            yield from super().set(setting)
        yield from self._tables_again(setting.sql)

    def _tables_again(self, sql: str) -> Iterator[str]:
        """After what may have emptied the temporary database."""
        if "temp_store" in sql.lower():
            yield from (table.replace("TABLE", "TABLE IF NOT EXISTS", 1) for table in _TABLES)

    def left(self, section: Section) -> Collection[Leftover]:
        found, detached = [], set()
        for statement in section.statements:
            lead = self.backend.operations.lead(statement)
            if match := _TEMPORARY.match(lead):
                kind, name = filter(None, match.groups())
                found.append(Leftover(kind.upper(), _unquoted(name)))
            elif statement.keyword == "ATTACH" and (match := _ATTACHED.search(statement.sql)):
                found.append(Leftover("DATABASE", _unquoted(match[1])))
            elif statement.keyword == "DETACH" and (match := _DETACHED.match(lead)):
                detached.add(_unquoted(match[1]).lower())
        found.sort(key=lambda leftover: leftover.kind, reverse=True)  # tables last
        return [one for one in found if one.kind != "DATABASE" or one.name.lower() not in detached]

    def begin_check(self, frame: Frame) -> Iterator[str]:
        if frame.checks_references:
            yield f"CREATE TEMP TABLE jetbase_violations_before AS {self._violations()};"

    def check(self, frame: Frame) -> Iterator[str]:
        if frame.checks_references:
            before = "SELECT * FROM temp.jetbase_violations_before"
            new = f"SELECT count(*) FROM ({self._violations()} EXCEPT {before})"
            yield f"INSERT INTO temp.jetbase_violations {new};"
            yield "DROP TABLE temp.jetbase_violations_before;"

    def _violations(self) -> str:
        names = tuple(unchecked(self.backend))
        return self.rendered(Query(violations_sql(len(names)), names))

    def statement(self, statement: Statement, section: Section) -> str:
        sql = self.backend.operations.as_sent(statement, section)
        if "\r\n" in sql:
            raise ValueError("the sqlite3 shell drops a carriage return at the end of a line")
        for _kind, start, end in self.backend.lexicon.pieces(sql):
            if sql.startswith("/*", start) and not sql.endswith("*/", start, end):
                raise ValueError("the comment at its end never ends; close it")
        ended = self.backend.operations.takes_semicolon(statement, section)
        return "\n".join([sql if ended else terminated(sql), *self._tables_again(sql)])

    def may_leave_open(self, section: Section) -> bool:
        operations = self.backend.operations
        controls = [s for s in section.statements if operations.controls(s)]
        return bool(controls) and controls[-1].keyword == "BEGIN"


def _unquoted(name: str) -> str:
    """A name without its quotes; those inside are doubled."""
    if name[0] == "[":
        return name[1:-1]
    return name[1:-1].replace(name[0] * 2, name[0]) if name[0] in "\"'`" else name
