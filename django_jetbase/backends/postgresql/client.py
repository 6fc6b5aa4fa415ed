import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from ...files.script import Section
from ...sql.queries import Expression, Query
from ...sql.scanner import Statement, terminated
from ...sql.tokens import OpenTokenError
from ..base.client import Client
from ..base.session import Setting
from .backend import PostgreSQLBackend
from .locking import STARTED

# Outside of quotes psql takes a name behind a colon for a variable of its own.
_COLON = re.compile(r"::|:=|:(?=[\w'\"{\x80-\U0010ffff])")
_OTHER_ENCODING = re.compile(
    r"\ASET\b.*?(?:client_encoding\s*(?:=|\bTO\b)|\bNAMES\b)\s*(?!['\"]?(?:utf-?8|unicode)\b)\S",
    re.IGNORECASE | re.DOTALL,
)
# What changes how text is read, or what a statement does, whoever runs it.
_ALWAYS_SET = (
    "standard_conforming_strings backslash_quote DateStyle IntervalStyle TimeZone"
    " timezone_abbreviations array_nulls transform_null_equals check_function_bodies xmloption"
    " default_tablespace default_table_access_method default_transaction_isolation"
    " default_transaction_read_only default_transaction_deferrable default_toast_compression"
    " row_security"
).split()
_EPOCH = "extract(epoch FROM clock_timestamp())"


class PostgreSQLClient(Client):
    """psql, version 10 or later."""

    backend: PostgreSQLBackend
    usage: ClassVar[str] = "psql -X -f SCRIPT DATABASE"
    begin: ClassVar[str] = "BEGIN;"
    stamp: ClassVar[Mapping[str, Expression]] = {
        "at": Expression("clock_timestamp() AT TIME ZONE 'UTC'"),
        "database_user": Expression("session_user"),
        "host": Expression("coalesce(host(inet_client_addr()), 'localhost')"),
    }
    start: ClassVar[str] = f"SELECT {_EPOCH} AS jetbase_started \\gset"
    elapsed: ClassVar[Expression] = Expression(
        f"CAST(({_EPOCH} - :jetbase_started) * 1000 AS bigint)"
    )

    session: ClassVar[tuple[Expression, Expression]] = (
        Expression("pg_backend_pid()"),
        Expression(
            f"coalesce((SELECT {STARTED} FROM pg_stat_activity WHERE pid = pg_backend_pid()), '')"
        ),
    )

    def head(self) -> Iterator[str]:
        yield from (r"\set ON_ERROR_STOP on", r"\set AUTOCOMMIT on", r"\set ON_ERROR_ROLLBACK off")
        yield r"\encoding UTF8"
        ((role,),) = self.execute("SELECT current_setting('role')")
        if role != "none":
            yield f"SET ROLE {self.backend.quote(role)};"
        yield r"SELECT current_setting('role') AS jetbase_role \gset"
        calls = self._settings()
        yield from self.set(Setting(f"SELECT {calls}"))
        self.backend.session.put_back_with(calls, ":'jetbase_role'")

    def fail_unless(self, condition: Query, message: str) -> Iterator[str]:
        sql, tag = self.rendered(condition), "$jetbase$"
        while tag in sql:
            tag = f"{tag[:-1]}_$"
        yield (
            f"DO {tag} BEGIN IF NOT ({sql}) THEN RAISE EXCEPTION '{message}'; END IF; END {tag};"
        )

    def created(self, tables: Sequence[str]) -> Iterator[str]:
        ((user,),) = self.execute("SELECT quote_ident(current_user)")
        yield f"GRANT SELECT ON {', '.join(tables)} TO {user};"

    def _settings(self) -> str:
        """Whoever runs the script may have other defaults than Django's connection."""
        rows = self.execute(
            "SELECT name, current_setting(name) FROM pg_settings WHERE context = 'user'"
            " AND (source IN ('client', 'session', 'user', 'database', 'database user')"
            f" OR name IN ({', '.join(map(self.literal, _ALWAYS_SET))}))"
            " AND name NOT IN ('application_name', 'client_encoding', 'search_path')"
            " AND name !~ '^transaction_' UNION ALL SELECT 'search_path',"
            " replace(current_setting('search_path'), '\"$user\"', quote_ident(current_user))"
        )
        return ", ".join(
            f"set_config({self.literal(name)}, {self.literal(value)}, false)"
            for name, value in [("client_encoding", "UTF8"), *rows]
        )

    def set(self, setting: Setting) -> Iterator[str]:
        """What a function returns goes to a variable of psql, so that it is not shown."""
        if setting.sql.startswith("SELECT "):
            yield f"{setting.sql} \\gset jetbase_"
        else:
            yield from super().set(setting)

    def statement(self, statement: Statement, section: Section) -> str:
        if not section.text.isascii() and _OTHER_ENCODING.search(statement.text):
            raise ValueError("psql would send what follows in that encoding; leave it at UTF8")
        sql = terminated(self._without_variables(statement.sql))
        if statement.rows is None:
            return sql
        end = "\\.\r" if statement.rows.endswith("\r\n") else "\\."
        return f"{sql}\n{statement.rows}{end}"

    def _without_variables(self, sql: str) -> str:
        if not _COLON.search(sql):
            return sql
        try:
            pieces = list(self.backend.lexicon.pieces(sql))
        except OpenTokenError:  # text that the rules of the session's beginning do not fit
            return sql
        protected = []
        for kind, start, end in pieces:
            beyond = sql[end : end + 1]  # a quote may follow the colon
            text = sql[start:end]
            protected.append(
                text if kind else _COLON.sub(_escaped, text + beyond).removesuffix(beyond)
            )
        return "".join(protected)

    def bytes_literal(self, value: bytes) -> str:
        return f"decode('{value.hex()}', 'hex')"

    def text_literal(self, value: str) -> str:
        literal = super().text_literal(value)
        return f"E{literal}".replace("\\", "\\\\") if "\\" in value else literal


def _escaped(match: re.Match[str]) -> str:
    return match[0] if len(match[0]) == 2 else r"\:"
