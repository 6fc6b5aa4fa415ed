"""The history of Jetbase, the stand-alone tool, and how it reads a file: line by line."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import ClassVar, NamedTuple

from ..migration import Kind
from ..sql.scanner import Statement, scan
from ..sql.tokens import OpenTokenError, Piece
from .foreign import Difference, ForeignHistory, ForeignMigration

_KINDS = {
    "VERSIONED": Kind.VERSIONED,
    "RUNS_ON_CHANGE": Kind.RUNS_ON_CHANGE,
    "RUNS_ALWAYS": Kind.RUNS_ALWAYS,
}
_DELIMITER = re.compile(r"--\s*jetbase:\s*delimiter=(.+)", re.IGNORECASE)
_ESCAPED_COLON = re.compile(r"\\:\w*(?![:\w])")

UNSENT = "never ran: no line that ends in the delimiter follows"
COMMENTED = "never ran: joined to the line above, it was part of the comment there"
FLATTENED = "ran with the line breaks of its literal as blanks, without indents and comment lines"
UNESCAPED = r"ran with : for \:"


class _Line(NamedTuple):
    number: int
    text: str


class JetbaseHistory(ForeignHistory):
    """`jetbase_migrations`; `file_name` is the name without its folder."""

    name: ClassVar[str] = "jetbase"
    table: ClassVar[str] = "jetbase_migrations"

    def standing(self) -> Iterator[ForeignMigration]:
        rows = self.backend.execute(
            "SELECT version, description, filename, migration_type,"
            f" {self.backend.introspection.epoch('applied_at')}, checksum"
            f" FROM {self.table} ORDER BY order_executed"
        )
        for version, description, file_name, migration_type, seconds, checksum in rows:
            if not file_name:
                self.refuse(f"version {version}", "has no filename: correct it there")
                continue
            kind = _KINDS.get(migration_type)
            if kind is None:
                said = f"has the unknown type {migration_type!r}, of another version of jetbase"
                self.refuse(file_name, said)
                continue
            yield ForeignMigration(
                self.version(version or "", file_name) if kind is Kind.VERSIONED else None,
                kind,
                description or "",
                file_name,
                self.instant(seconds, file_name),
                checksum or "",
            )

    def checksum(self, text: str) -> str:
        delimiter, (*sent, _unsent) = _cut(text)
        statements = (_joined(lines).rstrip(delimiter).strip() for lines in sent)
        return hashlib.sha256("\n".join(filter(None, statements)).encode()).hexdigest()

    def readings(self, text: str) -> Iterator[str]:
        yield text
        yield "\ufeff" + text  # which it took for the first character of the first line

    def differences(self, text: str) -> list[Difference]:
        delimiter, (*sent, unsent) = _cut(text)
        behind = (self._sql_in(self._behind_comment(lines), delimiter, COMMENTED) for lines in sent)
        lost = [item for item in (*behind, self._sql_in(unsent, delimiter, UNSENT)) if item]
        lines = [line for lines in sent for line in lines]
        altered = [
            item
            for item in (*self._flattened(text), *_unescaped(lines))
            if not any(missing.first <= item.first <= missing.last for missing in lost)
        ]
        return sorted(lost + altered)

    def _flattened(self, text: str) -> Iterator[Difference]:
        lines = _plain_lines(text)
        upgrade = "\n".join(lines[: _upgrade_size(lines)])
        first, counted = 1, 0
        for piece in self._pieces(upgrade):
            first += upgrade.count("\n", counted, piece.start)
            counted = piece.start
            breaks = upgrade.count("\n", piece.start, piece.end)
            if breaks and upgrade[piece.start] in "'\"":
                yield Difference(first, first + breaks, FLATTENED)

    def _behind_comment(self, lines: Sequence[_Line]) -> Sequence[_Line]:
        """The lines that became part of a comment once these were joined."""
        pieces = self._pieces(_joined(lines))
        start = next((piece.start for piece in pieces if piece.kind == "comment"), None)
        if start is None:
            return []
        for index, line in enumerate(lines, 1):
            start -= len(line.text) + 1
            if start < 0:
                return lines[index:]
        return []

    def _sql_in(self, lines: Sequence[_Line], delimiter: str, what: str) -> Difference | None:
        text = "\n".join(line.text for line in lines).rstrip(delimiter)
        for item in scan(text, self.backend.lexicon):
            if isinstance(item, Statement):
                return Difference(lines[item.line - 1].number, lines[-1].number, what)
        return None

    def _pieces(self, text: str) -> Iterator[Piece]:
        """The comments and what is quoted, up to the first that has no end."""
        with suppress(OpenTokenError):
            yield from (piece for piece in self.backend.lexicon.pieces(text) if piece.kind)


def _plain_lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _upgrade_size(lines: Sequence[str]) -> int:
    """How many lines stand above the rollback marker."""
    for index, line in enumerate(map(str.strip, lines)):
        if line.startswith("--") and line[2:].strip().lower() == "rollback":
            return index
    return len(lines)


def _cut(text: str) -> tuple[str, list[list[_Line]]]:
    """The delimiter, and the lines of each statement; the last list are those without its end."""
    lines = [line.strip() for line in _plain_lines(text)]
    delimiter = _delimiter(lines)
    groups: list[list[_Line]] = [[]]
    for number, line in enumerate(lines[: _upgrade_size(lines)], 1):
        if line and not line.startswith("--"):
            groups[-1].append(_Line(number, line))
            if line.endswith(delimiter):
                groups.append([])
    return delimiter, groups


def _delimiter(lines: Sequence[str]) -> str:
    for line in lines:
        if match := _DELIMITER.match(line):
            return match[1].strip()
        if line and not line.startswith("--"):
            break
    return ";"


def _unescaped(lines: Sequence[_Line]) -> Iterator[Difference]:
    """A colon had to be escaped where a word follows, which else was the name of a parameter."""
    for number, text in lines:
        if _ESCAPED_COLON.search(text):
            yield Difference(number, number, UNESCAPED)


def _joined(lines: Sequence[_Line]) -> str:
    return " ".join(line.text for line in lines)
