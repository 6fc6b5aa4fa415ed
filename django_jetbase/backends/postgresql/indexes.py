"""Indexes that are built CONCURRENTLY: one that failed stays, invalid."""

import re

from django.db import Error

from ...sql.scanner import Statement
from ..base.values import StatementFailed, failing
from .backend import PostgreSQLBackend

NAME = r'(?:"(?:[^"]|"")+"|[^\s("]+)'
CREATES = re.compile(
    rf"CREATE (?:UNIQUE )?INDEX CONCURRENTLY (?:(?:IF NOT EXISTS )?(?P<index>{NAME}) )?"
    rf"ON (?:ONLY )?(?P<table>{NAME}(?: ?\. ?{NAME})?)",
    re.IGNORECASE,
)


class Indexes:
    def __init__(self, backend: PostgreSQLBackend) -> None:
        self.backend = backend
        self.execute = backend.execute

    def built_by(self, statement: Statement) -> re.Match[str] | None:
        """The `index`, if it is named, and the `table` of a statement that builds one."""
        return CREATES.match(self.backend.operations.lead(statement))

    def is_named(self, statement: Statement) -> bool:
        """Whether the statement gives the index that it builds a name."""
        found = self.built_by(statement)
        return bool(found and found["index"])

    def find(self, statement: Statement) -> tuple[str, bool] | None:
        """The index that the statement builds, and whether it is valid; None where it is not there.

        Without a name of its own it is one that is invalid. None as well for other statements, and
        where the connection died.
        """
        found = self.built_by(statement)
        if not found or not self.backend.is_connected():
            return None
        rows = self.execute(
            "SELECT i.indexrelid::regclass::text, i.indisvalid FROM pg_index i"
            " JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE coalesce(c.relname = %s, NOT i.indisvalid) AND i.indrelid = to_regclass(%s)",
            (
                _identifier(found["index"]) if found["index"] else None,
                re.sub(r" ?\. ?", ".", found["table"]),
            ),
        )
        return (str(rows[0][0]), bool(rows[0][1])) if rows else None

    def left_by_reindex(self, statement: Statement) -> str:
        """The indexes that REINDEX CONCURRENTLY has not brought to their end."""
        if statement.keyword != "REINDEX" or not self.backend.is_connected():
            return ""
        rows = self.execute(
            "SELECT i.indexrelid::regclass::text FROM pg_index i"
            " JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' ORDER BY 1"
        )
        return f"the invalid index {', '.join(name for (name,) in rows)}" if rows else ""

    def refuse_invalid(self, index: int, statement: Statement) -> None:
        """IF NOT EXISTS takes an invalid index for one."""
        found = self.find(statement)
        if found and not found[1] and self.is_named(statement):
            raise StatementFailed(index) from Error(f"the index {found[0]} is invalid")

    def drop_invalid(self, index: int, statement: Statement) -> None:
        found = self.find(statement)
        if found and not found[1] and not self.is_named(statement):
            said = f"the index {found[0]}, perhaps of an earlier try, is invalid: drop it first"
            raise StatementFailed(index) from Error(said)
        if found and not found[1]:
            self.backend.notice(f"Dropping the invalid index {found[0]} before it is built again.")
            with failing(index):
                self.execute(f"DROP INDEX CONCURRENTLY {found[0]}")


def _identifier(name: str) -> str:
    """The name as the catalogues have it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
