"""SQL and messages as they may be shown: shortened, and without passwords.

Secret is every literal that follows PASSWORD or IDENTIFIED in a statement, and what stands in a
literal or a comment behind `password=` or as a URL's password. The time is linear in the length of
the text, whatever it holds.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .lexicon import Lexicon
from .scanner import Statement
from .tokens import OpenTokenError

_WORD = re.compile(
    r"PASSWORD|\bIDENTIFIED\b|\bPRAGMA\s++(?:\w++\.)?(?:re|hex)?key\b", re.IGNORECASE
)
_BARE = re.compile(
    rf"(?P<word>{_WORD.pattern})|;"
    r"|(?P<literal>(?<=\W)0x[0-9a-f]++|(?<==)\s*+\d++|\$\w*+\$[^$]*+\$\w*+\$)",
    re.IGNORECASE,
)
_QUOTE = re.compile(r"['\"$]")
_IN_CONNECTION = re.compile(r"(password\s*+=\s*+)[^\s'\"$;&]++", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^\s:/@'\"]*+:)(?:[^\s/'\"]|'')+(?=@)")
# Not so where the word is the name of a column, in quotes, or one of a sentence.
_LITERAL_IN_MESSAGE = re.compile(
    r"(?:PASSWORD[\s=(:,]++|\bIDENTIFIED\b[^'\"$]*+)(?=['\"$])", re.IGNORECASE
)
_KEY = re.compile(r"(\((?P<columns>[^()]*+)\)=)\([^()]*+\)")
_VALUE = re.compile(r"(?<=: \")[^\"]*+(?=\")")
_OPENING_TAG = re.compile(r"\$\w*+\$")
_OUTER_QUOTES = re.compile(r"\A(?:\$\w*+\$|['\"`\[])|(?:\$\w*+\$|['\"`\]])\Z")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_DEEPEST = 20  # dollar quotes in each other that are looked into
_SHORTEST = 4  # characters of a secret that is found wherever it stands alone
_EDGE = 8  # characters of it that are found where a database cut it off
_QUOTED_SHORTLY = re.compile(rf"(?<=['\"])[^'\"]{{1,{_SHORTEST - 1}}}+(?=['\"])")
_LONGEST = 10_000  # characters of a message
_NUMBER = re.compile(r"(?<![\w$])\d[\w.]*")


class Part(NamedTuple):
    """A stretch of SQL, and whether it is a secret."""

    text: str
    is_secret: bool = False


def blanked(sql: str, lexicon: Lexicon) -> str:
    """The SQL, line for line, with `***` for what is secret in it."""
    parts = _parts(sql, lexicon)
    shown = (without_text(part.text) if part.is_secret else part.text for part in parts)
    return without_url_passwords("".join(shown))


def without_secrets(sql: str) -> str:
    """SQL of unknown rules, which may be cut off, line for line without what is secret in it.

    That is all from the first quote behind the word to the last one, or to the end.
    """
    word = _WORD.search(sql)
    opening = _QUOTE.search(sql, word.end()) if word else None
    sql = _without_quoted(sql, opening.start()) if opening else sql
    return without_url_passwords(_IN_CONNECTION.sub(r"\g<1>***", sql))


def _without_quoted(text: str, start: int) -> str:
    """The text without what the quote at `start` opens, and all up to the last quote."""
    is_open = text.count(text[start], start) % 2 == 1
    end = len(text) if is_open else max(text.rfind(quote, start) for quote in "'\"$") + 1
    return f"{text[:start]}{without_text(text[start:end])}{text[end:]}"


def without_url_passwords(text: str) -> str:
    """The text without what stands in a URL between the user and the host."""
    return _IN_URL.sub(r"\g<1>***", text)


def message_without(
    message: str, statement: Statement | None = None, lexicon: Lexicon | None = None
) -> str:
    """What a database said, without secrets: those of the statement, whole or cut off, too."""
    message = shortened(message, _LONGEST)
    if statement and lexicon and _WORD.search(statement.sql):
        message = _without_literals(message, _secrets(statement.sql, lexicon))
        if statement.rows is not None:
            message = _VALUE.sub("***", message)
    message = _KEY.sub(lambda m: f"{m[1]}(***)" if _WORD.search(m["columns"]) else m[0], message)
    if found := _LITERAL_IN_MESSAGE.search(message):
        message = _without_quoted(message, found.end())
    return without_url_passwords(_IN_CONNECTION.sub(r"\g<1>***", message))


def without_values(sql: str, lexicon: Lexicon) -> str:
    """SQL, which may be cut off, without its literals, numbers and comments."""
    shown: list[str] = []
    try:
        for piece in lexicon.pieces(sql):
            text = sql[piece.start : piece.end]
            if not piece.kind:
                shown.append(_NUMBER.sub("***", text))
            elif piece.kind == "comment" or text.startswith("/*"):
                shown.append(" ")
            else:
                shown.append(text if lexicon.is_name(text) else "'***'")
    except OpenTokenError:
        shown.append("***")
    return "".join(shown)


def _secrets(sql: str, lexicon: Lexicon) -> set[str]:
    """The contents of the literals that are secret."""
    found = {_OUTER_QUOTES.sub("", part.text) for part in _parts(sql, lexicon) if part.is_secret}
    return found | {literal.replace("''", "'") for literal in found}


def _without_literals(message: str, literals: set[str]) -> str:
    short = {literal for literal in literals if len(literal) < _SHORTEST}
    message = _QUOTED_SHORTLY.sub(lambda m: "***" if m[0] in short else m[0], message)
    for literal in literals - short:
        if not literal.strip():
            continue
        if len(literal) < _EDGE:
            if literal in message:
                message = re.sub(rf"(?<!\w){re.escape(literal)}(?!\w)", "***", message)
        elif literal[:_EDGE] in message or literal[-_EDGE:] in message:
            message = _without_edge(message, literal)
            message = _without_edge(message[::-1], literal[::-1])[::-1]
    return message


def with_names(message: str, values: Iterable[tuple[str, str]]) -> str:
    """The message with placeholders for their values, of short ones where they stand alone.

    The shortest, which may be anything, stay.
    """
    names = {value: name for name, value in values if len(value) >= _SHORTEST}
    longest_first = sorted(names, key=len, reverse=True)
    patterns = [
        re.escape(value) if len(value) >= _EDGE else rf"(?<!\w){re.escape(value)}(?!\w)"
        for value in longest_first
    ]
    return re.sub("|".join(patterns), lambda m: names[m[0]], message) if patterns else message


def shortened(text: str, length: int) -> str:
    """At most so many characters of the text, and a sign that there are more."""
    return text if len(text) <= length else f"{text[:length]} …"


def _parts(sql: str, lexicon: Lexicon, depth: int = 0) -> Iterator[Part]:
    """All of a statement, in order."""
    secret = False
    pos = 0
    try:
        for piece in lexicon.pieces(sql):
            text = sql[piece.start : piece.end]
            if not piece.kind:
                parts, secret = _bare(text, secret)
                yield from parts
            elif text.startswith(("/*!", "/*M!")):  # which is code on MySQL and MariaDB
                yield Part(text, True) if secret else Part(without_secrets(text))
                secret = secret or _WORD.search(text) is not None
            elif piece.kind == "comment" or text.startswith("/*"):
                yield Part(without_secrets(text))
            elif secret:
                yield Part(text, True)
            else:
                yield from _literal(text, lexicon, depth)
                secret = _WORD.search(text) is not None and not _OPENING_TAG.match(text)
            pos = piece.end
    except OpenTokenError:
        rest = sql[pos:]
        found = _WORD.search(rest)
        kept = 0 if secret else found.end() if found else len(rest)
        yield Part(rest[:kept])
        yield Part(rest[kept:], bool(rest[kept:].strip()))


def _bare(text: str, secret: bool) -> tuple[list[Part], bool]:
    """Code, in which what is no literal by these rules may be secret; and whether one behind is."""
    parts: list[Part] = []
    pos = 0
    for found in _BARE.finditer(text):
        if found["literal"] is None:
            secret = found["word"] is not None
        elif secret:
            parts += [Part(text[pos : found.start()]), Part(found[0], True)]
            pos = found.end()
    return [*parts, Part(text[pos:])], secret


def _literal(text: str, lexicon: Lexicon, depth: int) -> Iterator[Part]:
    """A literal that is no secret itself, but may hold one."""
    while tag := _OPENING_TAG.match(text):  # one may follow another without a blank
        end = text.find(tag[0], tag.end())
        inside = text[tag.end() : end]
        yield Part(tag[0])
        if depth < _DEEPEST:
            yield from _parts(inside, lexicon, depth + 1)
        else:
            yield Part(inside, True)
        yield Part(tag[0])
        text = text[end + len(tag[0]) :]
    inside = text[1:-1]
    begins = [found.end(1) for found in [_IN_CONNECTION.search(inside)] if found]
    if word := _WORD.search(inside):
        begins += [found.start() for found in [_QUOTE.search(inside, word.end())] if found]
    if begins:
        yield Part(text[: 1 + min(begins)])
        yield Part(inside[min(begins) :], True)
        yield Part(text[-1])
    else:
        yield Part(text)


def without_text(secret: str) -> str:
    """What is shown for a secret, on as many lines."""
    breaks = "".join(_LINE_BREAK.findall(secret))
    return f"'***{breaks}'" if secret.strip() else secret


def _without_edge(message: str, secret: str) -> str:
    """The message without a secret, or as much of its beginning as it shows."""
    parts = message.split(secret[:_EDGE])
    rest = secret[_EDGE:]
    for number, part in enumerate(parts[1:], 1):
        same = (n for n, (a, b) in enumerate(zip(part, rest, strict=False)) if a != b)
        parts[number] = part[next(same, min(len(part), len(rest))) :]
    return "***".join(parts)
