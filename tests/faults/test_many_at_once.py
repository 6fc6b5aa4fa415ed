"""Many processes upgrade one database at the same time."""

import json

from ..conftest import Project
from .conftest import LONG, Runs, applied_events, ended, log

PROCESSES = 30 if LONG else 8
FILES = 50 if LONG else 12


def test_every_file_runs_once_and_all_succeed(project: Project, runs: Runs) -> None:
    project.write(V1__log="CREATE TABLE log (n INTEGER);")
    files = {f"V{n}__x": f"INSERT INTO log VALUES ({n});" for n in range(2, FILES + 1)}
    project.write(**files)
    processes = [runs.start(project) for _process in range(PROCESSES)]
    outcomes = [ended(process) for process in processes]
    assert [outcome.status for outcome in outcomes] == [0] * PROCESSES, outcomes
    assert log(project) == list(range(2, FILES + 1))
    paths = [f"{name}.sql" for name in ("V1__log", *files)]
    assert project.applied() == paths
    assert applied_events(project) == paths
    assert {event["event"] for event in project.events()} <= {"started", "applied"}
    assert json.loads(project.call("lock_status", json=True))["locked"] is False
