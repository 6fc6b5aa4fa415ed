import re
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

from ...sql.lexicon import BACKTICKED, QUOTED_NAME, STRING, WORD_CHAR, WORD_END, Lexicon
from ...sql.regex import compiled
from ...sql.tokens import Extent, OpenTokenError

_SHELL_LINE = compiled(r"#[^\n]*+|(?P<end>(?i:go|/)(?=[ \t]*+\r?(?:\n|\Z)))")
SHELL_DELIMITER = compiled(r"(?<=\n)[ \t]*+(?i:go|/)(?=[ \t]*+\r?(?:\n|\Z))")


@dataclass(frozen=True)
class SQLiteLexicon(Lexicon):
    """SQLite's rules; statements end where `sqlite3_complete()` says so."""

    blank: ClassVar[str] = r" \t\n\r\f"
    special: ClassVar[str] = r"'\"`\[/\-"
    # SQLite takes a comment that the text never ends for one that ends with it.
    block_comment: ClassVar[str] = r"/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)"
    shell_comment: ClassVar[str] = r"(?m:^)#[^\n]*+"
    command: ClassVar[str] = r"(?m:^)\.[a-z][^\n]*+"
    openers: ClassVar[frozenset[str]] = Lexicon.openers | {"GO"}
    careful: ClassVar[frozenset[str]] = openers | {"CREATE", "EXPLAIN"}

    @property
    def quoted(self) -> str:
        return rf"{STRING}|{QUOTED_NAME}|{BACKTICKED}|\[[^\]]*+\]"

    @cached_property
    def trigger(self) -> re.Pattern[str]:
        word = rf"(?!(?i:CREATE){WORD_END}){WORD_CHAR}++"
        return compiled(
            rf"(?:(?i:EXPLAIN){WORD_END}(?:{word}|{self.space})*+)?+"
            rf"(?i:CREATE){self.space}(?:(?i:TEMP|TEMPORARY){self.space})*+(?i:TRIGGER){WORD_END}",
            re.DOTALL,
        )

    @cached_property
    def step(self) -> re.Pattern[str]:
        """What stands between two statements of a body, and the END that closes it."""
        end = rf"(?i:END)(?=(?:{self.space})?+(?:;|\Z|{self.rollback_marker}))"
        return compiled(rf";(?:;|{self.body_space})*+(?P<end>{end})?+", re.DOTALL)

    def extent(self, text: str, start: int, end: int, keyword: str) -> Extent:
        trigger = self.trigger.match(text, start) if self.delimiter == ";" else None
        if not trigger:
            return self.extent_from(text, end)
        pos = self.skip(text, trigger.end(), self.body_code)
        while step := self.step.match(text, pos):
            if step["end"]:
                return self.extent_from(text, step.end())
            pos = self.skip(text, step.end(), self.body_code)
        raise OpenTokenError("the body of this trigger has no END", start)

    def between(self, text: str, start: int, keyword: str) -> tuple[int, Self] | None:
        """As in its shell, where # begins a comment at the very beginning of a line.

        A line of nothing but `go` or a slash is a delimiter there, which here ends nothing.
        """
        if line := _SHELL_LINE.match(text, start):
            before = text[text.rfind("\n", 0, start) + 1 : start]
            if not (before.strip(" \t") if line["end"] else before):
                return line.end(), self
        return super().between(text, start, keyword)

    def advice(self, command: str) -> str:
        if command.startswith(".read"):
            return "put that file's SQL here, or make it a migration of its own"
        return super().advice(command)
