import re
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

from ...sql.lexicon import IDENTIFIER, QUOTED_NAME, STRING, WORD_CHAR, WORD_END, Lexicon
from ...sql.regex import compiled
from ...sql.tokens import Extent, OpenTokenError

_TAG = r"(?:[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*+)?\$"
_OPENING_TAG = compiled(r"\$" + _TAG)
_NUMBER = compiled(r"\$?\d+")
_LONGEST_NAME = 200  # far above NAMEDATALEN; bounds how far a `$` looks back

_ESCAPED = r"[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'"
_CONFORMING = compiled(r"standard_conforming_strings\W*(?:TO\b\W*)?(\w*)", re.IGNORECASE)
_ROWS_END = compiled(r"\\\.\r?(?=\n|\Z)")
_REST_OF_LINE = compiled(r"[ \t]*+(?:--[^\n]*+)?\r?\n")

_ADVICE = {
    r"\i": "put that file's SQL here, or make it a migration of its own",
    r"\c": "another database is another alias of DATABASES, with migrations of its own",
    r"\copy": "use COPY … FROM STDIN with its rows, ended by a line \\.",
    r"\g": "end the statement with a semicolon",
}
_ADVICE |= {r"\ir": _ADVICE[r"\i"], r"\include": _ADVICE[r"\i"], r"\connect": _ADVICE[r"\c"]}
_GUARD = compiled(r"\\(?:un)?restrict\b[^\n\r]*+")  # pg_dump limits by it what psql may run


def _nested(levels: int) -> str:
    """A comment with comments inside; deeper ones than this are counted."""
    inner = r"(?!)"
    for _ in range(levels):
        inner = rf"/\*(?:[^*/]++|{inner}|\*(?!/)|/(?!\*))*+\*/"
    return inner


