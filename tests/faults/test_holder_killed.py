"""The client of the run that has the lock dies in the middle of a long statement."""

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_jetbase.history.heartbeat import Timing

from ..conftest import Project
from ..run.test_concurrency import SLOW_SQLITE
from ..waiting import Gate, has_open, is_in_use, until
from .conftest import Outcome, Runs, applied_events, ended, killed, log, noticed, said, together

PATHS = ["V1__log.sql", "V2__slow.sql", "V3__x.sql"]


@pytest.fixture
def gates(projects: list[Project]) -> Iterator[dict[str, Gate]]:
    """By the alias of the project, for servers."""
    made = {project.alias: Gate(project) for project in projects if project.vendor != "sqlite"}
    yield made
    for gate in made.values():
        gate.close()


def test_the_waiting_run_goes_on_when_its_session_has_ended(
    projects: list[Project], gates: dict[str, Gate], runs: Runs
) -> None:
    def scenario(project: Project) -> None:
        SCENARIOS[project.vendor](project, runs, gates.get(project.alias))

    together(projects, scenario)


def start(project: Project, runs: Runs, slow: str) -> "subprocess.Popen[str]":
    """The run that will have the lock."""
    project.write(
        V1__log="CREATE TABLE log (n INTEGER);",
        V2__slow=f"INSERT INTO log VALUES (2);\n{slow}",
        V3__x="INSERT INTO log VALUES (3);",
    )
    holder = runs.start(project)
    said(holder, "Applied V1__log.sql")
    return holder


def follow(project: Project, runs: Runs, gate: Gate) -> Outcome:
    """Kill a run while another one waits for it, and see the other one to its end.

    The session of the first goes on for longer than a lock without heartbeats is another's.
    """
    holder = start(project, runs, gate.sql)
    until(gate.is_waited_at)
    waiter = runs.start(project)
    noticed(waiter, "Waiting for upgrade by ")
    assert killed(holder).status == -9
    time.sleep(Timing().stale + 2)
    if project.vendor == "postgresql":  # others may see that the client is gone
        assert gate.ask("SELECT pid FROM django_jetbase_lock") == holder.pid
    gate.open()
    outcome = ended(waiter)
    assert outcome.is_clear, outcome
    return outcome


def is_through(project: Project) -> None:
    assert log(project) == [2, 3]
    assert project.applied() == PATHS
    assert applied_events(project) == PATHS


def on_postgresql(project: Project, runs: Runs, gate: Gate) -> None:
    """A server that has the whole file and its COMMIT goes on without its client."""
    outcome = follow(project, runs, gate)
    assert outcome.status == 0, outcome
    assert "Taking over the lock of upgrade by " in outcome.err
    is_through(project)


def on_mysql(project: Project, runs: Runs, gate: Gate) -> None:
    """A file of nothing but DML is taken back when its session ends."""
    outcome = follow(project, runs, gate)
    assert outcome.status == 0, outcome
    assert "Taking over the lock of upgrade by " in outcome.err
    is_through(project)


def on_sqlite(project: Project, runs: Runs, gate: None) -> None:
    """The dead process has left nothing, so that the waiting one runs the file."""
    holder = start(project, runs, SLOW_SQLITE * 2)
    until(lambda: is_in_use(project))
    waiter = runs.start(project)
    until(lambda: has_open(waiter, project))
    assert killed(holder).status == -9
    outcome = ended(waiter)
    assert outcome.is_clear, outcome
    assert outcome.status == 0, outcome
    assert "Applied V2__slow.sql" in outcome.out
    is_through(project)


SCENARIOS: dict[str, Callable[[Project, Runs, Any], None]] = {
    "postgresql": on_postgresql,
    "mysql": on_mysql,
    "sqlite": on_sqlite,
}
