"""SQL as it is shown to people: without secrets, formatted, or compared line by line."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

import sqlparse
from sqlparse.exceptions import SQLParseError

from .lexicons.ansi import Lexicon, OpenTokenError
from .redaction import without_secrets
from .scanner import BLANKS
from .script import parse

LONGEST_TEXT = 200_000  # characters that are shown of a text
LONGEST_FORMATTED = 20_000  # characters, which sqlparse formats within a second or so
LONGEST_COMPARED = 4_000  # lines; the time of a comparison grows with their square
_CONTEXT = 3  # equal lines around those that differ
_SECRET_WORD = re.compile(r"PASSWORD|\bIDENTIFIED\b|;", re.IGNORECASE)
_OPENING_TAG = re.compile(r"\$\w*\$")


class Line(NamedTuple):
    """A line of a comparison; `mark` is `-`, `+`, a blank where both have it, or `@` for a gap.

    Lines count from 1; there is none on the side that has no such line.
    """

    mark: str
    before: int | None
    after: int | None
    text: str


def shown(text: str, lexicon: Lexicon) -> str:
    """The text of a file, line for line, with `***` for every literal that may be secret.

    Those are all that follow PASSWORD or IDENTIFIED in a statement, and the rows of such a COPY.
    """
    parts: list[str] = []
    pos = 0
    script = parse("", text, lexicon)
    rollback = script.rollback.statements if script.rollback else ()
    for statement in (*script.upgrade.statements, *rollback):
        sql = statement.sql
        parts += [_blanked(text[pos : statement.start], lexicon), _blanked(sql, lexicon)]
        pos = statement.start + len(sql)
        if statement.rows and _SECRET_WORD.search(sql):
            start, end = (statement.start + part for part in statement.parts[1:])  # type: ignore[index]
            parts += [text[pos:start], _blank(text[start:end])]
            pos = end
    return "".join([*parts, _blanked(text[pos:], lexicon)])


def _blanked(sql: str, lexicon: Lexicon) -> str:
    """One statement, or what stands between two."""
    if not _SECRET_WORD.search(sql):
        return sql
    parts: list[str] = []
    secret = False
    try:
        for piece in lexicon.pieces(sql):
            part = sql[piece.start : piece.end]
            if not piece.kind:
                for word in _SECRET_WORD.finditer(part):
                    secret = word[0] != ";"
            elif piece.kind == "quoted" and not part.startswith("/*"):
                is_name = part[0] in '"`['
                part = _blank(part) if secret else _inside(part, lexicon)
                secret = secret or (is_name and _SECRET_WORD.search(part) is not None)
            else:
                part = without_secrets(part)
            parts.append(part)
    except OpenTokenError as error:
        rest = sql[error.offset :]
        found = _SECRET_WORD.search(rest)
        keep = 0 if secret else found.end() if found else len(rest)
        parts += [rest[:keep], _blank(rest[keep:])]
    return "".join(parts)


def _inside(literal: str, lexicon: Lexicon) -> str:
    """A literal that is no secret itself, but may hold SQL with one."""
    tag = _OPENING_TAG.match(literal)
    if not tag:
        return without_secrets(literal)
    end = len(literal) - len(tag[0])
    return f"{tag[0]}{_blanked(literal[tag.end() : end], lexicon)}{tag[0]}"


def _blank(literal: str) -> str:
    """What is shown for it, on as many lines."""
    breaks = "\n" * literal.count("\n")
    return f"'***{breaks}'" if literal.strip(BLANKS) else literal


def formatted(sql: str) -> str | None:
    """The text as sqlparse lays it out; None beyond its limits."""
    if len(sql) > LONGEST_FORMATTED:
        return None
    try:
        return str(sqlparse.format(sql, reindent=True, keyword_case="upper")).strip()
    except (SQLParseError, RecursionError):
        return None


def compared(before: str, after: str) -> Iterator[Line]:
    """The lines that differ, with some around them. Raises ValueError where there are too many."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > LONGEST_COMPARED:
        raise ValueError("too long to compare")
    groups = SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_CONTEXT)
    for number, group in enumerate(groups):
        if number:
            yield Line("@", None, None, "")
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
                    yield Line(" ", i + 1, j + 1, old[i])
                continue
            yield from (Line("-", i + 1, None, old[i]) for i in range(i1, i2))
            yield from (Line("+", None, j + 1, new[j]) for j in range(j1, j2))
