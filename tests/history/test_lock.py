"""The contract of the lock, which every engine keeps."""

import io
import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import Error

from django_jetbase.backends.postgresql.backend import PIPELINES
from django_jetbase.database import Database
from django_jetbase.exceptions import LockError, LockLostError
from django_jetbase.history.heartbeat import Timing

from ..conftest import SOON, Project
from ..run.test_concurrency import ENDLESS_SQLITE, SLOW_SQLITE, looks, running, spawn
from ..test_json import assert_fits
from ..waiting import Gate, beside, is_working, until

LOG = "CREATE TABLE log (n INTEGER);"
SERVERS = pytest.mark.engines("postgresql", "mysql")
BEATS = "SELECT sum(beat) FROM django_jetbase_heartbeat"
CONNECTIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE()",
}


@contextmanager
def held(project: Project, alias: str = "holder") -> Iterator[Database]:
    """Another run has the lock, also outside of transactions."""
    database = Database(project.another(alias).alias)
    with (
        suppress(LockLostError),
        database.locked("test"),
        database.lock.held_without_transaction(),
    ):
        yield database


def lock_status(project: Project) -> Any:
    document = json.loads(project.call("lock_status", json=True))
    assert_fits(document, "lock")
    return document


def test_a_free_lock(project: Project) -> None:
    assert project.call("lock_status") == "The lock is free.\n"
    assert lock_status(project) == {"locked": False, "alive": None, "holder": None}
    assert project.call("unlock") == "The lock is free.\n"
    assert project.connection.introspection.table_names() == []
    project.write(V1__log=LOG)
    project.call("upgrade")
    assert not lock_status(project)["locked"]


def test_only_one_has_it(project: Project) -> None:
    counts = []
    with held(project):
        for wait in (0, 1):
            other = Database(project.another(f"other_{wait}").alias, lock_wait=wait)
            said = r"test by .*@.*, process \d+"
            with (
                looks(other.connection) as queries,
                pytest.raises(LockError, match=said) as caught,
                other.locked("other"),
            ):
                pass
            assert caught.value.holder.command == "test"
            counts.append(len(queries))
    at_once, waiting = counts
    assert at_once < waiting
    with held(project):
        pass


def test_whoever_fails_lets_go(project: Project) -> None:
    project.write(V1__log=LOG, V2__broken="SELECT * FROM nowhere;")
    with pytest.raises(CommandError, match=r"V2__broken\.sql:1"):
        project.call("upgrade")
    assert not lock_status(project)["locked"]


def test_a_live_holder_keeps_it(project: Project) -> None:
    with held(project):
        found = lock_status(project)
        assert (found["locked"], found["alive"]) == (True, True)
        assert found["holder"]["command"] == "test"
        shown = project.call("lock_status")
        assert shown.startswith("Held by test by ")
        assert "It is alive." in shown
        with pytest.raises(CommandError, match="is alive, so its lock stays") as caught:
            project.call("unlock", interactive=False)
        assert caught.value.returncode == 1
        assert lock_status(project)["locked"]


def test_who_loses_it_records_nothing(project: Project) -> None:
    project.write(V1__log=LOG)
    project.call("upgrade")
    with held(project) as database:
        assert "Removed the lock of test by " in project.call(
            "unlock", force=True, interactive=False
        )
        assert not lock_status(project)["locked"]
        if project.vendor == "sqlite":  # whose session cannot be ended
            with pytest.raises(LockLostError):
                database.lock.ask()
    if project.vendor != "sqlite":
        with pytest.raises(Error), database.connection.cursor() as cursor:
            cursor.execute("SELECT 1")


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_removing_it_asks(project: Project, monkeypatch: Any, answer: str) -> None:
    monkeypatch.setattr("builtins.input", lambda question: answer)
    with held(project):
        if answer == "yes":
            project.call("unlock", force=True)
        else:
            with pytest.raises(CommandError, match="was not removed"):
                project.call("unlock", force=True)
        assert lock_status(project)["locked"] == (answer == "no")


def steal(gate: Gate) -> None:
    """Give the lock to nobody while the holder runs on."""
    gate.ask("UPDATE django_jetbase_lock SET token = ''")


@pytest.mark.engines("postgresql")
def test_a_file_is_not_committed_without_it(project: Project) -> None:
    project.write(V1__log=LOG)
    project.call("upgrade")
    project.query("CREATE SEQUENCE tries")
    gate = Gate(project)
    project.write(V2__b=f"INSERT INTO log VALUES (nextval('tries')); {gate.sql}")
    with gate.opened_after(lambda: steal(gate)):
        project.call("upgrade")
    assert "The lock was taken away from this run. This run waits for it again." in project.said
    assert project.query("SELECT n FROM log") == [(2,)]
    assert project.applied() == ["V1__log.sql", "V2__b.sql"]
    assert [event["event"] for event in project.events()] == ["applied", "applied"]


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_nor_under_another_isolation_level(project: Project, level: str) -> None:
    project.write(V1__log=LOG)
    project.call("upgrade")
    project.query("CREATE SEQUENCE tries")
    gate = Gate(project)
    project.write(
        V2__b=f"SET TRANSACTION ISOLATION LEVEL {level};"
        f"INSERT INTO log VALUES (nextval('tries')); {gate.sql}"
    )
    with gate.opened_after(lambda: steal(gate)):
        project.call("upgrade")
    ((number,),) = project.query("SELECT n FROM log")
    assert number > 1
    assert project.applied() == ["V1__log.sql", "V2__b.sql"]


