import re
from dataclasses import dataclass
from typing import ClassVar, Self

from ...sql.compound import CONTROL, CompoundLexicon
from ...sql.lexicon import BACKTICKED, QUOTED_NAME
from ...sql.regex import compiled
from ...sql.tokens import Extent

_SHELL_WORDS = frozenset(
    "SOURCE SYSTEM TEE NOTEE PAGER NOPAGER PROMPT CONNECT REHASH EDIT CHARSET CLEAR EGO EXIT GO"
    " NOWARNING PRINT QUIT STATUS WARNINGS".split()
)
_DELIMITER_LINE = compiled(r"DELIMITER[ \t]++([^\s]++)[^\n]*+", re.IGNORECASE)
_ANSI_QUOTES = {"ANSI_QUOTES", "ANSI", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL"}
_SQL_MODE = compiled(
    r"(?P<other>(?:GLOBAL|PERSIST|PERSIST_ONLY)\s++)?+(?<![\w@.`])(?:@@(?:session\.|local\.)?+)?+"
    r"`?+sql_mode`?+\s*+:?+=\s*+(?P<value>'[^']*+'|\"[^\"]*+\"|.*+)",
    re.IGNORECASE | re.DOTALL,
)
_VERSION_COMMENT = compiled(r"/\*M?!\d*+(.*?)\*/", re.DOTALL)
_BLANK_OR_CONTROL = r"[\x00-\x20\x7f]"


@dataclass(frozen=True)
class MySQLLexicon(CompoundLexicon):
    """The rules of MySQL and MariaDB, as their server and their client read them."""

    ansi_quotes: bool = False
    backslash_escapes: bool = True

    line_comment: ClassVar[str] = rf"(?:--(?={_BLANK_OR_CONTROL}|\Z)|#)[^\n]*+"
    block_comment: ClassVar[str] = r"/\*(?!M?!)(?:[^*]++|\*(?!/))*+\*/"
    hint: ClassVar[str] = r"/\*M?!"
    # `--rollback` is no comment of MySQL's; alone in a line it is still the marker.
    rollback_marker: ClassVar[str] = (
        r"(?:--[ \t]++|#[ \t]*+|(?m:^)--)(?i:rollback)[ \t]*+(?=\r?\n|\Z)"
    )
    command: ClassVar[str] = r"\\[gG]|[\\A-Za-z][^\n]*+"
    openers: ClassVar[frozenset[str]] = frozenset({"", "DELIMITER", *_SHELL_WORDS})
    careful: ClassVar[frozenset[str]] = openers | {"CREATE", "ALTER", "SET", *CONTROL}
    other_delimiter: ClassVar[str] = "write a blank, and then the delimiter"
    switches: ClassVar[frozenset[str]] = frozenset({"", "SET"})

    @property
    def special(self) -> str:  # type: ignore[override]
        # Under another delimiter a DELIMITER line may end an open statement, as in the client.
        return r"'\"`#/\\\-" if self.delimiter == ";" else r"'\"`#/\\\-\n"

    @property
    def loose(self) -> str:  # type: ignore[override]
        dash = rf"(?!{self.rollback_marker})-(?!-(?:{_BLANK_OR_CONTROL}|\Z))"
        line_break = r"|\n(?![ \t]*+(?i:DELIMITER)[ \t])" if self.delimiter != ";" else ""
        return rf"{dash}|/(?!\*)|\\(?=N){line_break}"

    @property
    def quoted(self) -> str:
        escape = r"(?:\\.)" if self.backslash_escapes else r"(?!)"
        plain = r"\\" if self.backslash_escapes else ""

        def string(quote: str) -> str:
            run = rf"[^{quote}{plain}]*+"
            return rf"{quote}{run}(?:(?:{escape}|{quote}{quote}){run})*+{quote}"

        double = QUOTED_NAME if self.ansi_quotes else string('"')
        quotes = rf"{string(chr(39))}|{double}|{BACKTICKED}"
        version_comment = (
            rf"/\*M?!(?:[^'\"`#*/-]++|{quotes}|{self.line_comment}|-|\*(?!/)"
            r"|/\*(?:[^*]++|\*(?!/))*+\*/|/(?!\*))*+\*/"
        )
        return rf"{quotes}|{version_comment}"

    def as_executed(self, sql: str) -> str:
        return _VERSION_COMMENT.sub(r" \1 ", sql)

    def is_name(self, quoted: str) -> bool:
        """Whatever `ansi_quotes` says, since the text may be another session's."""
        return quoted[0] == "`"

    def extent(self, text: str, start: int, end: int, keyword: str) -> Extent:
        if self.delimiter != ";":
            return self._delimited(text, start, end, keyword)
        if keyword in ("CREATE", "ALTER") and (head := self.head.match(text, start)):
            return self.body(text, head)
        if keyword in CONTROL and (keyword != "BEGIN" or self.not_atomic.match(text, start)):
            return self.compound(text, start)
        return self.extent_from(text, end)

    def _delimited(self, text: str, start: int, end: int, keyword: str) -> Extent:
        """Under a delimiter of its own a body goes on to that; no comment in it is a marker."""
        if keyword in ("CREATE", "ALTER") and self.head.match(text, start):
            body_end = self.skip(text, start, self.body_code)
            if mark := self.mark.match(text, body_end):
                return Extent(body_end, mark.end())
        return self.extent_from(text, end)

    def between(self, text: str, start: int, keyword: str) -> tuple[int, Self] | None:
        if keyword != "DELIMITER":
            return super().between(text, start, keyword)
        line = _DELIMITER_LINE.match(text, start)
        if not line:
            return None
        delimiter = line[1]
        if len(delimiter) > 2 and delimiter[0] == delimiter[-1] and delimiter[0] in "'\"`":
            delimiter = delimiter[1:-1]
        return line.end(), self.turned(delimiter=delimiter, at_line_end=False)

    def shell_command(self, text: str, start: int, keyword: str, opens_line: bool) -> Extent | None:
        if keyword and keyword != "DELIMITER" and not (opens_line and keyword in _SHELL_WORDS):
            return None
        return super().shell_command(text, start, keyword, opens_line)

    def advice(self, command: str) -> str:
        if command[:2] in (r"\g", r"\G"):
            return "end the statement with a semicolon"
        if command[:2] == r"\." or command[:6].upper() == "SOURCE":
            return "put that file's SQL here, or make it a migration of its own"
        return super().advice(command)

    def after(self, sql: str, initial: Self) -> Self:
        found = _SQL_MODE.search(sql) if "sql_mode" in sql.lower() else None
        if not found or found["other"]:
            return self
        return self._with_mode(found["value"].strip().upper(), initial)

    def _with_mode(self, value: str, initial: Self) -> Self:
        if value[:1] in ("'", '"'):
            return self.in_mode(value[1:-1])
        if value.isdigit():
            number = int(value)
            return self.turned(ansi_quotes=bool(number & 4), backslash_escapes=not number & 1 << 20)
        if "SQL_MODE" in value and "(" in value:
            return self._changed_by(value)
        if re.fullmatch(r"(?!DEFAULT)\w+", value):
            return self.in_mode(value)
        return self.turned(
            ansi_quotes=initial.ansi_quotes, backslash_escapes=initial.backslash_escapes
        )

    def _changed_by(self, expression: str) -> Self:
        """These rules where an expression adds modes to the present ones, or takes some away."""
        on = "REPLACE(" not in expression
        quotes, escapes = "ANSI" in expression, "NO_BACKSLASH_ESCAPES" in expression
        return self.turned(
            ansi_quotes=on if quotes else self.ansi_quotes,
            backslash_escapes=not on if escapes else self.backslash_escapes,
        )

    def in_mode(self, sql_mode: str) -> Self:
        """These rules under a value of `sql_mode`."""
        modes = {mode.strip() for mode in sql_mode.upper().split(",")}
        return self.turned(
            ansi_quotes=bool(modes & _ANSI_QUOTES),
            backslash_escapes="NO_BACKSLASH_ESCAPES" not in modes,
        )
