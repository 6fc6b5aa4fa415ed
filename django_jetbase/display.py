"""SQL as it is shown to people: without secrets, formatted, or compared line by line."""

from collections.abc import Iterator
from datetime import datetime
from difflib import SequenceMatcher
from typing import NamedTuple

import sqlparse
from django.utils import timezone
from sqlparse.exceptions import SQLParseError

from .files.script import parse
from .sql.lexicon import Lexicon
from .sql.redaction import blanked, without_text, without_url_passwords
from .sql.scanner import Statement

LONGEST_FORMATTED = 20_000  # characters, which sqlparse formats within a second or so
LONGEST_COMPARED = 1_500  # lines, of which a comparison takes some seconds at worst
_CONTEXT = 3  # equal lines around those that differ
# What embeds or overrides the direction of text would show SQL in another order than it runs.
_ESCAPED = {code: f"\\u{code:04x}" for code in [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]}


# All but tabs and line breaks.
_CONTROLS = {
    code: f"\\x{code:02x}" for code in [*range(32), *range(127, 160)] if code not in (9, 10)
}


class Line(NamedTuple):
    """A line of a comparison; `mark` is `-`, `+`, a blank where both have it, or `@` for a gap.

    Lines count from 1; there is none on the side that has no such line.
    """

    mark: str
    before: int | None
    after: int | None
    text: str


def shown(text: str, lexicon: Lexicon) -> str:
    """The text of a file, line for line, with `***` for what is secret in it.

    That includes the rows of a COPY that names a password. Characters that would change the order
    of what is read are shown as escapes.
    """
    script = parse("", text, lexicon)
    rollback = script.rollback.statements if script.rollback else ()
    statements = [*script.upgrade.statements, *rollback]
    parts: list[str] = []
    pos = 0
    for statement in statements:
        parts.append(blanked(text[pos : statement.start], lexicon))
        parts.append(_statement(statement, statement.rules or lexicon))
        pos = statement.start + len(statement.text)
    parts.append(blanked(text[pos:], lexicon))
    return "".join(parts).translate(_ESCAPED)


def _statement(statement: Statement, lexicon: Lexicon) -> str:
    """A statement, with its rows."""
    sql = statement.sql
    shown = blanked(sql, lexicon)
    if statement.rows is None and not (statement.flaw and statement.keyword == "COPY"):
        return shown
    if shown == sql and "password" not in sql.lower():
        return without_url_passwords(statement.text)
    if statement.parts is None:  # rows without an end
        head, line_break, rows = sql.partition("\n")
        return f"{head}{line_break}{without_text(rows)}"
    _end, start, end = statement.parts
    text = statement.text
    return f"{shown}{text[len(sql) : start]}{without_text(text[start:end])}{text[end:]}"


def formatted(sql: str) -> str | None:
    """The text as sqlparse lays it out; None beyond its limits."""
    if len(sql) > LONGEST_FORMATTED:
        return None
    try:
        return str(sqlparse.format(sql, reindent=True, keyword_case="upper")).strip()
    except (SQLParseError, RecursionError):
        return None


def local(instant: datetime) -> datetime:
    """An instant in the project's time zone; in UTC where no calendar has it there."""
    try:
        return timezone.localtime(instant)
    except OverflowError:
        return instant


def printable(text: str) -> str:
    """Text without characters that would move a terminal's cursor, or the direction of text."""
    return text.replace("\r\n", "\n").translate(_CONTROLS | _ESCAPED)


def lines_of(text: str) -> list[str]:
    """The lines as errors count them."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def compared(before: str, after: str) -> Iterator[Line]:
    """The lines that differ, with some around them. Raises ValueError where there are too many."""
    old, new = lines_of(before), lines_of(after)
    same = _same_at_start(old, new)
    tail = _same_at_start(old[same:][::-1], new[same:][::-1])
    first = max(same - _CONTEXT, 0)
    old_part = old[first : len(old) - max(tail - _CONTEXT, 0)]
    new_part = new[first : len(new) - max(tail - _CONTEXT, 0)]
    if max(len(old_part), len(new_part)) > LONGEST_COMPARED:
        raise ValueError("too long to compare")
    groups = SequenceMatcher(None, old_part, new_part).get_grouped_opcodes(_CONTEXT)
    for number, group in enumerate(groups):
        if number:
            yield Line("@", None, None, "")
        for tag, i1, i2, j1, j2 in group:
            old_lines = [(first + i + 1, old_part[i]) for i in range(i1, i2)]
            new_lines = [(first + j + 1, new_part[j]) for j in range(j1, j2)]
            if tag == "equal":
                for (i, text), (j, _text) in zip(old_lines, new_lines, strict=True):
                    yield Line(" ", i, j, text)
                continue
            yield from (Line("-", i, None, text) for i, text in old_lines)
            yield from (Line("+", None, j, text) for j, text in new_lines)


def _same_at_start(old: list[str], new: list[str]) -> int:
    """How many lines are the same at the beginning of both."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(old), len(new)))
