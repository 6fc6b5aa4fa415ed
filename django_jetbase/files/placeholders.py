"""`${name}` in SQL text and what stands for it when the text runs."""

import re
from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple


class Replaced(NamedTuple):
    """Where a value stands in the text that runs, and its placeholder in the text as written."""

    start: int
    end: int
    written_start: int
    written_end: int


class Expanded(NamedTuple):
    """The text that runs, and the way back to the text as written."""

    text: str
    replaced: tuple[Replaced, ...] = ()

    def written(self, offset: int, *, as_end: bool = False) -> int:
        """The offset in the text as written; within a value the start of its placeholder.

        With `as_end` the end of that.
        """
        index = bisect_right(self.replaced, offset, key=lambda item: item.start)
        if not index:
            return offset
        last = self.replaced[index - 1]
        if offset >= last.end:
            return last.written_end + offset - last.end
        return last.written_end if as_end and offset > last.start else last.written_start


def expand(text: str, values: Mapping[str, str]) -> Expanded:
    """Put the values in; names that have none stay as they are, and so does `$${name}`."""
    names = "|".join(map(re.escape, values))
    pieces: list[str] = []
    replaced: list[Replaced] = []
    length = done = 0
    for match in re.finditer(rf"(?<!\$)\$\{{({names})\}}", text) if values else ():
        before, value = text[done : match.start()], values[match[1]]
        pieces += [before, value]
        start = length + len(before)
        length, done = start + len(value), match.end()
        replaced.append(Replaced(start, length, match.start(), done))
    return Expanded("".join([*pieces, text[done:]]), tuple(replaced))
