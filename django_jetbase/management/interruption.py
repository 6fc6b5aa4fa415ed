"""SIGTERM and SIGINT end a command cleanly, also in the middle of a long statement."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Protocol

from django.db import Error

_AGAIN = 0.3  # seconds
_END = b"\0"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """A signal asked to stop."""


class Target(Protocol):
    """What is running: it raises the error before its next statement, and can cancel this one."""

    def interrupt(self, error: BaseException) -> None: ...

    def cancel(self) -> None: ...


class Interruption:
    """Which signal came, if any, and what it shall stop."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self.target: Target | None = None

    def come(self, number: int) -> None:
        """Called in the main thread, which may have to wait for the end of a statement first."""
        self.signal = signal.Signals(number)
        error = Interrupted(self.signal.name)
        if self.target is None:
            raise error
        self.target.interrupt(error)

    def cancel(self) -> None:
        """Called in a thread, at once."""
        with suppress(Error):  # the statement may have ended, and the connection with it
            if self.target:
                self.target.cancel()


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Let signals interrupt what runs inside; a second one does what it would have done before.

    In another thread than the main one signals are left alone.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, frame: FrameType | None) -> None:
        restore()
        interruption.come(number)

    try:
        for number in _SIGNALS:
            signal.signal(number, handle)
        with _watching(interruption.cancel):
            yield interruption
    finally:
        restore()


@contextmanager
def _watching(cancel: Callable[[], Any]) -> Iterator[None]:
    """Call it in a thread when a signal comes, and again while what runs has not ended.

    A handler of Python's own runs only after the call into the database has returned, and the
    signal may come so shortly before that call that there is nothing to cancel yet.
    """
    here, there = socket.socketpair()
    there.setblocking(False)

    def received() -> bytes | None:
        """What came, None where nothing did in time."""
        try:
            return here.recv(1)
        except TimeoutError:
            return None

    def wait() -> None:
        while (came := received()) != _END:
            if came in (*map(_byte, _SIGNALS), None):
                here.settimeout(_AGAIN)
                cancel()

    thread = threading.Thread(target=wait, daemon=True)
    before = signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        with suppress(BlockingIOError):
            there.send(_END)
        thread.join()
        here.close()
        there.close()


def _byte(number: int) -> bytes:
    return bytes([number])
