"""Comments that somebody may have taken for the rollback marker, and that are none.

They are those of other tools, and those that are nearly ours: what stands below would run as a part
of the upgrade. A comment that says more than these words is prose.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..sql.lexicon import Lexicon
from ..sql.regex import compiled
from ..sql.scanner import Statement

# Blank, or drawn as nothing, and not the end of a line.
_BLANK = r" \t\v\f\x85\xa0\xad\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u2800\u3000\ufeff"
_DRAWN = r"-=*#~:.!?@+<>(){}\[\]/|_'\"`\u00b7\u2010-\u2015\u2022\u2026\u2212\u2500-\u257f"
_JOINT = rf"[{_BLANK}_\u2010\u2011-]"
_OURS = (
    rf"(?:(?:sql|begin|start|down){_JOINT}*(?:/{_JOINT}*)?)?roll{_JOINT}*back"
    rf"(?:s|(?:{_JOINT}|[:(])+(?:section|migration|script|sql|part|statements?|commands?|code|begins?"
    r"|starts?|below|here))?"
)
_OTHERS = (
    rf"(?:rambler{_JOINT}+)?(?:downs?|undo|downgrade|revert)"
    rf"(?:{_JOINT}+(?:migration|section|script|sql))?"
    r"|create[ ]above[ ]/[ ]drop[ ]below"  # tern
)
_WITH_OPTIONS = (
    r"migrate[:-][ ]*(?:down|rollback)\b[^\r\n]*?"  # dbmate
    r"|\+[ ]*(?:goose|migrate|micrate|mig|duck)[ ]+down\b[^\r\n]*?"  # goose, sql-migrate
)
_AROUND = rf"[{_DRAWN};{_BLANK}\r\n]*"
# A whole comment, and in its line nothing behind it.
_NEARLY = compiled(
    rf"(?i)(?:(?P<block>/\*)|--|\#)(?:{_AROUND}(?:{_OURS}|{_OTHERS}){_AROUND}?"
    rf"|[{_BLANK}]*(?:{_WITH_OPTIONS}))(?(block)\*/)[{_BLANK}]*(?=[\r\n]|\Z)"
)
_WORDS = compiled(r"(?i)back|down|undo|revert|drop below")


def near_markers(
    text: str, statements: Sequence[Statement], end: int, lexicon: Lexicon
) -> Iterator[int]:
    """Their offsets between the statements of a section that goes on to `end`.

    Only such as have a statement below. Where two dashes begin no comment without a blank, also
    those of a statement that begins with them.
    """
    found = [match.start() for match in _WORDS.finditer(text, 0, end)]
    if not found:
        return
    for one in statements:
        if one.text.startswith("--") and _NEARLY.match(text, one.start, _line_end(text, one.start)):
            yield one.start
    stops = [0, *(stop for one in statements for stop in (one.start, one.end))]
    gaps = [*pairwise(stops)][::2]
    for start, stop in gaps:
        at = bisect_left(found, start)
        if at < len(found) and found[at] < stop:
            for first, last in lexicon.comments(text, start, stop):
                # A line comment ends with its line, and a block must be alone in what is left.
                if _NEARLY.match(text, first, _line_end(text, last)):
                    yield first


def _line_end(text: str, start: int) -> int:
    found = text.find("\n", start)
    return len(text) if found < 0 else found
