"""CREATE INDEX CONCURRENTLY, which waits for every older transaction, beside waiting runs."""

import time

import pytest

from ..conftest import Project
from ..waiting import until
from .conftest import LONG, Runs, applied_events, ended, said

PG = pytest.mark.engines("postgresql")
WAITING = 4
PATHS = ["V1__t.sql", "V2__index.sql", "V3__x.sql"]
BUILDING = "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()"
VALID = (
    "SELECT indisvalid, indisready FROM pg_index WHERE indexrelid = to_regclass('t_n')"
    " AND indrelid = to_regclass('t')"
)


def write(project: Project) -> None:
    project.write(
        V1__t="CREATE TABLE t (n INTEGER);\n"
        "INSERT INTO t SELECT i FROM generate_series(1, 100000) AS i;",
        V2__index="-- jetbase: transaction=off\nCREATE INDEX CONCURRENTLY t_n ON t (n);",
        V3__x="INSERT INTO t VALUES (0);",
    )


def is_through(project: Project) -> None:
    assert project.query(VALID) == [(True, True)]
    assert project.applied() == applied_events(project) == PATHS
    assert project.query("SELECT count(*) FROM t WHERE n = 0") == [(1,)]


@PG
def test_runs_that_wait_do_not_hold_it_up(project: Project, runs: Runs) -> None:
    write(project)
    processes = [runs.start(project) for _process in range(1 + WAITING)]
    for outcome in [ended(process) for process in processes]:
        assert outcome.status == 0, outcome
        assert "deadlock" not in outcome.err
    is_through(project)


@PG
@pytest.mark.parametrize("level", ["REPEATABLE READ", "READ COMMITTED"][: 2 if LONG else 1])
def test_a_long_transaction_is_waited_for(project: Project, runs: Runs, level: str) -> None:
    """It has written to the table, or only looked at it."""
    write(project)
    project.call("upgrade", to_version="1")
    other = project.another("reader")
    other.query(f"BEGIN ISOLATION LEVEL {level}")
    other.query("SELECT count(*) FROM t")
    if level == "READ COMMITTED":
        other.query("INSERT INTO t VALUES (-1)")
    holder = runs.start(project)
    until(lambda: project.query(BUILDING) == [(1,)])
    waiters = [runs.start(project) for _process in range(WAITING)]
    for waiter in waiters:
        assert waiter.stderr
        assert waiter.stderr.readline().startswith("  Waiting for upgrade by ")
    time.sleep(2)  # in which the server looks for a deadlock
    assert holder.poll() is None
    other.query("COMMIT")
    said(holder, "Applied V2__index.sql")
    for outcome in [ended(process) for process in (holder, *waiters)]:
        assert outcome.status == 0, outcome
        assert "deadlock" not in outcome.err
    is_through(project)


@PG
def test_a_lock_timeout_says_where_also_when_the_index_could_not_be_dropped(
    project: Project, runs: Runs
) -> None:
    write(project)
    path = project.folder / "V2__index.sql"
    path.write_text(path.read_text().replace("off", "off lock_timeout=200ms", 1))
    project.call("upgrade", to_version="1")
    other = project.another("writer")
    other.query("BEGIN")
    other.query("INSERT INTO t VALUES (-1)")
    outcome = runs.run(project)
    assert "V2__index.sql:2:1: canceling statement due to lock timeout" in outcome.err
    assert "the invalid index t_n is left behind" in outcome.err
    assert "Dropping the invalid index t_n" in outcome.err
    other.query("COMMIT")
    assert runs.run(project, "jetbase_upgrade", "--resume").status == 0
    is_through(project)
