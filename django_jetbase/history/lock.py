"""One run at a time: taking the lease, waiting for it, and keeping it alive."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.db import Error

from ..backends.base.backend import Backend
from ..backends.base.values import Holder
from ..exceptions import HistoryError, JetbaseError, LockError, LockLostError
from .heartbeat import Pulse, Timing, beating
from .lease import Lease

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds between two looks at the lock


@dataclass(frozen=True)
class LockStatus:
    """Who holds the lock, if anybody does, and whether that run is alive."""

    holder: Holder | None
    alive: bool


class Lock:
    """The lock of one database, whose lease only one run holds.

    Where the transaction of a file is the lock itself, the lease serves the files that have none,
    and is otherwise only waited for.
    """

    def __init__(self, backend: Backend, lease: Lease, timing: Timing) -> None:
        self.backend = backend
        self.lease = lease
        self.timing = timing
        self._pulse = Pulse(timing)
        self._command, self._wait = "", 0.0

    @contextmanager
    def held(self, command: str, wait: float) -> Iterator[None]:
        """Hold the lock. Raises LockError after `wait` seconds without it."""
        self._command, self._wait, self.backend.wait = command, wait, wait
        if not self.backend.features.transaction_is_lock:
            with self._leased():
                yield
            return
        if self.lease.holder():
            with self._leased():  # it has waited
                pass
        yield

    @contextmanager
    def held_without_transaction(self) -> Iterator[None]:
        """Inside `held`: hold the lock also between transactions."""
        if self.lease.token:
            yield
            return
        with self._leased():
            yield

    def verify(self) -> None:
        """Raise LockLostError where the lock is another's, as far as heartbeats tell.

        Where the last one is long ago, as after the process stood still, waits for the next. A run
        that can give none asks the database.
        """
        if self._pulse.alone:
            if self.backend.in_transaction():
                self.ask()
            elif not self.lease.beat():
                raise self._lost_error()
            return
        deadline = time.monotonic() + self.timing.stale
        while self._pulse.is_late and not self._pulse.lost.is_set():
            if time.monotonic() > deadline:
                break
            time.sleep(_FIRST_PAUSE)
        if self._pulse.lost.is_set():
            raise self._lost_error()

    def ask(self) -> None:
        """Ask the database, and raise LockLostError where the lock is another's."""
        if not self.lease.is_mine():
            raise self._lost_error()

    def _lost_error(self) -> JetbaseError:
        other = None
        with suppress(Error):  # whoever took it may have ended this session as well
            other = self.lease.holder()
            if other is None and not self.lease.has_row():
                return HistoryError(
                    "The row of the lock is gone from the tables of the history: a file, or"
                    " somebody by hand, has deleted it, perhaps with all others. jetbase_status"
                    " says what the history still has."
                )
        if other and self.lease.is_of_this_session(other):
            return self.lease.unwritable()  # all of the row is ours but the token
        by = f" by {other}" if other else ""
        return LockLostError(f"The lock was taken away from this run{by}.", holder=other)

    def outlive_session(self) -> bool:
        """Wait for the end of the session that this run has lost, as long as for the lock.

        Returns whether it has ended. If not, the lease stays, so that others wait for it too.
        """
        deadline = time.monotonic() + self._wait
        try:
            holder = self.lease.holder()
            if holder is None or holder.token != self.lease.token:
                return True
            while self.lease.is_working(holder):
                if time.monotonic() >= deadline:
                    self.lease.token = ""
                    return False
                time.sleep(_FIRST_PAUSE)
        except Error:
            return False
        return True

    def is_alive(self, holder: Holder) -> bool:
        """Whether the holder shows life; where its session is not known, waits for a sign."""
        watch = Watch(self.lease, self.timing)
        now: Holder | None = holder
        while now == holder and not self.lease.is_working(holder):
            if watch.is_gone(holder):
                return False
            time.sleep(self.timing.beat / 2)
            now = self.lease.holder()
        return now is not None and now.token == holder.token

    def take_away(self, holder: Holder, wait: float) -> None:
        """End the holder's session where that is allowed, and free the lock.

        Where that has to wait for a transaction, raises LockError after `wait` seconds.
        """
        self.backend.wait = wait
        try:
            self.lease.end_session(holder)
        except Error as error:
            said = self.backend.errors.message_of(error)
            self.backend.notice(f"The session {holder.session} could not be ended: {said}")
        self.lease.free(holder.token)
        now = self.lease.holder()
        if now and now.token == holder.token:
            raise self.lease.unwritable()

    @contextmanager
    def _leased(self) -> Iterator[None]:
        token = secrets.token_hex(16)
        try:
            for query in self.backend.locking.claiming(token):
                self.backend.execute(*query)
            self._acquire(token)
            with beating(self.lease, self._pulse):
                yield
        except BaseException:
            with suppress(HistoryError):
                self._let_go(token)
            raise
        else:
            self._let_go(token)

    def _let_go(self, token: str) -> None:
        """Raises HistoryError where the row of the lock stays as it is."""
        self._pulse = Pulse(self.timing)
        try:
            with suppress(Error, LockError):  # a dead connection; then it will be stale
                if self.lease.token:
                    self.lease.free()
        finally:
            self.lease.token = ""
            with suppress(Error):
                for query in self.backend.locking.disclaiming(token):
                    self.backend.execute(*query)

    def _acquire(self, token: str) -> None:
        """Take the lease when it is free, or when its holder shows no life any more.

        The waiter has no transaction open and does not wait inside the database.
        """
        deadline = time.monotonic() + self._wait
        pause = _FIRST_PAUSE
        watch = Watch(self.lease, self.timing)
        of: str | None = ""
        in_vain: float | None = None  # since when it cannot be taken, though nobody has it
        while of is None or not self.lease.take(token, self._command, of):
            holder, tried = self.lease.holder(), of
            of = self._takes_from(holder, watch)
            if of is not None and of != tried:
                if holder:
                    self.backend.notice(f"Taking over the lock of {holder}, which is gone.")
                continue
            if watch.is_new and of is None:
                self.backend.notice(f"Waiting for {holder}.")
            patient = holder and self._wait and watch.seems_gone(holder)
            now = time.monotonic()
            if holder is None or of is not None:
                least = max(_LONGEST_PAUSE, min(self.timing.stale, self._wait))
                if in_vain is not None and now - in_vain >= least:
                    raise self.lease.unwritable()
                in_vain = in_vain or now
            elif now >= deadline and not patient:
                raise _held_by(holder)
            else:
                in_vain = None
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _takes_from(self, holder: Holder | None, watch: "Watch") -> str | None:
        """The token of whom the lease can be taken from; None while somebody lives who has it."""
        if holder is None:
            return ""
        return holder.token if watch.is_gone(holder) else None


