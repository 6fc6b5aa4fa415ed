"""Cut SQL text into statements without losing a byte.

Between two statements stand blank space, comments, delimiters and `DELIMITER` lines; all the rest
belongs to a statement. The time is linear in the length of the text, whatever it holds: every
pattern is possessive, so none ever tries a second reading, and nesting is counted.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from .lexicon import PLAIN, Lexicon
from .tokens import Extent, OpenTokenError

_COMMENT = re.compile(r"--|#|/\*|\*/")
BLANKS = " \t\n\r\f"  # what is blank in every dialect


class Flaw(NamedTuple):
    """Why a statement cannot run as it stands, and where that shows (both from 1)."""

    message: str
    line: int
    column: int


class Statement(NamedTuple):
    """One statement as written, without its delimiter.

    `line` and `column` count from 1; `start` and `end` are offsets into the text that was split.
    `keyword` is the first word in capitals, empty where the statement begins with something else.
    The text of a `COPY … FROM STDIN` goes on to the end of its rows; `sql` and `rows` are its two
    parts. A statement with a `flaw` must not be sent: it holds a quote or a body that never ends,
    or is a command of the database's own shell. `delimiter` is what it goes on to; another one than
    a semicolon may hold several statements.
    `rules` are those by which it was read, where a statement before it has changed them.
    """

    text: str
    line: int
    column: int
    start: int
    end: int
    keyword: str = ""
    parts: tuple[int, int, int] | None = None
    flaw: Flaw | None = None
    delimiter: str = ";"
    rules: Lexicon | None = None

    @property
    def sql(self) -> str:
        return self.text[: self.parts[0]] if self.parts else self.text

    @property
    def rows(self) -> str | None:
        return self.text[self.parts[1] : self.parts[2]] if self.parts else None


class Marker(NamedTuple):
    """The comment between the upgrade and the rollback section."""

    line: int
    start: int
    end: int


def scan(text: str, lexicon: Lexicon, offset: int = 0) -> Iterator[Statement | Marker]:
    """Yield the statements and rollback markers behind an offset, in order."""
    initial, size = lexicon, len(text)
    pos = counted = read = offset
    line, column = place(text, offset)
    line_start = offset - column + 1
    while True:
        # What was read beyond a shell command is not read in one go again: the time stays linear.
        match = (lexicon.statement if pos >= read else lexicon.gap).match(text, pos)
        assert match is not None  # every part of the pattern is optional
        start, end = match.start(1), match.end()
        read = max(read, end)
        if start == size:
            return
        if breaks := text.count("\n", counted, start):
            line += breaks
            line_start = text.rfind("\n", counted, start) + 1
        counted = start
        column = start - line_start + 1
        keyword = match[1].upper()
        plain = keyword not in lexicon.careful or PLAIN.match(text, start)
        if plain and lexicon.ends_plainly(text, start, end):
            sql = text[start:end].rstrip(BLANKS)
            ends = (start, start + len(sql))
            if lexicon is initial and lexicon.delimiter == ";":
                yield Statement(sql, line, column, *ends, keyword)
            else:
                rules = None if lexicon is initial else lexicon
                of = lexicon.delimiter
                yield Statement(sql, line, column, *ends, keyword, delimiter=of, rules=rules)
            pos = end + len(lexicon.delimiter)
            continue
        if not keyword and (marker := lexicon.marker.match(text, start)):
            yield Marker(line, start, marker.end())
            pos = marker.end()
            continue
        flaw = None
        try:
            if keyword not in lexicon.openers:
                extent = lexicon.extent(text, start, end, keyword)
            elif between := lexicon.between(text, start, keyword):
                pos, lexicon = between
                continue
            else:
                opens_line = line_start >= pos
                command = lexicon.shell_command(text, start, keyword, opens_line)
                extent = command or lexicon.extent(text, start, end, keyword)
            if extent.objection:
                flaw = Flaw(extent.objection, line, column)
            elif extent.resume == start:  # no rule takes this character: the database shall say so
                extent = Extent(start + 1, start + 1)
        except OpenTokenError as error:
            extent, flaw = Extent(size, size), Flaw(str(error), *place(text, error.offset))
        sql = text[start : extent.end].rstrip(BLANKS)
        yield Statement(
            *(sql, line, column, start, start + len(sql), keyword),
            *(extent.parts, flaw, lexicon.delimiter, None if lexicon is initial else lexicon),
        )
        pos = extent.resume
        if keyword in lexicon.switches:
            lexicon = lexicon.after(sql, initial)


def terminated(sql: str) -> str:
    """The statement with a semicolon, which a comment in its last line must not swallow."""
    return sql + ("\n;" if may_end_in_comment(sql) else ";")


def may_end_in_comment(sql: str) -> bool:
    """Whether what is written behind might become part of a comment."""
    return _COMMENT.search(sql, sql.rfind("\n") + 1) is not None


def place(text: str, offset: int) -> tuple[int, int]:
    """The line and column, both from 1, of an offset."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
