"""Signals and log records of each step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import signals
from ..backends import message_of
from ..database import logger
from ..exceptions import LockLostError
from ..migration import Direction
from ..plan.plan import Step
from .done import Done
from .task import OvertakenError, PostponedError

if TYPE_CHECKING:
    from django.dispatch import Signal


class Announcement:
    """A step that others hear of."""

    def __init__(self, sender: type, alias: str, step: Step) -> None:
        self.sender = sender
        self.alias = alias
        self.step = step

    @contextmanager
    def running(self) -> Iterator[None]:
        """Tell that it starts, and of a failure; not of one after which the step is taken anew."""
        direction = str(self.step.direction)
        self._send(signals.migration_started, direction=direction)
        try:
            yield
        except (OvertakenError, LockLostError, PostponedError):
            raise
        except BaseException as error:
            self._send(signals.migration_failed, direction=direction, error=error)
            extra = self._extra | {"line": getattr(error, "line", None)}
            said = message_of(error, self.alias) or type(error).__name__
            logger.error("%s", said, extra=extra)
            raise

    def done(self, done: Done) -> None:
        """Tell that it was taken, unless another process did."""
        if done.by_other:
            return
        if self.step.retires or self.step.renames:
            pass  # nothing was applied
        elif self.step.direction is Direction.UPGRADE:
            self._send(signals.migration_applied, done=done)
        else:
            self._send(signals.migration_rolled_back, done=done)
        facts = {"origin": str(done.origin), "duration": done.duration}
        logger.info("%s", done, extra=self._extra | facts | {"statements": done.statements})

    def _send(self, signal: "Signal", **facts: Any) -> None:
        signal.send_robust(self.sender, migration=self.step.subject, using=self.alias, **facts)

    @property
    def _extra(self) -> dict[str, Any]:
        subject = self.step.subject
        return {
            "database": self.alias,
            "path": subject.path,
            "version": str(subject.version or "") or None,
            "kind": str(subject.kind),
            "direction": str(self.step.direction),
        }
