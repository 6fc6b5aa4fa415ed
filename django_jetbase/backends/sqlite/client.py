import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import ClassVar

from ...files.script import Section
from ...sql.queries import Expression, Query
from ...sql.scanner import Statement, terminated
from ..base.client import Client
from .operations import OUTSIDE_PRAGMAS, PRAGMAS, SQLiteOperations

_ENDS_STATEMENT = re.compile(r"^[ \t]*(?:/|go)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_TIMEOUT = ".timeout 60000"  # milliseconds
_NOW = "julianday('now')"
_TABLES = (
    f"CREATE TEMP TABLE jetbase_run AS SELECT {_NOW} AS started;",
    "CREATE TEMP TABLE jetbase_violations (found INTEGER"
    ' CONSTRAINT "rows would violate a foreign key" CHECK (found = 0));',
)


class SQLiteClient(Client):
    """The shell `sqlite3`, version 3.16 or later."""

    dialect: SQLiteOperations
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
        yield _TIMEOUT
        with closing(sqlite3.connect(":memory:")) as plain:
            for name in [*PRAGMAS, *OUTSIDE_PRAGMAS]:
                usual = plain.execute(f"PRAGMA {name}").fetchone()
                if usual and self.dialect.pragma(name) != usual[0]:
                    yield self._set(name)
        yield from _TABLES

    def fail_unless(self, condition: Query, message: str) -> Iterator[str]:
        yield f'CREATE TEMP TABLE jetbase_check (ok INTEGER CONSTRAINT "{message}" CHECK (ok));'
        yield f"INSERT INTO temp.jetbase_check SELECT {self.rendered(condition)};"
        yield "DROP TABLE temp.jetbase_check;"

    def _set(self, name: str) -> str:
        return f"PRAGMA {name} = {self.dialect.pragma(name)};"

    def before(self, section: Section) -> Iterator[str]:
        if section.directives.lock_timeout is not None:
            yield f".timeout {round(section.directives.lock_timeout * 1000)}"
        if section.directives.foreign_keys is not None:
            yield f"PRAGMA foreign_keys = {int(section.directives.foreign_keys)};"
        elif self.dialect.drops_table(section):
            yield "PRAGMA foreign_keys = 0;"
            yield f"CREATE TEMP TABLE jetbase_violations_before AS {self._violations()};"

    def _violations(self) -> str:
        """A key that names no unique columns cannot be checked and would be an error."""
        unchecked = ", ".join(map(self.literal, self.dialect.uncheckable_tables()))
        return (
            'SELECT violation."table", violation.rowid, violation.parent FROM main.sqlite_master'
            " JOIN pragma_foreign_key_check(name) AS violation"
            f" WHERE type = 'table' AND name NOT IN ({unchecked})"
        )

    def statement(self, statement: Statement, section: Section) -> str:
        sql = self.dialect.as_sent(statement, section)
        if "\r\n" in sql:
            raise ValueError("the sqlite3 shell drops a carriage return at the end of a line")
        lines = {match.span() for match in _ENDS_STATEMENT.finditer(sql)}
        for kind, start, end in self.dialect.lexicon.pieces(sql):
            if not kind and any(start <= first and last <= end for first, last in lines):
                raise ValueError(
                    "the sqlite3 shell takes a line with nothing but / or GO for the end of a"
                    " statement; join it to the line above"
                )
            if sql.startswith("/*", start) and not sql.endswith("*/", start, end):
                raise ValueError("the comment at its end never ends; close it")
        return sql if self.dialect.takes_semicolon(statement, section) else terminated(sql)

    def close(self, section: Section) -> Iterator[str]:
        if self._is_checked(section):
            before = "SELECT * FROM temp.jetbase_violations_before"
            new = f"SELECT count(*) FROM ({self._violations()} EXCEPT {before})"
            yield f"INSERT INTO temp.jetbase_violations {new};"
        controls = [s for s in section.statements if self.dialect.controls(s)]
        if controls and controls[-1].keyword == "BEGIN":
            yield "COMMIT;"

    def _is_checked(self, section: Section) -> bool:
        return section.directives.foreign_keys is None and self.dialect.drops_table(section)

    def put_back(self, section: Section) -> Iterator[str]:
        yield from self._put_back(section, PRAGMAS)

    def after(self, section: Section) -> Iterator[str]:
        yield from self._put_back(section, OUTSIDE_PRAGMAS)
        if section.directives.lock_timeout is not None:
            yield _TIMEOUT
        if self._is_checked(section):
            yield "DROP TABLE IF EXISTS temp.jetbase_violations_before;"

    def _put_back(self, section: Section, names: list[str]) -> Iterator[str]:
        text = section.text.lower()
        named = {name for name in names if "pragma" in text and name in text}
        if section.directives.foreign_keys is not None or self._is_checked(section):
            named |= {"foreign_keys"} & set(names)
        yield from (self._set(name) for name in names if name in named)
        if "temp_store" in text:  # which empties the temporary database
            yield from (table.replace("TABLE", "TABLE IF NOT EXISTS", 1) for table in _TABLES)
