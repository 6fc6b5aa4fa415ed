import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ..dialects.base import Dialect, Expression, Query
from ..scanner import Statement
from ..script import Section

LOCKED = "Another process is running migrations on this database"

_COMMENT_MARK = re.compile(r"--|#|/\*")


class Client(ABC):
    """How one database's stock client runs a script, told in pieces of that script.

    Where a run asks the database for something, the script must do so itself when it runs.
    """

    usage: ClassVar[str]  # how to call it, with the script as SCRIPT
    begin: ClassVar[str]
    stamp: ClassVar[Mapping[str, Expression]]  # when, by whom and from where something is recorded
    start: ClassVar[str]  # notes the time
    elapsed: ClassVar[Expression]  # milliseconds since `start`

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    @abstractmethod
    def head(self) -> Iterator[str]:
        """Stop at the first error; have a session like Django's; take the lock."""

    def before(self, section: Section) -> Iterator[str]:
        """What must be done before the section's transaction begins."""
        yield from ()

    def statement(self, statement: Statement, section: Section) -> str:
        """A statement of a file. Raises ValueError where the client would not send it whole."""
        return ended(self.dialect.as_sent(statement, section))

    def close(self, section: Section) -> Iterator[str]:
        """What must be done before the section's transaction commits."""
        yield from ()

    def commit_left_open(self, section: Section) -> Iterator[str]:
        """Commit what a section that controls its own transactions leaves open."""
        yield from ()

    @abstractmethod
    def put_back(self, section: Section) -> Iterator[str]:
        """Put back what the section may have changed of the session."""

    def after(self, section: Section) -> Iterator[str]:
        """What can only be put back outside a transaction."""
        yield from ()

    def query(self, query: Query) -> str:
        """A query of the tool's own."""
        params = tuple(self.literal(param) for param in query.params)
        return (query.sql % params if params else query.sql) + ";"

    def literal(self, value: Any) -> str:
        """A value as SQL."""
        if value is None:
            return "NULL"
        if isinstance(value, (int, float)):
            return str(value)
        return self.bytes_literal(value) if isinstance(value, bytes) else self.text_literal(value)

    def bytes_literal(self, value: bytes) -> str:
        return f"X'{value.hex()}'"

    def text_literal(self, value: str) -> str:
        return "'" + value.replace("'", "''") + "'"


def ended(sql: str, delimiter: str = ";") -> str:
    """The statement with its delimiter, which a comment in its last line must not swallow."""
    if sql.endswith(delimiter):
        return sql
    last_line = sql[sql.rfind("\n") + 1 :]
    return sql + ("\n" if _COMMENT_MARK.search(last_line) else "") + delimiter
