"""What a lexicon finds in a text."""

from typing import NamedTuple


class OpenTokenError(Exception):
    """Something begins at `offset` that the text never ends."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class Extent(NamedTuple):
    """Where a statement ends and reading goes on.

    `parts` are offsets into the text of a COPY: the end of its SQL, the start and end of its rows.
    An `objection` says why the statement must not be sent.
    """

    end: int
    resume: int
    parts: tuple[int, int, int] | None = None
    objection: str | None = None


class Piece(NamedTuple):
    """A stretch of text. `kind` is `comment` up to the end of a line, `quoted`, or empty.

    A block comment counts as quoted.
    """

    kind: str
    start: int
    end: int