@dataclass(frozen=True)
class PostgreSQLLexicon(Lexicon):
    """PostgreSQL's rules, after its `scan.l` and psql's `psqlscan.l`."""

    backslash_escapes: bool = False  # standard_conforming_strings is off

    special: ClassVar[str] = r"'\"$/\\\-"
    loose: ClassVar[str] = rf"-(?!-)|/(?!\*)|(?<=[^\x00-#%-@\[-^`{{-\x7f])\$|\$(?!{_TAG})"
    line_comment: ClassVar[str] = r"--[^\n\r]*+"
    block_comment: ClassVar[str] = _nested(4)
    hint: ClassVar[str] = r"/\*\+"
    rollback_marker: ClassVar[str] = r"--[ \t]*+(?i:rollback)[ \t]*+(?=[\r\n]|\Z)"
    command: ClassVar[str] = r"\\(?:;|[^\n\r]*+)"
    nested_comments: ClassVar[bool] = True
    counts_parens: ClassVar[bool] = True
    careful: ClassVar[frozenset[str]] = Lexicon.openers | frozenset(
        {"CREATE", "COPY", "SET", "RESET", "SELECT"}
    )
    switches: ClassVar[frozenset[str]] = frozenset({"SET", "RESET", "SELECT"})

    @property
    def quoted(self) -> str:
        comment = rf"(?!{self.rollback_marker})--[^\n\r]*+"
        # Behind a line break a literal goes on under the rules of its first part.
        continued = (
            rf"(?:[ \t\f\v]*+(?:{comment})?+[\n\r](?:[ \t\n\r\f\v]++|{comment}[\n\r])*+"
            rf"'{_ESCAPED})*+"
        )
        escaped = rf"'{_ESCAPED}{continued}"
        in_word = WORD_CHAR
        if self.backslash_escapes:
            prefix = rf"(?<=[bBxX])(?<!{in_word}[bBxX])|(?<=[uU]&)(?<!{in_word}[uU]&)"
            return rf"(?:{prefix}){STRING}|(?!{prefix}){escaped}|{QUOTED_NAME}"
        return (
            rf"(?<![eE]){STRING}|(?<=[eE])(?:(?<!{in_word}[eE]){escaped}|(?<={in_word}[eE]){STRING})"
            rf"|{QUOTED_NAME}"
        )

    def ends_plainly(self, text: str, start: int, end: int) -> bool:
        """As psql sees it: a delimiter inside parentheses ends nothing."""
        return super().ends_plainly(text, start, end) and (
            text.count("(", start, end) == text.count(")", start, end)
        )

    def irregular(self, text: str, pos: int) -> int | None:
        tag = _OPENING_TAG.match(text, pos)
        if tag is None:
            return super().irregular(text, pos)
        if _within_name(text, pos):
            return pos + 1
        while tag is not None:
            close = text.find(tag[0], tag.end())
            if close < 0:
                raise OpenTokenError(f"the text that begins with {tag[0]} here has no end", pos)
            pos = close + len(tag[0])
            tag = _OPENING_TAG.match(text, pos)
        return pos

    @cached_property
    def bodied(self) -> re.Pattern[str]:
        replace = rf"(?:(?i:OR){self.space}(?i:REPLACE){self.space})?+"
        kind = "(?P<kind>(?i:FUNCTION|PROCEDURE|RULE))"
        return compiled(rf"(?i:CREATE){self.space}{replace}{kind}{WORD_END}", re.DOTALL)

    @cached_property
    def code_before_begin(self) -> re.Pattern[str]:
        return self.code_before("BEGIN")

    @cached_property
    def begin(self) -> re.Pattern[str]:
        return compiled(rf"(?i:BEGIN)(?P<atomic>{self.space}(?i:ATOMIC){WORD_END})?+", re.DOTALL)

    @cached_property
    def copy_from_stdin(self) -> re.Pattern[str]:
        name = rf"(?:{IDENTIFIER}|\"[^\"]*+\")"
        space = rf"(?:{self.space})?+"
        return compiled(
            rf"(?i:COPY){self.space}(?:(?i:BINARY){self.space})?+{name}(?:{space}\.{space}{name})*+"
            rf"{space}(?:\((?:[^()'\";/\\\-]++|{QUOTED_NAME}|{self.comment})*+\){space})?+"
            rf"(?:(?i:WITH){self.space}(?i:OIDS){self.space})?+"
            rf"(?i:FROM){self.space}(?i:STDIN|STDOUT){WORD_END}",
            re.DOTALL,
        )

    def extent(self, text: str, start: int, end: int, keyword: str) -> Extent:
        if keyword == "COPY" and (copy := self.copy_from_stdin.match(text, start)):
            return self._copy(text, start, copy.end())
        bodied = self.bodied.match(text, start) if keyword == "CREATE" else None
        if bodied and bodied["kind"].upper() == "RULE":
            return self._outside_parens(text, start)
        extent = self.extent_from(text, end)
        if bodied and "atomic" in text[start : extent.end].lower():
            return self._atomic_body(text, bodied.end()) or extent
        unended = extent.resume == extent.end
        if unended or self.at_line_end or self.ends_plainly(text, start, extent.end):
            return extent
        return self._outside_parens(text, start)

    def _copy(self, text: str, start: int, pos: int) -> Extent:
        end, after, *_ = self.extent_from(text, pos)
        rows = _REST_OF_LINE.match(text, after) if after > end else None
        if not rows:
            raise OpenTokenError("the rows of this COPY must begin in the line after it", start)
        last = _rows_end(text, rows.end())
        if not last:
            raise OpenTokenError("the rows of this COPY have no end: a line \\. is missing", start)
        sql = text[start:end].rstrip()
        parts = (len(sql), rows.end() - start, last.start() - start)
        return Extent(last.end(), last.end(), parts)

    def _outside_parens(self, text: str, pos: int) -> Extent:
        depth = 0
        while True:
            pos = self.skip(text, pos, self.code_before_paren)
            char = text[pos : pos + 1]
            if char == "(":
                depth += 1
            elif char == ")":
                depth = max(depth - 1, 0)
            elif not depth or not self.mark.match(text, pos):
                return self.extent_from(text, pos)
            pos += 1

    def _atomic_body(self, text: str, pos: int) -> Extent | None:
        """The end of a routine whose body is BEGIN ATOMIC … END.

        No statement of a body begins with END, so the first that seems to is the body's own.
        """
        begin = self._begin_atomic(text, pos)
        if not begin:
            return None
        pos = begin.end()
        while True:
            pos = self.after_space(text, pos, self.body_spacing)
            if self.word(text, pos) == "END":
                return self.extent_from(text, pos)
            pos = self.skip(text, pos, self.body_code)
            if not text.startswith(";", pos):
                raise OpenTokenError("the body that begins here has no END", begin.start())
            pos += 1

    def _begin_atomic(self, text: str, pos: int) -> re.Match[str] | None:
        pos = self.skip(text, pos, self.code_before_begin)
        while begin := self.begin.match(text, pos):
            if begin["atomic"]:
                return begin
            pos = self.skip(text, begin.end(), self.code_before_begin)
        return None

    def between(self, text: str, start: int, keyword: str) -> tuple[int, Self] | None:
        if guard := _GUARD.match(text, start):
            return guard.end(), self
        return super().between(text, start, keyword)

    def advice(self, command: str) -> str:
        return _ADVICE.get(command.split()[0], super().advice(command))

    def after(self, sql: str, initial: Self) -> Self:
        setting = _CONFORMING.search(sql) if "_conforming_" in sql.lower() else None
        if setting and setting[1]:
            value = setting[1].lower()
            if value == "default":
                return initial
            return self.turned(backslash_escapes=value in ("off", "false", "no", "0"))
        if setting or (sql[:5].upper() == "RESET" and sql.split()[-1].upper() == "ALL"):
            return self.turned(backslash_escapes=initial.backslash_escapes)
        return self


def _within_name(text: str, pos: int) -> bool:
    """Whether the `$` at pos is part of a name: it follows letters, not only a number."""
    start = pos
    while start > max(0, pos - _LONGEST_NAME) and (
        text[start - 1].isalnum() or text[start - 1] in "_$" or text[start - 1] >= "\x80"
    ):
        start -= 1
    return start < pos and not _NUMBER.fullmatch(text, start, pos)


def _rows_end(text: str, start: int) -> re.Match[str] | None:
    """The line that ends the rows of a COPY."""
    pos = start - 1
    while (pos := text.find("\n\\.", pos)) >= 0:
        if last := _ROWS_END.match(text, pos + 1):
            return last
        pos += 1
    return None
