"""The run that has the lock stands still until another one has done its work, then wakes."""

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable

import pytest

from django_jetbase.backends.postgresql.backend import PIPELINES

from ..conftest import Project
from ..waiting import Gate, is_in_use, is_working, until
from .conftest import (
    Fresh,
    Outcome,
    Runs,
    applied_events,
    ended,
    log,
    on_servers,
    said,
    stop,
    together,
)

# They sleep until there is a row in the gate.
GATED = {
    "postgresql": "SELECT pg_sleep(100) WHERE NOT EXISTS (SELECT 1 FROM gate);",
    "mysql": "SELECT SLEEP(100) FROM dual WHERE NOT EXISTS (SELECT 1 FROM gate);",
}
END = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}
PATHS = ["V1__log.sql", "V2__slow.sql", "V3__x.sql"]
OFF = "-- jetbase: transaction=off\n"


def by_force(project: Project, runs: Runs) -> None:
    outcome = runs.run(project, "jetbase_unlock", "--force", "--noinput")
    assert outcome.status == 0, outcome
    assert "Removed the lock of upgrade by " in outcome.out


def end_session(project: Project) -> None:
    """Without touching the lock, which is another's when no heartbeat has come for some time."""
    ((session,),) = project.query("SELECT session FROM django_jetbase_lock")
    project.query(END[project.vendor].format(session))


def stopped(
    project: Project, runs: Runs, slow: str, is_slow: Callable[[], bool]
) -> "subprocess.Popen[str]":
    """A run that stands still in the middle of V2, whose second statement is slow."""
    project.write(
        V1__log="CREATE TABLE log (n INTEGER);\nCREATE TABLE gate (n INTEGER);",
        V2__slow=f"INSERT INTO log VALUES (2);\n{slow}\nINSERT INTO log VALUES (22);",
        V3__x="INSERT INTO log VALUES (3);",
    )
    if project.alias.startswith("forced"):
        path = project.folder / "V2__slow.sql"
        path.write_text(OFF + path.read_text())
    process = runs.start(project)
    said(process, "Applied V1__log.sql")
    until(is_slow)
    stop(process)
    return process


def woken(process: "subprocess.Popen[str]") -> Outcome:
    """The end of a run that was stopped."""
    process.send_signal(signal.SIGCONT)
    outcome = ended(process)
    assert outcome.is_clear, outcome
    assert outcome.status in (0, 1), outcome
    return outcome


def finish(project: Project, runs: Runs) -> None:
    """Let another run do everything; what stopped half-way is put right by hand before.

    That is what has no transaction.
    """
    project.query("INSERT INTO gate VALUES (1)")
    outcome = runs.run(project)
    if "has not come to its end" in outcome.err:
        project.query("DELETE FROM log")
        assert runs.run(project, "jetbase_resolve", "2", "--rolled-back").status == 0
        outcome = runs.run(project)
    assert outcome.status == 0, outcome


def is_through(project: Project) -> None:
    assert log(project) == [2, 3, 22]
    assert project.applied() == PATHS
    assert applied_events(project) == PATHS
    assert json.loads(project.call("lock_status", json=True))["locked"] is False


def test_it_records_nothing_twice(fresh: Fresh, runs: Runs) -> None:
    forced, ended_by_server = on_servers(fresh, "forced"), on_servers(fresh, "session")

    def scenario(project: Project) -> None:
        holder = stopped(project, runs, GATED[project.vendor], lambda: is_working(project))
        if project in forced:
            by_force(project, runs)
        else:
            end_session(project)
        finish(project, runs)
        woken(holder)
        is_through(project)

    together([*forced, *ended_by_server], scenario)


@pytest.mark.engines("postgresql")
@pytest.mark.skipif(not PIPELINES, reason="the server does not have the COMMIT yet")
def test_nor_what_was_committed_while_it_slept(project: Project, runs: Runs) -> None:
    gate = Gate(project)
    holder = stopped(project, runs, gate.sql, gate.is_waited_at)
    gate.open()
    until(lambda: project.applied() == PATHS[:2])
    by_force(project, runs)
    assert runs.run(project).out.startswith("Applied V3__x.sql")
    woken(holder)
    is_through(project)


@pytest.mark.engines("postgresql")
def test_what_it_says_when_its_session_was_ended_meanwhile(project: Project, runs: Runs) -> None:
    gate = Gate(project)
    project.write(
        V1__log="CREATE TABLE log (n INTEGER);",
        V2__slow=f"{OFF}INSERT INTO log VALUES (2);\n{gate.sql}\nSELECT 1;",
    )
    holder = runs.start(project)
    said(holder, "Applied V1__log.sql")
    until(gate.is_waited_at)
    stop(holder)
    gate.open()
    until(lambda: not gate.is_waited_at())
    by_force(project, runs)
    outcome = woken(holder)
    assert "V2__slow.sql: its upgrade has not come to its end" in outcome.err
    assert "jetbase_upgrade --resume" in outcome.err
    assert runs.run(project, "jetbase_upgrade", "--resume").status == 0
    assert log(project) == [2]


def between_statements(project: Project, runs: Runs) -> "subprocess.Popen[str]":
    """A run without transaction that stands still before the gate, where it writes nothing."""
    process = runs.start(project)
    said(process, "Applied V1__log.sql")
    until(lambda: log(project) == [2, 3])
    stop(process)
    while is_in_use(project):
        process.send_signal(signal.SIGCONT)
        stop(process)
    return process


@pytest.mark.engines("sqlite")
def test_on_sqlite_no_further_statement_runs(project: Project, runs: Runs) -> None:
    """At most the one that it was about to send: the gate is another file, which the test locks."""
    path = project.folder.parent / "gate.sqlite3"
    gate = sqlite3.connect(path, isolation_level=None)
    gate.execute("CREATE TABLE gate (n INTEGER)")
    gate.execute("BEGIN EXCLUSIVE")
    numbers = range(2, 30)
    rows = [f"INSERT INTO log VALUES ({n});\n" for n in numbers]
    waits = (
        f"PRAGMA busy_timeout = 600000;\nATTACH '{path}' AS beside;\n"
        "INSERT INTO beside.gate VALUES (1);\nDETACH beside;\n"
    )
    project.write(
        V1__log="CREATE TABLE log (n INTEGER);",
        V2__rows="".join([OFF, *rows[:2], waits, *rows[2:]]),
    )
    holder = between_statements(project, runs)
    by_force(project, runs)
    assert "has not come to its end" in runs.run(project).err
    project.query("DELETE FROM log")
    gate.close()
    assert runs.run(project, "jetbase_resolve", "2", "--rolled-back").status == 0
    assert runs.run(project).status == 0
    assert log(project) == list(numbers)
    woken(holder)
    assert set(log(project)) == set(numbers)
    assert len(log(project)) <= len(numbers) + 1
    assert project.applied() == ["V1__log.sql", "V2__rows.sql"]
