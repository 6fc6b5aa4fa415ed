import os
import platform
from pathlib import Path

from ...sql.queries import Expression
from ..base.locking import Locking
from ..base.values import Holder


class SQLiteLocking(Locking):
    """SQLite has no sessions, so it is processes that live."""

    @property
    def this_session(self) -> tuple[int | Expression, str | Expression]:
        return 0, _start_of(os.getpid())

    def may_beat(self) -> bool:
        """It would keep a transaction that has only read so far from writing."""
        return not self.backend.in_transaction()

    def is_working(self, holder: Holder, lock: str) -> bool:
        """SQLite has no sessions: ask for the process, where that can be asked."""
        if os.name != "posix" or holder.host != platform.node():
            return False
        try:
            os.kill(holder.pid, 0)
        except (ProcessLookupError, OverflowError):  # no number of a process at all
            return False
        except PermissionError:
            pass
        return holder.session_start == _start_of(holder.pid)


def _start_of(pid: int) -> str:
    """When a process began, which its number alone does not tell; empty where nothing says so."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return f"{boot[:18]} {stat.rpartition(')')[2].split()[19]}"
