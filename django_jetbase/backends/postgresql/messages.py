"""How the statements of a section are put together to travel to PostgreSQL."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...sql.scanner import Statement
from .lexicon import PostgreSQLLexicon

# How the rest of a message is read is settled before any of it runs.
_READING = re.compile(r"client_encoding|standard_conforming_strings|\bNAMES\b", re.IGNORECASE)
_MESSAGE_STATEMENTS = 1000
_MESSAGE_LENGTH = 1 << 20  # characters
SEPARATOR = "\n;\n"  # the line break ends a comment at the end of a statement


class Message(NamedTuple):
    """Consecutive statements that travel together; `first` is the index of the first one."""

    first: int
    statements: Sequence[Statement]

    @property
    def text(self) -> str:
        return SEPARATOR.join(statement.sql for statement in self.statements)

    @property
    def is_copy(self) -> bool:
        return self.statements[0].parts is not None

    def offset(self, position: int) -> int | None:
        """The place in the file of a place in the text; None outside of it."""
        if position < 0:
            return None
        for statement in self.statements:
            if position <= len(statement.sql):
                return statement.start + position
            position -= len(statement.sql) + len(SEPARATOR)
        return None

    def index_at(self, offset: int | None) -> int | None:
        """The index of the statement at a place in the file."""
        if offset is None:
            return None
        ends = (statement.start + len(statement.sql) for statement in self.statements)
        return self.first + sum(end < offset for end in ends)


def messages(statements: Sequence[Statement]) -> Iterator[Message]:
    """Group statements into messages; the rows of a COPY travel alone."""
    first, length = 0, 0
    for index, statement in enumerate(statements):
        if statement.parts:
            if first < index:
                yield Message(first, statements[first:index])
            yield Message(index, statements[index : index + 1])
            first, length = index + 1, 0
            continue
        length += len(statement.text)
        full = length > _MESSAGE_LENGTH or index + 1 - first >= _MESSAGE_STATEMENTS
        changes_reading = statement.keyword in PostgreSQLLexicon.switches and _READING.search(
            statement.text
        )
        if full or changes_reading:
            yield Message(first, statements[first : index + 1])
            first, length = index + 1, 0
    if first < len(statements):
        yield Message(first, statements[first:])
