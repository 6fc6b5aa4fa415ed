"""Signs of life of whoever holds the lock."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ..backends.base.backend import Backend
from .lease import Lease

_JOIN = 10.0  # seconds that a heartbeat in the middle of a query may take to its end


class Timing(NamedTuple):
    """How often the holder of a lock beats, and without a beat for how long it is gone; seconds.

    The latter on the clock of whoever waits.
    """

    beat: float = 1.0
    stale: float = 5.0


USUAL = Timing()


class Pulse:
    """What a run hears of its own heartbeats: the last one, and whether its lock is lost.

    It is `alone` while there is no second connection for them.
    """

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        self.lost = threading.Event()
        self.alone = False
        self.beaten: float | None = None  # None while there are none

    @property
    def is_late(self) -> bool:
        if self.beaten is None:
            return False
        return time.monotonic() - self.beaten > 2.5 * self.timing.beat


@contextmanager
def beating(lease: Lease, pulse: Pulse) -> Iterator[None]:
    """Keep the lease alive from a thread with a connection of its own; `pulse` hears of it.

    The thread also says whom a statement waits for.

    Most runs are over before its first heartbeat, and cost no connection.
    """
    if lease.backend.is_private:
        yield
        return
    stop = threading.Event()
    pulse.beaten = time.monotonic()
    arguments = (lease, lease.token, lease.backend.locking.session_id(), stop, pulse)
    thread = threading.Thread(target=_beat, args=arguments, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_JOIN)


def _beat(
    lease: Lease,
    token: str,
    session: int | None,
    stop: threading.Event,
    pulse: Pulse,
) -> None:
    backend = lease.backend
    other: Backend | None = None
    known: set[int] = set()
    while not stop.wait(pulse.timing.beat):
        try:
            if not backend.locking.may_beat():
                pulse.beaten = time.monotonic()
                continue
            other = other or backend.companion()
            other.wait = pulse.timing.beat
            if not Lease(other, lease.tables, token).beat():
                pulse.lost.set()
                break
            pulse.beaten, pulse.alone = time.monotonic(), False
            blockers = other.locking.blockers(session) if session else []
            for blocker in blockers:
                if blocker.session not in known:
                    backend.notice(f"Waiting for a lock of the database: {blocker}")
            known = {blocker.session for blocker in blockers}
        except Exception as error:  # also of a project's receivers; a heartbeat may be missed
            if other and other.connection.connection is None:
                _say_alone(backend, pulse, error)
                other = None
            elif other:
                other.connection.close()
    if other:
        other.connection.close()


def _say_alone(backend: Backend, pulse: Pulse, error: Exception) -> None:
    """Say it once; the run then asks over its own connection."""
    if not pulse.alone:
        said = backend.errors.message_of(error)
        backend.notice(
            "There is no second connection for a sign of life, so none is given while a statement"
            f" runs: {said}"
        )
    pulse.alone = True
