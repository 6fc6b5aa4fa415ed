import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ...exceptions import JetbaseError
from ...files.script import Section
from ...sql.queries import Expression, Query
from ...sql.scanner import Statement, terminated
from .backend import Backend, Part
from .session import Frame, Leftover, Setting


class Written:
    """What a section may have changed in its session, as far as its text tells."""

    def __init__(self, client: "Client", section: Section, frame: Frame) -> None:
        self._client, self._section, self._frame = client, section, frame

    def moved(self) -> Collection[str]:
        return self._client.moved(self._section, self._frame)

    def left(self) -> Collection[Leftover]:
        return self._client.left(self._section)


class Client(Part):
    """How one database's stock client runs a script, told in pieces of that script.

    Where a run asks the database for something, the script must do so itself when it runs.
    Raises JetbaseError where no client is known.
    """

    usage: ClassVar[str]  # how to call it, with the script as SCRIPT
    begin: ClassVar[str]
    stamp: ClassVar[Mapping[str, Expression]]  # when, by whom and from where something is recorded
    start: ClassVar[str]  # notes the time
    elapsed: ClassVar[Expression]  # milliseconds since `start`
    # What identifies the session that runs the script in the row of the lock, and its start.
    session: ClassVar[tuple[Expression, Expression]]

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        if type(self) is Client:
            vendor = self.connection.vendor
            raise JetbaseError(f"There is no script for {vendor}: its client is not known.")

    def head(self) -> Iterator[str]:
        """Stop at the first error; have a session like Django's, and note it."""
        raise NotImplementedError

    def fail_unless(self, condition: Query, message: str) -> Iterator[str]:
        """Stop with the message unless the condition holds."""
        raise NotImplementedError

    def created(self, tables: Sequence[str]) -> Iterator[str]:
        """Let Django read the tables of the history, whoever has created them."""
        yield from ()

    def set(self, setting: Setting) -> Iterator[str]:
        """Set something of the session."""
        yield f"{setting.sql};"

    def moved(self, section: Section, frame: Frame) -> Collection[str]:
        """What the section, or what is set before it, may have changed: what is named there."""
        texts = [section.text, *(setting.sql for setting in frame.before)]
        return set(re.findall(r"\w+", " ".join(texts).lower()))

    def left(self, section: Section) -> Collection[Leftover]:
        """What the section leaves in its session that only this sees."""
        return ()

    def begin_check(self, frame: Frame) -> Iterator[str]:
        """Note before the statements what the check at their end compares with."""
        yield from ()

    def check(self, frame: Frame) -> Iterator[str]:
        """Compare."""
        yield from ()

    def statement(self, statement: Statement, section: Section) -> str:
        """A statement of a file. Raises ValueError where the client would not send it whole."""
        return terminated(self.backend.operations.as_sent(statement, section))

    def may_leave_open(self, section: Section) -> bool:
        """Whether a section that controls its own transactions may end with one open."""
        return any(statement.keyword in ("BEGIN", "START") for statement in section.statements)

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
