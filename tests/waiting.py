"""Waiting for what has happened, however slow the machine is, instead of for some time."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from django.db import OperationalError, connections

from . import engines
from .conftest import Project

_LOOKS = 5_000  # after which something hangs

# Has the second lock while it stands at the gate, and goes through when the first is free.
_GATE = """\
CREATE FUNCTION gate() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock_shared(2);
    WHILE NOT pg_try_advisory_xact_lock_shared(1) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
    PERFORM pg_advisory_unlock_shared(2);
    RETURN 1;
END $$"""
_LOCK = "CONCAT(DATABASE(), '.gate')"
_CLOSE = {
    "postgresql": "SELECT pg_advisory_lock(1)",
    "mysql": f"SELECT GET_LOCK({_LOCK}, 0)",
}
_OPEN = {
    "postgresql": "SELECT pg_advisory_unlock(1)",
    "mysql": f"SELECT RELEASE_LOCK({_LOCK})",
}
_WAITED_AT = {
    "postgresql": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE()"
    " AND state = 'User lock'",
}

_WORKING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE '%pg_sleep(%'",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE()"
    " AND id <> CONNECTION_ID() AND info LIKE 'SELECT SLEEP(%'",
}


def until(condition: Callable[[], object]) -> None:
    """Look again and again whether it is so."""
    for _look in range(_LOOKS):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come")


@contextmanager
def beside(action: Callable[[], None]) -> Iterator[None]:
    """Let a thread do something meanwhile, and wait for its end."""

    def run() -> None:
        try:
            action()
        finally:
            connections.close_all()  # which are this thread's

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run)
        yield
        done.result()


class Gate:
    """A closed gate on a server, at which a statement stands still until it is opened.

    The statement is `sql`. On PostgreSQL it calls `gate()`, which others may call as well; that
    waits for no lock, so no timeout of locks ends it.
    """

    def __init__(self, project: Project) -> None:
        self._vendor = project.vendor
        self._alias = f"gate_{project.alias}"
        engines.use(self._alias, project.connection.settings_dict)
        self._keeper = connections[self._alias]
        self._keeper.inc_thread_sharing()
        if project.vendor == "postgresql":
            self.ask(_GATE)
            self.sql = "SELECT gate();"
        else:
            self.sql = f"SELECT GET_LOCK({_LOCK}, 1000) + RELEASE_LOCK({_LOCK});"
        self.ask(_CLOSE[project.vendor])

    def ask(self, sql: str) -> int | None:
        """The one value of the answer; takes no connection but the gate's own."""
        with self._keeper.cursor() as cursor:
            cursor.execute(sql)
            return int(cursor.fetchone()[0] or 0) if cursor.description else None

    def close(self) -> None:
        """The connection, where the project does not do it."""
        engines.forget(self._alias)

    def is_waited_at(self) -> bool:
        return self.ask(_WAITED_AT[self._vendor]) != 0

    def open(self) -> None:
        self.ask(_OPEN[self._vendor])

    @contextmanager
    def opened_after(self, action: Callable[[], None]) -> Iterator[None]:
        """When somebody stands at the gate, do something in a thread, then open it."""

        def run() -> None:
            try:
                until(self.is_waited_at)
                action()
            finally:
                self.open()

        with beside(run):
            yield


def is_working(project: Project) -> bool:
    """Whether the server executes a sleep."""
    return project.query(_WORKING[project.vendor]) != [(0,)]


def is_in_use(project: Project) -> bool:
    """Whether another process has a SQLite transaction open."""
    project.query("PRAGMA busy_timeout = 0")
    try:
        project.query("BEGIN EXCLUSIVE")
    except OperationalError:
        return True
    project.query("ROLLBACK")
    return False


def has_open(process: "subprocess.Popen[str]", project: Project) -> bool:
    """Whether the process has the database, a file, open."""
    links = Path(f"/proc/{process.pid}/fd").iterdir()
    name = project.connection.settings_dict["NAME"]
    return any(os.path.realpath(link) == name for link in links)
