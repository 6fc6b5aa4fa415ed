"""The rules of ANSI SQL, and what every dialect has in common."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Self

from .regex import compiled
from .tokens import Extent, OpenTokenError, Piece

# Letters, digits, `_`, `$` and all beyond ASCII; as what they are not, which compiles fast.
WORD_CHAR = r"[^\x00-#%-/:-@\[-^`{-\x7f]"
IDENTIFIER = rf"[^\x00-@\[-^`{{-\x7f]{WORD_CHAR}*+"
WORD_END = rf"(?!{WORD_CHAR})"
STRING = r"'[^']*+(?:''[^']*+)*+'"
QUOTED_NAME = r"\"[^\"]*+(?:\"\"[^\"]*+)*+\""
BACKTICKED = r"`[^`]*+(?:``[^`]*+)*+`"

# A shortcut: the most frequent of the statements that have no body in any dialect.
PLAIN = compiled(r"(?:CREATE|ALTER) +(?:TABLE|UNIQUE|INDEX|SEQUENCE|VIEW|TYPE) ", re.IGNORECASE)

_WORD = compiled(IDENTIFIER)
_COMMENT_MARK = compiled(r"/\*|\*/")


@dataclass(frozen=True)
class Lexicon:
    """The lexical rules of ANSI SQL; each dialect overrides what it reads differently.

    The strings are fragments of regular expressions. `special` is the inside of a character class:
    every character at which something other than plain text may begin; `loose` matches those of
    them that stand for themselves after all.
    """

    delimiter: str = ";"
    at_line_end: bool = False  # the delimiter counts only where at most a comment follows it

    blank: ClassVar[str] = r" \t\n\r\f\v"
    special: ClassVar[str] = r"'\"/\-"
    loose: ClassVar[str] = r"-(?!-)|/(?!\*)"
    line_comment: ClassVar[str] = r"--[^\n]*+"
    block_comment: ClassVar[str] = r"/\*(?:[^*]++|\*(?!/))*+\*/"
    hint: ClassVar[str] = r"(?!)"
    shell_comment: ClassVar[str] = r"(?!)"  # only between statements
    rollback_marker: ClassVar[str] = r"--[ \t]*+(?i:rollback)[ \t]*+(?=\r?\n|\Z)"
    command: ClassVar[str] = r"(?!)"
    other_delimiter: ClassVar[str] = (
        "name another delimiter in a line -- jetbase: delimiter=… above the first statement"
    )
    nested_comments: ClassVar[bool] = False
    # Words that may begin no SQL statement.
    openers: ClassVar[frozenset[str]] = frozenset({"", "DELIMITER"})
    # First words behind which more counts than the next delimiter; the openers are among them.
    careful: ClassVar[frozenset[str]] = openers
    switches: ClassVar[frozenset[str]] = frozenset()  # words that may begin a change of these rules

    def turned(self, **changes: Any) -> Self:
        """These rules with other values, with their patterns compiled only once."""
        turned: Self = _turned(self, **changes)
        return turned

    @property
    def quoted(self) -> str:
        return f"{STRING}|{QUOTED_NAME}"

    @property
    def any_comment(self) -> str:
        return rf"{self.line_comment}|{self.block_comment}"

    @property
    def comment(self) -> str:
        return rf"(?!{self.rollback_marker})(?:{self.any_comment})"

    @cached_property
    def space(self) -> str:
        """One or more pieces of what may stand between two words."""
        return rf"(?:[{self.blank}]++|{self.comment})++"

    @cached_property
    def body_space(self) -> str:
        """As `space`, but inside a body, where no comment is a rollback marker."""
        return rf"(?:[{self.blank}]++|{self.any_comment})++"

    @cached_property
    def end_mark(self) -> str:
        mark = re.escape(self.delimiter)
        return rf"{mark}(?=[ \t]*+(?:--[^\n]*+)?\r?(?:\n|\Z))" if self.at_line_end else mark

    @property
    def stops(self) -> str:
        return self.special + re.escape(self.delimiter[0])

    def tokens(self, *, inside_body: bool = False) -> str:
        """Everything that begins with a special character and is read in one go."""
        comment = self.any_comment if inside_body else self.comment
        tokens = rf"{self.quoted}|{comment}|{self.loose}"
        if self.delimiter == ";" and not self.at_line_end:
            return tokens
        if not re.match(rf"[{self.special}]", self.delimiter):
            tokens += "|" + re.escape(self.delimiter[0])
        return rf"(?!{self.end_mark})(?:{tokens})"

    @cached_property
    def _gap(self) -> str:
        keyword = r"[A-Za-z_]*+"
        if re.match(r"[A-Za-z_]", self.delimiter):
            keyword = rf"(?:(?!{self.end_mark})[A-Za-z_])*+"
        return (
            rf"(?:\A\ufeff)?+(?:[{self.blank}]++|{self.end_mark}|(?!{self.hint}){self.comment})*+"
            rf"({keyword})"
        )

    @cached_property
    def gap(self) -> re.Pattern[str]:
        """What stands between statements, then the first word of the next one as group 1."""
        return compiled(self._gap, re.DOTALL)

    @cached_property
    def statement(self) -> re.Pattern[str]:
        """As `gap`, and then as `code`."""
        return compiled(self._gap + self.code.pattern, re.DOTALL)

    @cached_property
    def code(self) -> re.Pattern[str]:
        """As much as can be read in one go before a statement may end."""
        return compiled(rf"(?:[^{self.stops}]++|{self.tokens()})*+", re.DOTALL)

    @cached_property
    def body_code(self) -> re.Pattern[str]:
        """As `code`, but inside a body, where no comment is a rollback marker."""
        return compiled(rf"(?:[^{self.stops}]++|{self.tokens(inside_body=True)})*+", re.DOTALL)

    @cached_property
    def code_before_paren(self) -> re.Pattern[str]:
        return compiled(rf"(?:[^{self.stops}()]++|{self.tokens()})*+", re.DOTALL)

    def code_before(
        self, *words: str, pair: str = r"(?!)", inside_body: bool = False
    ) -> re.Pattern[str]:
        """As `code`, but only up to the first of these words.

        A name behind a dot is none of them, nor is one that `pair` matches with the word before it.
        """
        wanted = rf"(?i:{'|'.join(words)}){WORD_END}"
        return compiled(
            rf"(?:[^{self.stops}.@\w$\x80-\U0010ffff]++|{pair}|(?!{wanted}){IDENTIFIER}|\d++"
            rf"|[.@]++[{self.blank}]*+(?:{IDENTIFIER})?+"
            rf"|{self.tokens(inside_body=inside_body)})*+",
            re.DOTALL,
        )

    @cached_property
    def mark(self) -> re.Pattern[str]:
        return compiled(self.end_mark)

    @cached_property
    def marker(self) -> re.Pattern[str]:
        return compiled(self.rollback_marker)

    @cached_property
    def shell(self) -> re.Pattern[str]:
        return compiled(self.command)

    @cached_property
    def opening_hint(self) -> re.Pattern[str]:
        return compiled(self.hint)

    @cached_property
    def spacing(self) -> re.Pattern[str]:
        return compiled(self.space, re.DOTALL)

    @cached_property
    def body_spacing(self) -> re.Pattern[str]:
        return compiled(self.body_space, re.DOTALL)

    def ends_plainly(self, text: str, start: int, end: int) -> bool:
        """Whether a statement that was read up to `end` without a halt ends there."""
        return text.startswith(self.delimiter, end) and not self.at_line_end

    def skip(self, text: str, pos: int, pattern: re.Pattern[str] | None = None) -> int:
        """Read on to where `pattern` stops: a delimiter, a marker, a shell command, the end.

        Raises OpenTokenError where a quote or a comment has no end.
        """
        pattern = pattern or self.code
        while True:
            match = pattern.match(text, pos)
            assert match is not None  # every part of these patterns is optional
            pos = match.end()
            if pos == len(text) or self.mark.match(text, pos):
                return pos
            after = self.irregular(text, pos)
            if after is None:
                return pos
            pos = after

    def irregular(self, text: str, pos: int) -> int | None:
        """The end of a token that no regular expression describes; None where none begins."""
        if text[pos] in "'\"`[":
            raise OpenTokenError("the quote that begins here has no end", pos)
        return self.comment_end(text, pos)

    @cached_property
    def _piece(self) -> re.Pattern[str]:
        return compiled(
            rf"(?P<comment>{self.line_comment})|(?P<quoted>{self.quoted}|{self.block_comment})"
            rf"|(?:[^{self.special}]++|{self.loose})++",
            re.DOTALL,
        )

    def pieces(self, text: str) -> Iterator[Piece]:
        """Cut the text where quotes and comments begin and end.

        Raises OpenTokenError at one that has no end.
        """
        pos = 0
        while pos < len(text):
            if match := self._piece.match(text, pos):
                kind, end = match.lastgroup or "", match.end()
            elif after := self.irregular(text, pos):
                kind, end = "quoted", after
            else:
                kind, end = "", pos + 1
            yield Piece(kind, pos, end)
            pos = end

    def as_executed(self, sql: str) -> str:
        """A statement without the marks of comments that the database executes."""
        return sql

    def is_name(self, quoted: str) -> bool:
        """Whether what stands in quotes is a name."""
        return quoted[0] in '"`['

    def comment_end(self, text: str, start: int) -> int | None:
        """The end of a comment that `block_comment` did not match; None where none begins."""
        if not text.startswith("/*", start):
            return None
        depth = 0
        for mark in _COMMENT_MARK.finditer(text, start) if self.nested_comments else ():
            depth += 1 if mark[0] == "/*" else -1
            if not depth:
                return mark.end()
        raise OpenTokenError("the comment that begins here has no end", start)

    @cached_property
    def _comment_start(self) -> re.Pattern[str]:
        return compiled(rf"{self.line_comment}|{self.shell_comment}|/\*", re.DOTALL)

    @cached_property
    def _block(self) -> re.Pattern[str]:
        return compiled(self.block_comment, re.DOTALL)

    def comments(self, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Where those begin and end that stand in a stretch without a statement."""
        while found := self._comment_start.search(text, start, end):
            begin, start = found.span()
            if text.startswith("/*", begin):
                block = self._block.match(text, begin)
                try:
                    start = block.end() if block else self.comment_end(text, begin) or start
                except OpenTokenError:
                    start = end
            yield begin, start

    def after_space(self, text: str, pos: int, pattern: re.Pattern[str] | None = None) -> int:
        """Past blank space and comments, nested ones too."""
        pattern = pattern or self.spacing
        while True:
            if match := pattern.match(text, pos):
                pos = match.end()
            after = self.comment_end(text, pos)
            if after is None:
                return pos
            pos = after

    def word(self, text: str, pos: int) -> str:
        """The word at pos in capitals; empty where none begins."""
        match = _WORD.match(text, pos)
        return match[0].upper() if match else ""

    def between(self, text: str, start: int, keyword: str) -> tuple[int, Self] | None:
        """The end of what is no statement, and the rules from there on; None where one begins."""
        if keyword or self.opening_hint.match(text, start):
            return None
        after = self.comment_end(text, start)
        return None if after is None else (after, self)

    def shell_command(self, text: str, start: int, keyword: str, opens_line: bool) -> Extent | None:
        """The command of the database's shell that begins here; None where SQL begins."""
        if keyword == "DELIMITER":
            end = len(text) if (end := text.find("\n", start)) < 0 else end
            command = text[start:end].rstrip()
            return Extent(end, end, objection=f"{command} is no SQL: {self.other_delimiter}")
        match = self.shell.match(text, start)
        if not match:
            return None
        command = match[0].rstrip()
        objection = f"{command} is a command of the database's shell: {self.advice(command)}"
        return Extent(match.end(), match.end(), objection=objection)

    def advice(self, command: str) -> str:
        """What to write instead of a shell command."""
        return "write the SQL that it stands for"

    def extent(self, text: str, start: int, end: int, keyword: str) -> Extent:
        """Where the statement ends that begins at `start` and was read up to `end` in one go."""
        return self.extent_from(text, end)

    def extent_from(self, text: str, pos: int) -> Extent:
        """Where the statement ends of which everything before `pos` is read."""
        end = self.skip(text, pos)
        mark = self.mark.match(text, end)
        return Extent(end, mark.end() if mark else end)

    def after(self, sql: str, initial: Self) -> Self:
        """The rules once a statement has run that begins with one of the `switches`."""
        return self


@lru_cache(maxsize=256)
def _turned(lexicon: Lexicon, **changes: Any) -> Any:
    return replace(lexicon, **changes)
