"""The migrations on disk: the grammar of their names, their text, and what is wrong with them."""

import codecs
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..migration import Kind, Migration, Name, Version, migration_key, run_order
from ..problems import Problem, Rule
from .disk import File, exists, walk

_VERSION = r"[0-9]+(?:[._][0-9]+)*"
_NAME = re.compile(
    rf"(?:V(?P<version>{_VERSION})|(?P<kind>ROC|RA))__(?P<description>.+)\.(?i:sql)", re.DOTALL
)
_NEARLY = [
    (re.compile(pattern), said)
    for pattern, said in (
        (r"R__", "what Flyway calls R__ is ROC__ here, and RA__ if it runs always"),
        (r"U[0-9][0-9._]*__", "what Flyway calls U is the rollback section of the V file here"),
        (r"B[0-9][0-9._]*__", "what Flyway calls B is jetbase_baseline here"),
        (r"v[0-9][0-9._]*_|roc_|ra_", "the letters in front are capitals"),
        (r"(?:V[0-9]+(?:[._][0-9]+)*|ROC|RA)_[^_]", "two '_' stand before the description"),
        (r"(?:V[0-9]+(?:[._][0-9]+)*|ROC|RA)-", "two '_' stand before the description, no '-'"),
        (
            r"V[0-9]+(?:[._][0-9]+)*(?:__)?\.(?i:sql)\Z",
            "a description stands behind the version and two '_'",
        ),
        (r"V[0-9._ -]*__", "a version is digits, with one '.' or '_' between"),
        (r"V(?![0-9])\d", "the digits of a version are 0 to 9"),
        (r"(?:ROC|RA)__\.", "a description stands behind the two '_'"),
    )
]
_LONGEST_PATH = 1000
_NO_TEXT = re.compile("[\udc80-\udcff]")  # bytes of a name that Python could not decode
# What would move a terminal's cursor, or the direction of text.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


class Files(NamedTuple):
    """The migrations on disk, in the order in which they run, and what is wrong with others.

    `unreadable` are the keys of those that are there and cannot be read.
    """

    migrations: list[Migration]
    problems: list[Problem]
    unreadable: frozenset[str] = frozenset()


def migrations_of(files: Iterable[File]) -> Files:
    """The files as migrations."""
    migrations: dict[str, Migration] = {}
    problems: list[Problem] = []
    unreadable: set[str] = set()
    for file in files:
        name = parse_name(file.name)
        if file.path in migrations:
            problems.append(_same_path(file.path, migrations[file.path]))
        elif name is None or len(file.path) > _LONGEST_PATH or not _is_text(file.path):
            problems.append(_bad_name(file.path))
            if name:
                unreadable.add(migration_key(name.version, file.path))
        elif problem := _unreadable(file):
            problems.append(problem)
            unreadable.add(migration_key(name.version, file.path))
        else:
            text = file.data.decode("utf-8-sig")
            migrations[file.path] = Migration(file.path, *name, text, file.place)
    return Files(sorted(migrations.values(), key=run_order), problems, frozenset(unreadable))


def _other_encoding(data: bytes) -> str:
    """The encoding that a text seems to be in where it has two bytes or more for each character."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    half = len(data) // 2
    zeros = max(data[:2000:2].count(0), data[1:2000:2].count(0))
    without_bom = half > 1 and zeros > 0.8 * min(half, 1000)
    bom = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return "UTF-16" if bom or without_bom else ""


def _unreadable(file: File) -> Problem | None:
    """Why the file cannot be taken as text; None where it can."""
    if file.fault:
        hint = "correct its permissions or its link, or take it away"
        return Problem(Rule.UNREADABLE_FILE, file.path, file.fault, hint)
    if encoding := _other_encoding(file.data):
        hint = "save the file as UTF-8, as PowerShell does with -Encoding utf8"
        return Problem(Rule.UNREADABLE_FILE, file.path, f"is {encoding}, not UTF-8", hint)
    try:
        file.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "save the file as UTF-8, and binary data in it as hex literals"
        return _bad_byte(file, error.start, "is not UTF-8", hint)
    if (nul := file.data.find(0)) >= 0:
        return _bad_byte(file, nul, "cannot be sent in SQL", "remove it")
    return None


def _bad_byte(file: File, offset: int, message: str, hint: str) -> Problem:
    line = file.data.count(b"\n", 0, offset) + 1
    said = f"byte {offset + 1} (0x{file.data[offset]:02x}) in line {line} {message}"
    return Problem(Rule.UNREADABLE_FILE, file.path, said, hint, line=line)


def _same_path(path: str, other: Migration) -> Problem:
    message = f"also stands in {other.file}"
    return Problem(Rule.SAME_PATH, path, message, "rename or remove one of them")


def _bad_name(path: str) -> Problem:
    if len(path) > _LONGEST_PATH:
        message, hint = f"the path is longer than {_LONGEST_PATH} characters", "shorten it"
    elif byte := _NO_TEXT.search(path):
        encoding = sys.getfilesystemencoding()
        message = f"the path has the byte 0x{ord(byte[0]) - 0xDC00:02x}, which is not {encoding}"
        hint = "rename the file or the folder"
    elif _UNPRINTABLE.search(path):
        message = "the path has a control character, or one for the direction of text"
        hint = "rename the file or the folder"
    else:
        message = (
            "the name is none of V<version>__<description>.sql, ROC__<description>.sql and"
            " RA__<description>.sql"
        )
        hint = _meant(path.rpartition("/")[2]) + "rename it, or end it in something else than .sql"
    return Problem(Rule.BAD_NAME, _shown(path), message, hint)


def _meant(name: str) -> str:
    """What a name that is nearly right, or another tool's, would be here."""
    return next((f"{said}; " for pattern, said in _NEARLY if pattern.match(name)), "")


def parse_name(file_name: str) -> Name | None:
    """What the file name says; None where it fits none of the three forms."""
    match = _NAME.fullmatch(file_name)
    if not match:
        return None
    version = Version(match["version"]) if match["version"] else None
    kind = Kind(match["kind"]) if match["kind"] else Kind.VERSIONED
    return Name(kind, version, match["description"].replace("_", " "))


def parse_version(text: str) -> Version | None:
    return Version(text) if len(text) < 256 and re.fullmatch(_VERSION, text) else None


def versions(roots: Iterable[Path]) -> set[Version]:
    """The versions of the files below those roots that exist, by their names alone."""
    names = (parse_name(name) for root in roots if exists(root) for name, _, _ in walk(root))
    return {name.version for name in names if name and name.version}


def _is_text(path: str) -> bool:
    """Whether the name is in the encoding of the file system, which the history needs.

    And shows in any list as what it is.
    """
    return path == _shown(path)


def _shown(path: str) -> str:
    path = _NO_TEXT.sub(lambda match: f"\\x{ord(match[0]) - 0xDC00:02x}", path)
    return _UNPRINTABLE.sub(
        lambda match: f"\\u{ord(match[0]):04x}", path.encode(errors="replace").decode()
    )
