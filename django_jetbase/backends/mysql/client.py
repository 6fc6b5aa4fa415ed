import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import ClassVar

from django.db import DatabaseError

from ...files.script import Section
from ...sql.queries import Expression, Query
from ...sql.scanner import Statement, terminated
from ..base.client import Client
from .operations import CHARACTER_SETS, SESSION_WORDS, UNSETTABLE, MySQLOperations, set_variable

_DELIMITERS = ("//", "$$", "~~", "||", "@@", "!!", "%%", "??")
_PLAIN = re.compile(r"[ -\[\]-~]*")  # what is the same in every character set and SQL mode
# What a routine may set without being named in the file that calls it.
_OFTEN_SET = frozenset(
    "sql_mode foreign_key_checks unique_checks check_constraint_checks sql_safe_updates time_zone"
    " autocommit default_storage_engine group_concat_max_len".split()
)
_ROLE = re.compile(r"\bROLE\b", re.IGNORECASE)


class MySQLClient(Client):
    """The clients `mariadb` and `mysql`, which stop at the first error by themselves."""

    dialect: MySQLOperations
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
        yield self._use
        others = dict(self.dialect.execute("SHOW GLOBAL VARIABLES"))
        own = (name for name, value in self._variables.items() if others.get(name, value) != value)
        yield from self._set([*CHARACTER_SETS, "collation_connection", *own])

    def fail_unless(self, condition: Query, message: str) -> Iterator[str]:
        """Read a table that does not exist: its name is the message."""
        sql = self.rendered(condition)
        yield f"SET @jetbase_sql = IF({sql}, 'DO 0', 'SELECT * FROM `{message}`');"
        yield "PREPARE jetbase_check FROM @jetbase_sql;"
        yield "EXECUTE jetbase_check;"
        yield "DEALLOCATE PREPARE jetbase_check;"

    @property
    def _use(self) -> str:
        connection = self.dialect.connection
        return f"USE {self.dialect.quote(connection.settings_dict['NAME'])};"

    @cached_property
    def _variables(self) -> dict[str, str]:
        return self.dialect.session_variables()

    def _set(self, names: Iterable[str]) -> Iterator[str]:
        """Give variables the values that they have in Django's session."""
        for name in names:
            sql = set_variable(name, self._variables[name])
            if not UNSETTABLE.fullmatch(name) and self._runs(sql):
                yield f"{sql};"

    def _runs(self, sql: str) -> bool:
        """Whether the variable can be set; here it has its value already."""
        try:
            self.dialect.execute(sql)
        except DatabaseError:
            return False
        return True

    def before(self, section: Section) -> Iterator[str]:
        for name, value in self.dialect.timeouts(section).items():
            yield f"{set_variable(name, value)};"

    def statement(self, statement: Statement, section: Section) -> str:
        sql = self.dialect.as_sent(statement, section)
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

    def close(self, section: Section) -> Iterator[str]:
        if not self.dialect.is_atomic(section):
            yield "COMMIT;"

    def put_back(self, section: Section) -> Iterator[str]:
        timeouts = self.dialect.timeouts(section)
        if not SESSION_WORDS.search(section.text) and not timeouts:
            return
        yield "SET SESSION sql_select_limit = DEFAULT;"
        yield from self._set([*CHARACTER_SETS, "collation_connection"])
        yield from ("UNLOCK TABLES;", self._use)
        words = timeouts.keys() | set(re.findall(r"\w+", section.text.lower()))
        if words & {"call", "execute"}:
            words |= _OFTEN_SET
        yield from self._set(name for name in self._variables if name in words)
        yield "SET timestamp = DEFAULT;"
        if _ROLE.search(section.text):
            ((role,),) = self.dialect.execute("SELECT CURRENT_ROLE()")
            yield f"{self.dialect.set_role(role)};"

    def text_literal(self, value: str) -> str:
        if _PLAIN.fullmatch(value):
            return super().text_literal(value)
        return f"CONVERT({self.bytes_literal(value.encode())} USING utf8mb4)"
