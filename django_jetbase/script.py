"""The text of a migration as its two sections, with their statements and directives."""

import re
from dataclasses import dataclass, field, replace

from .exceptions import Problem, ProblemsError
from .lexicons.ansi import Lexicon
from .scanner import Marker, Statement, place, scan

_DIRECTIVE = re.compile(r"--[ \t]*jetbase:[ \t]*(?P<words>[^\n]*)", re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/", re.DOTALL)
_BAD_DELIMITER = re.compile(r"[\s'\"`\[\]\\]|--|/\*")
_ON_OFF = {"on": True, "off": False}


@dataclass(frozen=True)
class Section:
    """What one run sends. `text` is the whole file, so that offsets and lines are the file's.

    `foreign_keys` is what the file asks for, None where it is silent.
    """

    text: str = field(repr=False)
    statements: tuple[Statement, ...]
    transaction: bool = True
    foreign_keys: bool | None = None


@dataclass(frozen=True)
class Script:
    """A parsed file; `upgrade_text` is everything above the rollback marker."""

    upgrade: Section
    rollback: Section | None
    upgrade_text: str


@dataclass(frozen=True)
class _Directives:
    delimiter: str | None = None
    transaction: bool = True
    foreign_keys: bool | None = None

    def applied_to(self, lexicon: Lexicon) -> Lexicon:
        if self.delimiter is None:
            return lexicon
        return replace(lexicon, delimiter=self.delimiter, at_line_end=self.delimiter != ";")


def parse(path: str, text: str, lexicon: Lexicon) -> Script:
    """Read a migration's text.

    Raises ProblemsError, with every problem at once, for a second marker, a directive that is
    unknown or too late to hold, an unfinished quote and a command of the database's shell.
    """
    reader = _Reader(path, text)
    above = reader.directives(0, _head_end(text, 0, lexicon), _Directives())
    upgrade, marker = _section(text, 0, above.applied_to(lexicon))
    below = above
    rollback: list[Statement] = []
    second = None
    if marker:
        below = reader.directives(marker.end, _head_end(text, marker.end, lexicon), above)
        rollback, second = _section(text, marker.end, below.applied_to(lexicon))
    if second:
        reader.complain("second-marker", "a second rollback marker; keep one", second.start)
    statements = [*upgrade, *rollback]
    reader.complain_of_late_directives(statements)
    for statement in statements:
        if statement.flaw:
            message, line, column = statement.flaw
            reader.problems.append(Problem("flaw", message, path, line, column))
    if reader.problems:
        raise ProblemsError(sorted(reader.problems, key=lambda problem: problem.line or 0))
    return Script(
        Section(text, tuple(upgrade), above.transaction, above.foreign_keys),
        Section(text, tuple(rollback), below.transaction, below.foreign_keys) if marker else None,
        text[: marker.start] if marker else text,
    )


def _section(text: str, start: int, lexicon: Lexicon) -> tuple[list[Statement], Marker | None]:
    """The statements up to the next marker, and that marker."""
    statements: list[Statement] = []
    for item in scan(text, lexicon, start):
        if isinstance(item, Marker):
            return statements, item
        statements.append(item)
    return statements, None


def _head_end(text: str, start: int, lexicon: Lexicon) -> int:
    """Where the comments before the first statement end."""
    match = lexicon.gap.match(text, start)
    assert match is not None  # every part of the pattern is optional
    return match.start(1)


class _Reader:
    """Reads directives and collects what is wrong."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.problems: list[Problem] = []
        self.heeded: set[int] = set()

    def complain(self, rule: str, message: str, offset: int) -> None:
        self.problems.append(Problem(rule, message, self.path, *place(self.text, offset)))

    def directives(self, start: int, end: int, given: _Directives) -> _Directives:
        for match in self._comments(start, end):
            self.heeded.add(match.start())
            for word in match["words"].split():
                key, _, value = word.partition("=")
                if key == "delimiter" and value and not _BAD_DELIMITER.search(value):
                    given = replace(given, delimiter=value)
                elif key == "transaction" and value in _ON_OFF:
                    given = replace(given, transaction=_ON_OFF[value])
                elif key == "foreign_keys" and value in _ON_OFF:
                    given = replace(given, foreign_keys=_ON_OFF[value])
                else:
                    self.complain(
                        "bad-directive",
                        f"{word!r} is no directive; known are delimiter=…, transaction=on|off"
                        " and foreign_keys=on|off",
                        match.start(),
                    )
        return given

    def complain_of_late_directives(self, statements: list[Statement]) -> None:
        """A directive that holds for nothing must not look as if it did."""
        if "jetbase:" not in self.text.lower():
            return
        ends = [0, *(statement.end for statement in statements)]
        starts = [*(statement.start for statement in statements), len(self.text)]
        for start, end in zip(ends, starts, strict=True):
            for match in self._comments(start, end):
                if match.start() not in self.heeded:
                    self.complain(
                        "late-directive",
                        "a directive must stand before the first statement of its section",
                        match.start(),
                    )

    def _comments(self, start: int, end: int) -> list[re.Match[str]]:
        """The directives of a stretch that holds comments only; none is inside a block comment."""
        matches = (
            _DIRECTIVE.match(self.text, comment.start(), comment.end())
            for comment in _COMMENT.finditer(self.text, start, end)
        )
        return [match for match in matches if match]
