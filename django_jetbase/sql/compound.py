import re
from dataclasses import dataclass
from functools import cached_property

from .lexicon import IDENTIFIER, WORD_END, Lexicon
from .regex import compiled
from .tokens import Extent, OpenTokenError

CONTROL = frozenset("BEGIN IF CASE LOOP WHILE REPEAT FOR".split())

# Whatever else may be the whole body of a routine; an IF or a SET further in is part of it.
_SIMPLE = frozenset(
    "RETURN SELECT INSERT UPDATE DELETE REPLACE SET CALL DO WITH VALUES CREATE ALTER DROP TRUNCATE"
    " RENAME EXECUTE PREPARE DEALLOCATE SIGNAL RESIGNAL GET COMMIT ROLLBACK START SAVEPOINT RELEASE"
    " XA GRANT REVOKE SHOW KILL FLUSH RESET ANALYZE OPTIMIZE CHECK CHECKSUM REPAIR LOAD LOCK UNLOCK"
    " EXPLAIN DESCRIBE DESC PURGE INSTALL UNINSTALL HANDLER CACHE TABLE".split()
)


@dataclass(frozen=True)
class CompoundLexicon(Lexicon):
    """Statements that hold statements, as MySQL and MariaDB write them.

    Blocks open and close only where a statement begins, so a body is followed from one statement
    to the next, and the depth is counted.
    """

    @cached_property
    def head(self) -> re.Pattern[str]:
        """The start of what may have a body, up to its name."""
        space = self.space
        account = r"(?:[^\s()'\"`@;]++|'[^']*+'|\"[^\"]*+\"|`[^`]*+`)"
        definer = (
            rf"(?i:DEFINER)(?:{space})?+=(?:{space})?+{account}(?:{space})?+"
            rf"(?:@(?:{space})?+{account}|\((?:{space})?+\))?+"
        )
        word = rf"(?i:OR|REPLACE|AGGREGATE){WORD_END}"
        return compiled(
            rf"(?i:CREATE|ALTER)(?:{space})?+(?:(?:{word}|{definer}|/\*M?![^*]*+\*/)(?:{space})?+)*+"
            rf"(?P<kind>(?i:PROCEDURE|FUNCTION|TRIGGER|EVENT)){WORD_END}"
            rf"(?:{space}(?i:IF){space}(?i:NOT){space}(?i:EXISTS){WORD_END})?+",
            re.DOTALL,
        )

    @cached_property
    def step(self) -> re.Pattern[str]:
        """The first word of a statement inside a body, behind its label."""
        space = rf"(?:{self.body_space})?+"
        label = rf"(?:{IDENTIFIER}|`[^`]*+`){space}:(?!=){space}"
        return compiled(rf"{space}(?:{label})?+(?P<word>(?:{IDENTIFIER})?+)", re.DOTALL)

    @cached_property
    def handler(self) -> re.Pattern[str]:
        """The start of a DECLARE … HANDLER, up to its statement."""
        space = self.body_space
        quoted = r"(?:'[^']*+'|\"[^\"]*+\")"
        condition = (
            rf"(?:(?i:SQLSTATE)(?:{space})?+(?:(?i:VALUE)(?:{space})?+)?+{quoted}"
            rf"|(?i:NOT){space}(?i:FOUND)|\d++|{IDENTIFIER}|`[^`]*+`)"
        )
        return compiled(
            rf"(?i:DECLARE){space}(?i:CONTINUE|EXIT|UNDO){space}(?i:HANDLER){space}(?i:FOR){space}"
            rf"{condition}(?:(?:{space})?+,(?:{space})?+{condition})*+",
            re.DOTALL,
        )

    @cached_property
    def not_atomic(self) -> re.Pattern[str]:
        space = self.body_space
        return compiled(rf"(?i:BEGIN){space}(?i:NOT){space}(?i:ATOMIC){WORD_END}", re.DOTALL)

    @cached_property
    def name(self) -> re.Pattern[str]:
        part = rf"(?:{IDENTIFIER}|`[^`]*+`|\"[^\"]*+\")"
        dot = rf"(?:{self.space})?+\.(?:{self.space})?+"
        return compiled(rf"{part}(?:{dot}{part})*+", re.DOTALL)

    @cached_property
    def code_before_statement(self) -> re.Pattern[str]:
        a_type = rf"(?i:CHAR(?:ACTER)?+|RETURNS){self.space}(?i:SET){WORD_END}"
        return self.code_before(*CONTROL, *_SIMPLE, pair=a_type)

    @cached_property
    def code_before_branch(self) -> re.Pattern[str]:
        return self.code_before("CASE", "END", "THEN", "DO", inside_body=True)

    @cached_property
    def code_before_row(self) -> re.Pattern[str]:
        return self.code_before("ROW")

    @cached_property
    def code_before_do(self) -> re.Pattern[str]:
        return self.code_before("DO")

    def body(self, text: str, head: re.Match[str]) -> Extent:
        """Where a CREATE or ALTER ends that may have a body."""
        pos = self._behind_name(text, head.end())
        kind = head["kind"].upper()
        if kind in ("TRIGGER", "EVENT"):
            before = self.code_before_row if kind == "TRIGGER" else self.code_before_do
            pos = self.skip(text, pos, before)
            if not (word := self.word(text, pos)):
                return self.extent_from(text, pos)
            return self.compound(text, self._behind_order(text, pos + len(word)))
        pos = self._behind_parameters(text, pos)
        pos = self.skip(text, pos, self.code_before_statement)
        return (
            self.compound(text, pos)
            if self.word(text, pos) in CONTROL
            else self.extent_from(text, pos)
        )

    def _behind_name(self, text: str, pos: int) -> int:
        name = self.name.match(text, self.after_space(text, pos))
        return name.end() if name else pos

    def _behind_order(self, text: str, pos: int) -> int:
        """Past a trigger's FOLLOWS or PRECEDES."""
        word_at = self.after_space(text, pos)
        word = self.word(text, word_at)
        return (
            self._behind_name(text, word_at + len(word)) if word in ("FOLLOWS", "PRECEDES") else pos
        )

    def _behind_parameters(self, text: str, pos: int) -> int:
        pos = self.skip(text, pos, self.code_before_paren)
        depth = 0
        while text[pos : pos + 1] in ("(", ")"):
            depth += 1 if text[pos] == "(" else -1
            pos += 1
            if depth <= 0:
                break
            pos = self.skip(text, pos, self.code_before_paren)
        return pos

    def compound(self, text: str, start: int) -> Extent:
        """Where a statement ends that may be, or hold, a block."""
        depth, pos = 0, start
        while True:
            step = self.step.match(text, pos)
            assert step is not None  # every part of the pattern is optional
            word = step["word"].upper()
            begin, pos = step.start("word"), step.end()
            if word in ("BEGIN", "LOOP", "REPEAT"):
                depth += 1
                if word == "BEGIN" and (atomic := self.not_atomic.match(text, begin)):
                    pos = atomic.end()
            elif word in ("IF", "CASE", "WHILE", "FOR"):
                depth += 1
                pos = self._behind_branch(text, pos)
            elif word in ("ELSEIF", "WHEN"):
                pos = self._behind_branch(text, pos)
            elif word == "DECLARE" and (handler := self.handler.match(text, begin)):
                pos = handler.end()
            elif word != "ELSE":
                depth -= word in ("END", "UNTIL")
                if depth <= 0:
                    return self.extent_from(text, pos)
                pos = self.skip(text, pos, self.body_code)
                if not text.startswith(";", pos):
                    raise OpenTokenError("the block that begins here has no END", start)
                pos += 1

    def _behind_branch(self, text: str, pos: int) -> int:
        """Past the condition of an IF, CASE, WHILE or FOR: up to its own THEN or DO."""
        depth = 0
        while word := self.word(text, pos := self.skip(text, pos, self.code_before_branch)):
            pos += len(word)
            if word == "CASE":
                depth += 1
            elif word == "END":
                depth -= 1
            elif depth <= 0:
                break
        return pos
