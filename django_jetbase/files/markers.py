"""Comments that somebody may have taken for the rollback marker, and that are none.

They are those of other tools, and those that are nearly ours: what stands below would run as a part
of the upgrade. A comment that says more than these words is prose.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..sql.lexicon import Lexicon
from ..sql.regex import compiled
from ..sql.scanner import Statement

_OURS = r"roll[ _-]?back(?:s|[ ]+(?:section|migration|script|sql|part|statements?|below|here))?"
_OTHERS = (
    r"(?:rambler[ ]+)?(?:downs?|undo|downgrade)(?:[ ]+(?:migration|section|script|sql))?"
    r"|create[ ]above[ ]/[ ]drop[ ]below"  # tern
)
_WITH_OPTIONS = (
    r"migrate:[ ]*down\b[^\r\n]*?"  # dbmate
    r"|\+[ ]*(?:goose|migrate|micrate|mig|duck)[ ]+down\b[^\r\n]*?"  # goose, sql-migrate
)
# Blank, or drawn as nothing, and not the end of a line.
_BLANK = r" \t\v\f\x85\xa0\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
_DRAWN = r"-=*#~:.!@+<>(){}\[\]/'\"`"


def _surrounded(breaks: str = "") -> str:
    around = rf"[{_DRAWN};{_BLANK}{breaks}]*"
    return rf"{around}(?:{_OURS}|{_OTHERS}){around}?"


_NEARLY = compiled(
    rf"(?im)(?:^|(?<=\r))[{_BLANK}]*(?P<mark>"
    rf"(?:--|\#)(?:{_surrounded()}|[{_BLANK}]*(?:{_WITH_OPTIONS}))"
    rf"|/\*(?:{_surrounded(chr(13) + chr(10))}|[{_BLANK}]*(?:{_WITH_OPTIONS}))\*/)"
    rf"[{_BLANK}]*(?=[\r\n]|\Z)"
)


def near_markers(
    text: str, statements: Sequence[Statement], end: int, lexicon: Lexicon
) -> Iterator[int]:
    """Their offsets between the statements of a section that goes on to `end`.

    Only such as have a statement below.
    """
    if not (found := [match.start("mark") for match in _NEARLY.finditer(text, 0, end)]):
        return
    stops = [0, *(stop for one in statements for stop in (one.start, one.end))]
    gaps = [*pairwise(stops)][::2]
    for start, stop in gaps:
        inside = [offset for offset in found if start <= offset < stop]
        if inside:
            comments = {first for first, _last in lexicon.comments(text, start, stop)}
            yield from (offset for offset in inside if offset in comments)
