"""Whether the time that work takes grows as its input does.

The time is the processor's, which other processes on the machine hardly change, and the bound lies
far from both: the work is done on 16 times the input, for which it may take 60 times as long. What
is linear takes 16 times as long, what is quadratic 256 times.
"""

import time
from collections.abc import Callable

FACTOR = 16
_BOUND = 60
_UNSEEN = 0.002  # seconds of the processor that nobody misses


def assert_linear(work: Callable[[str], object], short: str, long: str) -> None:
    """`long` is FACTOR times `short`. The work is done again where it seems to take too long."""
    limit = _BOUND * min(_seconds(work, short) for _ in range(3)) + _UNSEEN
    taken: list[float] = []
    while len(taken) < 3:
        taken.append(_seconds(work, long))
        if taken[-1] < limit:
            return
    raise AssertionError(f"took {min(taken):.3f} s, and not less than {limit:.3f} s")


def _seconds(work: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    work(text)
    return time.process_time() - began
