from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ...files.script import Section
from ...sql.queries import Expression, Query
from ...sql.scanner import Statement, terminated
from .operations import Dialect


class Client(ABC):
    """How one database's stock client runs a script, told in pieces of that script.

    Where a run asks the database for something, the script must do so itself when it runs.
    """

    usage: ClassVar[str]  # how to call it, with the script as SCRIPT
    begin: ClassVar[str]
    stamp: ClassVar[Mapping[str, Expression]]  # when, by whom and from where something is recorded
    start: ClassVar[str]  # notes the time
    elapsed: ClassVar[Expression]  # milliseconds since `start`
    # What identifies the session that runs the script in the row of the lock, and its start.
    session: ClassVar[tuple[Expression, Expression]]

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    @abstractmethod
    def head(self) -> Iterator[str]:
        """Stop at the first error; have a session like Django's."""

    @abstractmethod
    def fail_unless(self, condition: Query, message: str) -> Iterator[str]:
        """Stop with the message unless the condition holds."""

    def created(self, tables: Sequence[str]) -> Iterator[str]:
        """Let Django read the tables of the history, whoever has created them."""
        yield from ()

    def before(self, section: Section) -> Iterator[str]:
        """What must be done before the section's transaction begins."""
        yield from ()

    def statement(self, statement: Statement, section: Section) -> str:
        """A statement of a file. Raises ValueError where the client would not send it whole."""
        return terminated(self.dialect.as_sent(statement, section))

    def close(self, section: Section) -> Iterator[str]:
        """What must be done before the section's transaction commits.

        A section that controls its own transactions may have left one open, which commits.
        """
        yield from ()

    @abstractmethod
    def put_back(self, section: Section) -> Iterator[str]:
        """Put back what the section may have changed of the session."""

    def after(self, section: Section) -> Iterator[str]:
        """What can only be put back outside a transaction."""
        yield from ()

    def query(self, query: Query) -> str:
        """A query of the tool's own."""
        return f"{self.rendered(query)};"

    def rendered(self, query: Query) -> str:
        """The SQL of a query, or a part of one, with its parameters in it."""
        return query.sql % tuple(self.literal(param) for param in query.params)

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
