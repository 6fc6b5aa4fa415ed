"""Timeouts for locks and statements, and what is tried again."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management.base import CommandError

from ..conftest import Project
from ..waiting import beside, until

TABLE = "CREATE TABLE a (id INTEGER);"
SLOW = {
    "postgresql": "SELECT pg_sleep(20);",
    "mysql": "SELECT SLEEP(20);",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < 900000000) SELECT count(*) FROM n;",
}
NOT_FOR_EVER = {  # lest a run without a timeout hangs
    "postgresql": "SET idle_in_transaction_session_timeout = '60s'",
    "mysql": "SET wait_timeout = 60",
}
PG = pytest.mark.engines("postgresql")
SERVERS = pytest.mark.engines("postgresql", "mysql")


@contextmanager
def locked(project: Project, until_said: str = "") -> Iterator[None]:
    """Another session keeps the table `a`, until it ends or the run has said something."""
    twin = project.another()
    twin.query(NOT_FOR_EVER[project.vendor])
    twin.query("BEGIN")
    twin.query("LOCK TABLE a" if project.vendor == "postgresql" else "SELECT * FROM a")
    cursor = twin.connection.connection.cursor()  # which does not ask for the thread

    def release() -> None:
        if until_said:
            try:
                until(lambda: until_said in project.said)
            finally:
                cursor.execute("ROLLBACK")

    with beside(release):
        yield
    cursor.close()
    twin.connection.close()


@SERVERS
def test_a_lock_is_waited_for_only_so_long(project: Project) -> None:
    project.configure(LOCK_TIMEOUT=1, RETRIES=1)
    project.write(V1__a=TABLE)
    project.call("upgrade")
    project.write(V2__b="ALTER TABLE a ADD COLUMN b INTEGER;")
    with locked(project):
        with pytest.raises(CommandError, match=r"V2__b\.sql:1:1: .*(?i:lock.* timeout)"):
            project.call("upgrade")
        assert project.said.count("trying again in") == 1
        assert "(1 of 1)" in project.said
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]


@SERVERS
@pytest.mark.parametrize("directive", ["", "-- jetbase: transaction=off\n"])
def test_what_fails_on_a_lock_is_tried_again(project: Project, directive: str) -> None:
    project.configure(LOCK_TIMEOUT=1)
    project.write(V1__a=TABLE)
    project.call("upgrade")
    project.write(
        V2__b=f"{directive}INSERT INTO a VALUES (1);\nALTER TABLE a ADD COLUMN b INTEGER;"
        if project.vendor == "mysql"
        else f"{directive}CREATE TABLE once (id INTEGER);\nALTER TABLE a ADD COLUMN b INTEGER;"
    )
    with locked(project, until_said="trying again in"):
        project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]
    if project.vendor == "mysql":
        assert project.query("SELECT id FROM a") == [(1,)]


def test_a_statement_runs_only_so_long(project: Project) -> None:
    """It says that it was stopped, which it could not if it had come to its end."""
    project.write(
        V1__a=TABLE, V2__b=f"-- jetbase: statement_timeout=300ms\nSELECT 1;\n{SLOW[project.vendor]}"
    )
    with pytest.raises(CommandError, match=r"V2__b\.sql:3:1: (?i:.*timeout|.*max_statement_time)"):
        project.call("upgrade")
    assert project.applied() == ["V1__a.sql"]
    assert "trying again" not in project.said


SHOWN = {
    "postgresql": "SELECT current_setting('lock_timeout') AS l,"
    " current_setting('statement_timeout') AS s",
    "mysql": "SELECT @@lock_wait_timeout, @@innodb_lock_wait_timeout, @@max_statement_time",
    "sqlite": "SELECT timeout FROM pragma_busy_timeout",
}


@pytest.mark.parametrize("directive", ["", "-- jetbase: transaction=off\n"])
def test_timeouts_hold_for_their_file_alone(project: Project, directive: str) -> None:
    show = SHOWN[project.vendor]
    timeouts = "-- jetbase: lock_timeout=7s statement_timeout=1.5min\n"
    project.write(
        V1__a=f"{directive}{timeouts}CREATE TABLE x AS {show};",
        V2__b=f"CREATE TABLE y AS {show};",
    )
    usual = project.query(show)
    project.call("upgrade")
    assert shown_in(project, "x") == EXPECTED[project.vendor]
    assert project.query("SELECT * FROM y") == usual
    assert project.query(show) == usual


@pytest.mark.parametrize("directive", ["", "-- jetbase: transaction=off\n"])
def test_the_timeouts_of_the_settings_hold_for_every_file(project: Project, directive: str) -> None:
    project.configure(LOCK_TIMEOUT=7, STATEMENT_TIMEOUT=90)
    show = SHOWN[project.vendor]
    project.write(V1__a=f"{directive}CREATE TABLE x AS {show};", V2__b=f"CREATE TABLE y AS {show};")
    project.call("upgrade")
    assert shown_in(project, "x") == shown_in(project, "y") == EXPECTED[project.vendor]


EXPECTED = {"postgresql": ["7s", "90s"], "mysql": [7.0, 7.0, 90.0], "sqlite": [7000.0]}


def shown_in(project: Project, table: str) -> list[object]:
    (row,) = project.query(f"SELECT * FROM {table}")
    return [_number(value) for value in row]


def _number(value: object) -> object:
    text = str(value).replace("1min30s", "90s")
    return float(text) if text.replace(".", "").isdigit() else text


def test_the_file_wins_over_the_settings(project: Project) -> None:
    project.configure(LOCK_TIMEOUT=9, STATEMENT_TIMEOUT=0.2)
    rows = SLOW[project.vendor].replace("900000000", "9000000").replace("20", "0.5")
    project.write(V1__a=f"-- jetbase: statement_timeout=0\n{rows}\n-- rollback\n{rows}")
    project.call("upgrade")
    project.call("rollback")


@pytest.mark.parametrize("value", ["", "soon", "5 s", "-1s", "1d"])
def test_what_is_no_duration(project: Project, value: str) -> None:
    project.write(V1__a=f"-- jetbase: lock_timeout={value}\nSELECT 1;")
    with pytest.raises(CommandError, match=r"is no directive; .*lock_timeout=5s"):
        project.call("upgrade")


@PG
def test_a_serialization_failure_is_tried_again_as_a_whole(project: Project) -> None:
    project.query("CREATE SEQUENCE tries")
    fail = "DO $$BEGIN IF nextval('tries') < 3 THEN RAISE SQLSTATE '40001'; END IF; END$$;"
    project.write(V1__a=TABLE + fail)
    project.call("upgrade")
    assert project.said.count("trying again") == 2
    assert project.applied() == ["V1__a.sql"]
    assert [event["event"] for event in project.events()] == ["applied"]


@PG
def test_a_transaction_of_the_files_own_is_not_tried_again(project: Project) -> None:
    project.query("CREATE SEQUENCE tries")
    fail = "DO $$BEGIN PERFORM nextval('tries'); RAISE SQLSTATE '40P01'; END$$;"
    project.write(V1__a=f"-- jetbase: transaction=off\nBEGIN;\n{TABLE}\n{fail}\nCOMMIT;")
    with pytest.raises(CommandError, match=r"V1__a\.sql:4:1"):
        project.call("upgrade")
    assert project.query("SELECT last_value FROM tries") == [(1,)]
    assert project.tables() == set()


def test_a_script_has_the_timeouts_too(project: Project) -> None:
    show = SHOWN[project.vendor]
    project.write(
        V1__a=f"-- jetbase: lock_timeout=7s\nCREATE TABLE x AS {show};",
        V2__b=f"CREATE TABLE y AS {show};",
    )
    done = project.run_script(project.call("upgrade", sql=True))
    assert (done.returncode, done.stderr) == (0, "")
    ((first, *_rest),) = project.query("SELECT * FROM x")
    ((second, *_rest),) = project.query("SELECT * FROM y")
    assert _number(first) in ("7s", 7.0, 7000.0)
    assert _number(second) != _number(first)


@SERVERS
@pytest.mark.parametrize("what", ["table", "row"])
def test_the_sessions_that_block_are_named(project: Project, what: str) -> None:
    project.write(V1__a=f"{TABLE} INSERT INTO a VALUES (1);")
    project.call("upgrade")
    waiting = {"table": "ALTER TABLE a ADD COLUMN b INTEGER;", "row": "UPDATE a SET id = 2;"}[what]
    project.write(V2__b=waiting)
    twin = project.another()
    twin.query("BEGIN")
    session = twin.query(
        "SELECT pg_backend_pid()" if project.vendor == "postgresql" else "SELECT CONNECTION_ID()"
    )[0][0]
    twin.query("UPDATE a SET id = 3 /* PASSWORD 'hidden' */")
    cursor = twin.connection.connection.cursor()  # which does not ask for the thread

    def release() -> None:
        try:
            until(lambda: f"session {session} of " in project.said)
        finally:
            cursor.execute("ROLLBACK")

    with beside(release):
        project.call("upgrade")
    lines = [line for line in project.said.splitlines() if "Waiting for a lock" in line]
    (line,) = [line for line in lines if f"session {session} of " in line]
    sure = project.vendor == "postgresql" or what == "row"
    assert sure is False or lines == [line]
    assert ("holds it" if sure else "may hold it") in line
    assert project.vendor != "postgresql" or "UPDATE a SET id = ***" in line  # its last query
    assert "hidden" not in line
    assert " s in its transaction" in line
