"""The text of a migration as its two sections, with their statements and directives."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from ..problems import Problem, Rule
from ..sql.lexicon import Lexicon
from ..sql.redaction import with_names, without_secrets
from ..sql.regex import compiled
from ..sql.scanner import Marker, Statement, place, scan
from .directives import KNOWN, ROWS, Directives
from .markers import near_markers
from .placeholders import Expanded, expand

_DIRECTIVE = compiled(r"--[ \t]*jetbase:[ \t]*(?P<words>[^\n]*)", re.IGNORECASE)
_NEARLY_DIRECTIVE = compiled(r"(?:--|#|/\*)[ \t]*jetbase[ \t]*[:-]?[ \t]*[a-z_]+=\S", re.IGNORECASE)
_HINT = compiled(r"/\*[+!].*?\*/", re.DOTALL)
_MOST_PROBLEMS = 100  # that are said of one file


@dataclass(frozen=True)
class Section:
    """What one run sends. `source` is the whole file, so that offsets and lines are the file's.

    `places` are the offsets of the directives that hold, by name.
    """

    source: Expanded = field(repr=False)
    statements: tuple[Statement, ...]
    directives: Directives = field(default_factory=Directives)
    places: Mapping[str, int] = field(default_factory=dict)
    written: str = field(repr=False, default="")

    @property
    def text(self) -> str:
        """The file as it runs."""
        return self.source.text

    def as_written(self, statement: Statement, *, with_rows: bool = False) -> str:
        """The statement with its placeholders instead of their values."""
        end = statement.start + len(statement.text if with_rows else statement.sql)
        start = self.source.written(statement.start)
        return self.written[start : self.source.written(end, as_end=True)]

    @property
    def compared(self) -> list[tuple[str, ...]]:
        """What tells whether another text does the same: its statements as they are written.

        Comments and blanks between them say nothing, but for hints in front of one.
        """
        ends = [0, *(statement.end for statement in self.statements)]
        return [
            (
                statement.delimiter,
                *_HINT.findall(self.text, end, statement.start),
                self.as_written(statement, with_rows=True).replace("\r\n", "\n"),
            )
            for end, statement in zip(ends, self.statements, strict=False)
        ]

    @property
    def placeholders(self) -> list[tuple[str, str]]:
        """As they are written, each with the value that runs in its place."""
        return _placeholders(self.written, self.source)

    def place(self, offset: int) -> tuple[int, int]:
        """The line and column, both from 1, in the file as it was written."""
        return place(self.written, self.source.written(offset))


@dataclass(frozen=True)
class Script:
    """A parsed file; its two texts are what stands above and below the rollback marker, as written.

    With `problems` the sections must not run. `lookalikes` are those of a file that is to run
    for the first time.
    """

    upgrade: Section
    rollback: Section | None
    upgrade_text: str
    rollback_text: str | None = None
    problems: tuple[Problem, ...] = ()
    lookalikes: tuple[Problem, ...] = ()


def parse(
    path: str, written: str, lexicon: Lexicon, placeholders: Mapping[str, str] | None = None
) -> Script:
    """Read a migration's text.

    Problems are a second marker, a directive that is unknown or too late to hold, an unfinished
    quote and a command of the database's shell.
    """
    source = expand(written, placeholders or {})
    text = source.text
    reader = _Reader(path, written, source, lexicon)
    above = reader.directives(0, _head_end(text, 0, lexicon), Directives())
    places_above = dict(reader.places)
    upgrade, marker = _section(text, 0, above.applied_to(lexicon))
    below = above
    rollback: list[Statement] = []
    second = None
    if marker:
        below = reader.directives(marker.end, _head_end(text, marker.end, lexicon), above)
        rollback, second = _section(text, marker.end, below.applied_to(lexicon))
    if second:
        hint = "keep one of them"
        reader.complain(Rule.SECOND_MARKER, "a second rollback marker", hint, second.start)
    statements = [*upgrade, *rollback]
    if not marker:
        reader.complain_of_hidden_marker(upgrade[-1].end if upgrade else 0)
    reader.complain_of_late_directives(statements)
    for statement in statements:
        if statement.flaw:
            message, line, column = statement.flaw
            said = reader.shown(message)
            flaw = Problem(Rule.UNREADABLE_SQL, path, said, line=line, column=column)
            reader.problems.append(flaw)

    def section(
        statements: list[Statement], given: Directives, places: Mapping[str, int]
    ) -> Section:
        return Section(source, tuple(statements), given, dict(places), written)

    return Script(
        section(upgrade, above, places_above),
        section(rollback, below, reader.places) if marker else None,
        written[: source.written(marker.start)] if marker else written,
        written[source.written(marker.end) :] if marker else None,
        tuple(sorted(reader.problems, key=lambda problem: problem.line or 0)),
        (
            *islice(reader.lookalikes.values(), _MOST_PROBLEMS),
            *reader.near_markers(above, upgrade, marker.start if marker else len(text)),
        ),
    )


def _placeholders(written: str, source: Expanded) -> list[tuple[str, str]]:
    """As they are written, each with the value that runs in its place."""
    return [
        (written[one.written_start : one.written_end], source.text[one.start : one.end])
        for one in source.replaced
    ]


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

    def __init__(self, path: str, written: str, source: Expanded, lexicon: Lexicon) -> None:
        self.path = path
        self.lexicon = lexicon
        self.written = written
        self.source = source
        self.text = source.text
        self.problems: list[Problem] = []
        self.heeded: set[int] = set()
        self.lookalikes: dict[int, Problem] = {}
        self.places: dict[str, int] = {}  # of the directives that hold so far

    def complain(self, rule: Rule, message: str, hint: str, offset: int) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(self._problem(rule, message, hint, offset))

    def _problem(self, rule: Rule, message: str, hint: str, offset: int) -> Problem:
        where = place(self.written, self.source.written(offset))
        return Problem(rule, self.path, message, hint, *where)

    def near_markers(
        self, given: Directives, statements: list[Statement], end: int
    ) -> Iterator[Problem]:
        """What looks like the rollback marker above the real one, unless a directive says not."""
        if given.other_markers == "ignore":
            return
        found = near_markers(self.text, statements, end, self.lexicon)
        for offset in islice(found, _MOST_PROBLEMS):
            yield self._problem(
                Rule.NEAR_MARKER,
                "the comment is another tool's marker, or nearly that of the rollback section, and"
                " what stands below it would run with the upgrade",
                "write -- rollback in a line of its own there; or, if it marks nothing, put"
                " -- jetbase: other_markers=ignore before the first statement",
                offset,
            )

    def complain_of_hidden_marker(self, start: int) -> None:
        """To SQLite a comment without an end goes on to that of the text."""
        for first, last in self.lexicon.comments(self.text, start, len(self.text)):
            is_open = self.text.startswith("/*", first) and not self.text.endswith(
                "*/", first + 2, last
            )
            if is_open and self.lexicon.marker.search(self.text, first):
                message = "the comment that begins here has no end, and hides the rollback marker"
                self.complain(Rule.UNREADABLE_SQL, message, "close it", first)

    def shown(self, message: str) -> str:
        """The message without what is secret in the text that it quotes."""
        return with_names(without_secrets(message), _placeholders(self.written, self.source))

    def directives(self, start: int, end: int, given: Directives) -> Directives:
        given_here: set[str] = set()
        for match in self._comments(start, end):
            self.heeded.add(match.start())
            for word in match["words"].split():
                name, _, value = word.partition("=")
                name = name.lower()
                if name in given_here and not (ROWS[name].adds or ROWS[name].once):
                    said = f"the directive {word!r}: a section has one {name}, and the last holds"
                    self.seems_wrong(self.shown(said), "keep one", match.start())
                try:
                    given = given.given(name, value, in_head=not start)
                    self.places[name] = match.start()
                    given_here.add(name)
                except ValueError as error:
                    self._complain_of(word, error, match.start())
        return given

    def _complain_of(self, word: str, error: ValueError, offset: int) -> None:
        if error.args:
            reason, hint = error.args
            message = f"the directive {word!r}: {reason}"
        else:
            name = word.partition("=")[0].lower()
            row = ROWS.get(name)
            message = f"{word!r} is no directive"
            is_near = row is not None and not row.head
            hint = f"write it as {name}={row.example}, without blanks" if row and is_near else KNOWN
        self.complain(Rule.UNKNOWN_DIRECTIVE, self.shown(message), hint, offset)

    def seems_wrong(self, message: str, hint: str, offset: int) -> None:
        """Note what a pending file is refused for, and an applied one is not."""
        if offset not in self.lookalikes:
            self.lookalikes[offset] = self._problem(Rule.UNKNOWN_DIRECTIVE, message, hint, offset)

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
                        Rule.LATE_DIRECTIVE,
                        "a directive below a statement holds for nothing",
                        "put it before the first statement of its section",
                        match.start(),
                    )

    def _comments(self, start: int, end: int) -> list[re.Match[str]]:
        """The directives of a stretch that holds comments only; none is inside a block comment."""
        comments = list(self.lexicon.comments(self.text, start, end))
        for first, last in comments:
            is_near = _NEARLY_DIRECTIVE.match(self.text, first, last)
            if is_near and not _DIRECTIVE.match(self.text, first, last):
                message = "the comment is nearly a directive, and holds for nothing"
                hint = "write it in a line of its own, as -- jetbase: name=value"
                self.seems_wrong(message, hint, first)
        matches = (_DIRECTIVE.match(self.text, *comment) for comment in comments)
        return [match for match in matches if match]