def _held_by(holder: Holder) -> LockError:
    return LockError(
        f"Another process is running migrations on this database: {holder}. Try again when it is"
        ' done, or let JETBASE["LOCK_WAIT"] be longer; jetbase_lock_status says whether it is'
        " alive.",
        holder=holder,
    )


class Watch:
    """Looks on at who holds the lock, and tells when it is gone.

    That is when no heartbeat has come for some time and the database knows nothing of its session.
    """

    def __init__(self, lease: Lease, timing: Timing) -> None:
        self.lease = lease
        self.timing = timing
        self.is_new = False  # whether the holder was last another one than before
        self._seen: Holder | None = None
        self._since = 0.0
        self._has_beaten = False  # since it was first seen

    def is_gone(self, holder: Holder) -> bool:
        self.is_new = self._seen is None or self._seen.token != holder.token
        if holder != self._seen:
            self._has_beaten = not self.is_new
            self._seen, self._since = holder, time.monotonic()
        silent = time.monotonic() - self._since >= self.timing.stale
        return silent and not self.lease.is_working(holder)

    def seems_gone(self, holder: Holder) -> bool:
        """Whether that will be so in a few seconds, which are worth more waiting."""
        known_for = time.monotonic() - self._since
        if self._has_beaten or known_for >= self.timing.stale + 1:
            return False
        return not self.lease.is_working(holder)
