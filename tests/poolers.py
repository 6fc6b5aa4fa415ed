"""PgBouncer in front of the PostgreSQL of a test run."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

_CONFIGURATION = """\
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 2
ignore_startup_parameters = extra_float_digits, options
"""


def program() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pgbouncer(
    path: str, settings: dict[str, Any], folder: Path, mode: str
) -> Iterator[dict[str, Any]]:
    """What an alias must have to connect through a pooler of its own."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        own_port = free.getsockname()[1]
    ini = folder / "pgbouncer.ini"
    host, port = settings["HOST"], settings["PORT"] or 5432
    # With a fixed user, as whom it connects whoever asks.
    text = _CONFIGURATION.format(host=host, port=port, own_port=own_port, mode=mode)
    ini.write_text(text.replace("* =", f"* = user={settings['USER']}"))
    ini.chmod(0o644)
    for parent in list(ini.parents)[:3]:
        with suppress(OSError):
            parent.chmod(0o755)
    as_user = ["-u", _user(host)] if os.getuid() == 0 else []
    process = subprocess.Popen(
        [path, *as_user, str(ini)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _wait_for(process, own_port)
        yield {"HOST": "127.0.0.1", "PORT": str(own_port)}
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _user(host: str) -> str:
    """Who may use the socket of the server; PgBouncer does not run as root."""
    return Path(host).owner() if host.startswith("/") else "nobody"


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    for _try in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"pgbouncer has ended: {process.communicate()[1].decode()}")
        with closing(socket.socket()) as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("pgbouncer does not answer")
