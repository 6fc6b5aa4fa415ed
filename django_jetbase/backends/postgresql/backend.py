import codecs
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from ...sql.lexicon import Lexicon
from ...sql.queries import Certain, Query
from ..base.backend import Backend
from ..base.character_set import CharacterSet
from .lexicon import PostgreSQLLexicon

if TYPE_CHECKING:
    from .operations import PostgreSQLOperations
    from .session import PostgreSQLSession

try:
    from psycopg import ClientCursor, Pipeline
except ImportError:
    IS_PSYCOPG3 = PIPELINES = False
else:
    IS_PSYCOPG3, PIPELINES = True, Pipeline.is_supported()


def refusing(query: Query) -> Query:
    """The same; one that is certain of a row divides by zero where it changes, or gives, none."""
    if not isinstance(query, Certain):
        return query
    returning = "" if query.sql.startswith("SELECT") else " RETURNING 1"
    rows = f"WITH found AS ({query.sql}{returning}) SELECT 1 / count(*) FROM found"
    return Query(rows, query.params)


class PostgreSQLBackend(Backend):
    session: "PostgreSQLSession"
    operations: "PostgreSQLOperations"
    quote_mark: ClassVar[str] = '"'
    blocks: ClassVar[bool] = not IS_PSYCOPG3  # which waits in Python, and cancels itself
    _composer: Any = None

    @cached_property
    def lexicon(self) -> Lexicon:  # type: ignore[override]
        self.connection.ensure_connection()
        conforming = self.info.parameter_status("standard_conforming_strings")
        return PostgreSQLLexicon(backslash_escapes=conforming == "off")

    @property
    def info(self) -> Any:
        """What the driver knows of the connection."""
        return self.connection.connection.info

    @property
    def encoding(self) -> str:
        self.connection.ensure_connection()
        raw = self.connection.connection
        if not IS_PSYCOPG3:
            return str(import_module("psycopg2.extensions").encodings[raw.encoding])
        with self.connection.wrap_database_errors:
            return str(self.info.encoding)

    def character_sets(self) -> Iterator[CharacterSet]:
        yield from super().character_sets()
        kept = str(self.info.parameter_status("server_encoding"))
        with suppress(LookupError):  # one that Python does not know
            name = codecs.lookup(kept.replace("WIN", "cp")).name
            if name != "utf-8":
                yield CharacterSet(name, is_kept=True)

    def is_connected(self) -> bool:
        raw = self.connection.connection
        return raw is not None and not raw.closed

    @property
    def is_pooled(self) -> bool:
        """The pooler gives its clients other numbers than those of the sessions."""
        self.connection.ensure_connection()
        return self.execute("SELECT pg_backend_pid()") != [(self.info.backend_pid,)]

    def takes_writes(self) -> bool:
        return self.execute("SHOW transaction_read_only") == [("off",)]

    def in_transaction(self) -> bool:
        return self.connection.connection is not None and self.info.transaction_status != 0

    def begin(self) -> None:
        self.execute("BEGIN")

    def commit(self) -> None:
        self.execute("COMMIT")

    def roll_back(self) -> None:
        if not self.is_connected():
            self.connection.close()
        elif self.in_transaction():
            self.execute("ROLLBACK")

    def compose(self, query: Query) -> str:
        """A query as text, with its parameters in it."""
        sql, params = refusing(query)
        if not IS_PSYCOPG3:
            operations: Any = self.connection.ops
            return str(operations.compose_sql(sql, params))
        raw = self.connection.connection
        if self._composer is None or self._composer.connection is not raw:
            self._composer = ClientCursor(raw)
        with self.connection.wrap_database_errors:
            return str(self._composer.mogrify(sql, params))

    def cancel(self) -> None:
        if self.blocks and self.connection.connection is not None:
            self.connection.connection.cancel()