@SERVERS
def test_without_a_transaction_no_further_statement_runs(project: Project) -> None:
    project.write(V1__log=LOG)
    project.call("upgrade")
    gate = Gate(project)

    def steal_from_who_lives() -> None:
        until(lambda: gate.ask(BEATS))
        connections = gate.ask(CONNECTIONS[project.vendor])
        steal(gate)  # which the next heartbeat finds out, and is the last one
        until(lambda: gate.ask(CONNECTIONS[project.vendor]) < connections)

    rest = "INSERT INTO log VALUES (2);"
    project.write(V2__b=f"-- jetbase: transaction=off\n{gate.sql}\n{rest}\n")
    with gate.opened_after(steal_from_who_lives):
        if project.vendor == "postgresql":  # where the first statement was not committed either
            project.call("upgrade")
        else:
            with pytest.raises(CommandError, match="has not come to its end"):
                project.call("upgrade")
    assert "The lock was taken away from this run" in project.said
    rows = [(2,)] if project.vendor == "postgresql" else []
    assert project.query("SELECT * FROM log") == rows


@SERVERS
def test_heartbeats_leave_nothing(project: Project) -> None:
    project.write(V1__log=LOG)
    project.call("upgrade")
    gate = Gate(project)
    threads = threading.enumerate()
    before = project.query(CONNECTIONS[project.vendor])
    project.write(V2__b=gate.sql)
    with gate.opened_after(lambda: until(lambda: gate.ask(BEATS))):
        project.call("upgrade")
    assert threading.enumerate() == threads
    until(lambda: project.query(CONNECTIONS[project.vendor]) == before)


@SERVERS
def test_a_short_run_has_no_heartbeat(project: Project) -> None:
    """One of many, since a run is not short where the machine has other work."""
    project.write(V1__log=f"{LOG}\n-- rollback\nDROP TABLE log;")

    def is_without() -> bool:
        project.call("upgrade")
        is_so = project.query("SELECT beat FROM django_jetbase_heartbeat") == []
        project.query("DELETE FROM django_jetbase_heartbeat")
        project.call("rollback")
        return is_so

    assert any(is_without() for _run in range(20))


def test_a_holder_that_died_is_followed(project: Project, tmp_path: Path) -> None:
    """Its session works on for some time, and is waited for."""
    project.write(V1__log=LOG)
    project.call("upgrade")
    directive = "-- jetbase: transaction=off\n" if project.vendor != "postgresql" else ""
    slow = {
        "postgresql": "SELECT pg_sleep(2);",
        "mysql": "SELECT SLEEP(2);",
        "sqlite": ENDLESS_SQLITE,
    }
    project.write(V2__b=f"{directive}{slow[project.vendor]}")
    process = spawn(project, tmp_path, "jetbase_upgrade")
    if project.vendor == "sqlite":
        until(lambda: len(running(project)) == 2)
    else:
        until(lambda: is_working(project))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=600)
    project.timing = SOON
    if project.vendor == "postgresql":  # where the server may have the whole file and its COMMIT
        out = project.call("upgrade")
        assert out == "Nothing to do.\n" if PIPELINES else out.startswith("Applied V2__b")
    else:
        with pytest.raises(CommandError, match="has not come to its end"):
            project.call("upgrade")
    assert "Taking over the lock of upgrade by" in project.said
    assert not lock_status(project)["locked"]
    if project.vendor != "postgresql":
        project.call("resolve", "2", applied=True)
    assert project.applied() == ["V1__log.sql", "V2__b.sql"]


@pytest.mark.engines("sqlite")
def test_the_gaps_of_a_file_without_transaction(project: Project, tmp_path: Path) -> None:
    project.configure(LOCK_WAIT=600)
    project.write(V1__log=LOG)
    project.call("upgrade")
    statements = [f"INSERT INTO log VALUES ({n});" for n in range(4)]
    text = SLOW_SQLITE.join(statements)
    project.write(V2__b=f"-- jetbase: transaction=off\n{text}")
    process = spawn(project, tmp_path, "jetbase_upgrade")
    until(lambda: lock_status(project)["locked"])
    assert project.call("upgrade") == "Nothing to do.\n"
    assert "Waiting for upgrade by" in project.said
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, out + err
    assert project.query("SELECT n FROM log") == [(0,), (1,), (2,), (3,)]


