"""Try again what failed only because of others: a lock, a deadlock, a serialization failure."""

import random
import time
from collections.abc import Callable

from ..backends.base.backend import Backend
from ..backends.base.values import StatementFailed

_FIRST_PAUSE = 0.25  # seconds; each is twice the one before, but for chance
_LONGEST_PAUSE = 30.0


class Retry:
    """Runs an action up to `retries` times more, with back-off."""

    def __init__(self, backend: Backend, path: str, retries: int) -> None:
        self.backend = backend
        self.path = path
        self.retries = retries

    def __call__(self, action: Callable[[], None]) -> None:
        """Run the action. Raises its StatementFailed where another try would not help either."""
        for attempt in range(self.retries):
            try:
                action()
            except StatementFailed as failure:
                if failure.effect.partial or not self.backend.errors.is_transient(
                    failure.__cause__
                ):
                    raise
                self._pause(failure, attempt)
            else:
                return
        action()

    def _pause(self, failure: StatementFailed, attempt: int) -> None:
        seconds = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE) * random.uniform(0.75, 1.25)
        said = self.backend.errors.message_of(failure.__cause__).splitlines()[0]
        self.backend.notice(
            f"{self.path}: {said}; trying again in {seconds:.1f} s"
            f" ({attempt + 1} of {self.retries})"
        )
        time.sleep(seconds)
