"""Comments that somebody may have taken for the rollback marker, and that are none.

They are those of other tools, and those that are nearly ours: what stands below would run as a part
of the upgrade. A comment that says more than these words is prose.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..sql.regex import compiled
from ..sql.scanner import Statement

_OURS = r"roll[ _-]?back(?:s|[ ]+(?:section|migration|script|sql|part|statements?|below|here))?"
_OTHERS = (
    r"(?:rambler[ ]+)?(?:downs?|undo|downgrade)(?:[ ]+(?:migration|section|script|sql))?"
    r"|create[ ]above[ ]/[ ]drop[ ]below"  # tern
)
_WITH_OPTIONS = (
    r"migrate:[ ]*down\b[^\n]*"  # dbmate
    r"|\+[ ]*(?:goose|migrate|micrate|mig|duck)[ ]+down\b[^\n]*"  # goose, sql-migrate
)
_SURROUNDED = rf"[-=*#~:.!@+<>(\[{{/ \t]*(?:{_OURS}|{_OTHERS})[-=*#~:;.!@>)\]}}/ \t]*?"
_NEARLY = compiled(
    rf"(?im)^[ \t]*(?P<mark>--|#|/\*)[ \t]*+(?:{_SURROUNDED}|{_WITH_OPTIONS})(?:\*/)?[ \t]*\r?$"
)
_BLOCK = compiled(r"(?s)--[^\n]*+|/\*.*?(?:\*/|\Z)")


def near_markers(text: str, statements: Sequence[Statement], end: int) -> Iterator[int]:
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
            comments = [match.span() for match in _BLOCK.finditer(text, start, stop)]
            for offset in inside:
                if not any(first < offset < last for first, last in comments):
                    yield offset