def test_a_run_waits_and_finds_nothing_to_do(project: Project) -> None:
    project.write(V1__log=LOG)
    twin = project.another("holder")
    ready = threading.Event()

    def hold() -> None:
        database = Database(twin.alias)
        with database.locked("test"), database.lock.held_without_transaction():
            ready.set()
            until(lambda: "Waiting for test by " in project.said)

    with beside(hold):
        ready.wait()
        project.call("upgrade")
    assert project.applied() == ["V1__log.sql"]


@pytest.mark.engines("postgresql")
def test_a_role_that_only_reads_sees_the_lock(project: Project) -> None:
    project.write(V1__log=LOG)
    project.call("upgrade")
    project.query("CREATE ROLE jetbase_looker LOGIN")
    try:
        project.query("GRANT SELECT ON ALL TABLES IN SCHEMA public TO jetbase_looker")
        reader = project.another("reader", USER="jetbase_looker")
        with held(project):
            assert lock_status(reader)["alive"] is True
        assert not lock_status(reader)["locked"]
        reader.connection.close()
    finally:
        project.query("DROP OWNED BY jetbase_looker; DROP ROLE jetbase_looker")


@pytest.mark.engines("sqlite")
def test_another_process_with_the_number_of_a_dead_one(project: Project) -> None:
    """After a restart of the machine, say."""
    project.write(V1__log=LOG)
    with held(project) as database:
        holder = database.lease.holder()
        assert holder is not None
        assert database.lease.is_working(holder)
        other = holder._replace(session_start="another")
        assert not database.lease.is_working(other) or sys.platform != "linux"


def test_nobody_to_ask(project: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with held(project), pytest.raises(CommandError, match="--noinput does not ask"):
        project.call("unlock", force=True)


@SERVERS
def test_a_script_that_has_failed_does_not_lock_itself_out(project: Project) -> None:
    project.write(V1__log="CREATE TABLE log (n INTEGER PRIMARY KEY);")
    project.call("upgrade")
    project.write(V2__b="INSERT INTO log VALUES (1); INSERT INTO log VALUES (2);")
    script = project.call("upgrade", sql=True)
    project.query("INSERT INTO log VALUES (2)")
    assert project.run_script(script).returncode != 0
    project.timing = SOON
    assert lock_status(project)["holder"]["pid"] is None
    project.query("DELETE FROM log")
    done = project.run_script(script)
    assert (done.returncode, done.stderr) == (0, "")
    assert not lock_status(project)["locked"]
    assert project.query("SELECT n FROM log ORDER BY n") == [(1,), (2,)]


@SERVERS
def test_an_impatient_run_waits_for_what_is_gone(project: Project) -> None:
    project.write(V1__log=LOG)
    project.call("upgrade")
    project.query("UPDATE django_jetbase_lock SET token = 'gone', session = 0, session_start = '1'")
    project.write(V2__b="INSERT INTO log VALUES (2);")
    project.timing = Timing(stale=1.5)
    project.call("upgrade", lock_wait=0.5)
    assert "Taking over the lock" in project.said


@pytest.mark.engines("postgresql")
def test_serializable_transactions(project: Project) -> None:
    options = {"options": "-c default_transaction_isolation=serializable"}
    project.write(V1__log=LOG)
    twins = [project.another(f"twin_{n}", OPTIONS=options) for n in range(2)]
    with held(twins[0]), pytest.raises(CommandError, match="Another process"):
        twins[1].call("upgrade", lock_wait=0)
    twins[1].call("upgrade")


@pytest.mark.engines("postgresql", "mysql")
def test_without_room_for_a_heartbeat(project: Project) -> None:
    """It is said once, and no statement waits for what cannot come."""
    off = "-- jetbase: transaction=off\n"
    user = f"jetbase_alone_{project.vendor}"
    if project.vendor == "postgresql":
        project.query(f"DROP ROLE IF EXISTS {user}")
        project.query(f"CREATE ROLE {user} LOGIN CONNECTION LIMIT 1")
        project.query(f"GRANT CREATE ON SCHEMA public TO {user}")
        sleep = "SELECT pg_sleep(0.3);"
    else:
        project.query(f"CREATE OR REPLACE USER {user} WITH MAX_USER_CONNECTIONS 1")
        project.query(f"GRANT ALL ON `{project.connection.settings_dict['NAME']}`.* TO {user}")
        sleep = "SELECT SLEEP(0.3);"
    try:
        twin = project.another(USER=user)
        twin.timing = Timing(beat=0.1, stale=1000)
        project.write(V1__a=f"{off}CREATE TABLE a (id INT);\n" + f"{sleep}\n" * 3)
        twin.call("upgrade")
        assert project.applied() == ["V1__a.sql"]
        assert twin.said.count("There is no second connection for a sign of life") == 1
        twin.connection.close()
    finally:
        if project.vendor == "postgresql":
            project.query(f"DROP OWNED BY {user} CASCADE")
            project.query(f"DROP ROLE {user}")
        else:
            project.query(f"DROP USER {user}")
