"""The client of the run that has the lock dies in the middle of a long statement."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from ..conftest import Project
from ..test_concurrency import SLOW_SQLITE
from .conftest import (
    Outcome,
    Runs,
    applied_events,
    ended,
    is_in_use,
    is_working,
    killed,
    log,
    noticed,
    said,
    together,
    until,
)

SECONDS = 9  # more than the start of a process takes, and than the time to a stale lock
SLOW = {
    "postgresql": f"SELECT pg_sleep({SECONDS});",
    "mysql": f"SELECT SLEEP({SECONDS});",
    "sqlite": SLOW_SQLITE,
}
PATHS = ["V1__log.sql", "V2__slow.sql", "V3__x.sql"]


def test_the_waiting_run_goes_on_when_its_session_has_ended(
    projects: list[Project], runs: Runs
) -> None:
    together(projects, lambda project: SCENARIOS[project.vendor](project, runs))


def follow(project: Project, runs: Runs) -> Outcome:
    """Kill a run while another one waits for it, and see the other one to its end."""
    project.write(
        V1__log="CREATE TABLE log (n INTEGER);",
        V2__slow=f"INSERT INTO log VALUES (2);\n{SLOW[project.vendor]}",
        V3__x="INSERT INTO log VALUES (3);",
    )
    holder = runs.start(project)
    said(holder, "Applied V1__log.sql")
    until(lambda: is_working(project) if project.vendor != "sqlite" else is_in_use(project))
    waiter = runs.start(project)
    if project.vendor == "sqlite":
        until(lambda: has_open(waiter, project))
    else:
        noticed(waiter, "Waiting for upgrade by ")
    assert killed(holder).status == -9
    outcome = ended(waiter)
    assert outcome.is_clear, outcome
    return outcome


def has_open(process: "subprocess.Popen[str]", project: Project) -> bool:
    """Whether the process has the database open."""
    links = Path(f"/proc/{process.pid}/fd").iterdir()
    name = project.connection.settings_dict["NAME"]
    return any(os.path.realpath(link) == name for link in links)


def is_through(project: Project) -> None:
    assert log(project) == [2, 3]
    assert project.applied() == PATHS
    assert applied_events(project) == PATHS


def on_postgresql(project: Project, runs: Runs) -> None:
    """A server that has the whole file and its COMMIT goes on without its client."""
    outcome = follow(project, runs)
    assert not is_working(project)
    assert outcome.status == 0, outcome
    assert "Taking over the lock of upgrade by " in outcome.err
    is_through(project)


def on_mysql(project: Project, runs: Runs) -> None:
    """A file of nothing but DML is taken back when its session ends."""
    outcome = follow(project, runs)
    assert outcome.status == 0, outcome
    assert "Taking over the lock of upgrade by " in outcome.err
    is_through(project)


def on_sqlite(project: Project, runs: Runs) -> None:
    """The dead process has left nothing, so that the waiting one runs the file."""
    outcome = follow(project, runs)
    assert outcome.status == 0, outcome
    assert "Applied V2__slow.sql" in outcome.out
    is_through(project)


SCENARIOS: dict[str, Callable[[Project, Runs], None]] = {
    "postgresql": on_postgresql,
    "mysql": on_mysql,
    "sqlite": on_sqlite,
}
