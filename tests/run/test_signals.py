"""SIGTERM and SIGINT end a command cleanly, whatever the database is doing."""

import json
import linecache
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.core.management.base import CommandError

from django_jetbase import upgrade
from django_jetbase.backends.postgresql.backend import PIPELINES

from ..conftest import Project
from ..waiting import has_open, is_in_use, until
from .test_concurrency import ENDLESS_SQLITE, spawn

A = "CREATE TABLE a (id INTEGER);"
LONG = {  # far longer than any test waits
    "postgresql": "SELECT pg_sleep(300);",
    "mysql": "SELECT SLEEP(300);",
    "sqlite": ENDLESS_SQLITE,
}
SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%'"
    " AND datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'",
    "mysql": "SELECT count(*) FROM information_schema.processlist"
    " WHERE db = DATABASE() AND info LIKE 'SELECT SLEEP(300)%'",
}


def stopped(process: "subprocess.Popen[str]", number: int) -> tuple[str, str, int]:
    """Send the signal; stdout, stderr and status, long before the statement would end."""
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    return out, err, process.returncode


def begun(project: Project, tmp_path: Path, *options: str) -> "subprocess.Popen[str]":
    """A process that has applied V1 and is in the middle of V2."""
    process = spawn(project, tmp_path, "jetbase_upgrade", *options)
    until(lambda: is_in_v2(project))
    return process


def is_in_v2(project: Project) -> bool:
    """On SQLite: in its transaction, or behind its first statement where it has none."""
    if project.vendor != "sqlite":
        return project.query(SESSIONS[project.vendor]) == [(1,)]
    if "a" not in project.tables():
        return False
    if "transaction=off" in (project.folder / "V2__long.sql").read_text():
        return project.query("SELECT * FROM a") != []
    return is_in_use(project)


def is_up(process: "subprocess.Popen[str]", project: Project) -> bool:
    """Whether it is ready for a SIGTERM, and has opened the file that is the database."""
    status = Path(f"/proc/{process.pid}/status")
    caught = re.search(r"SigCgt:\s*(\w+)", status.read_text())
    is_ready = caught is not None and int(caught[1], 16) & 1 << signal.SIGTERM - 1
    return is_ready and has_open(process, project)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_long_statement(project: Project, tmp_path: Path, number: int) -> None:
    project.write(V1__a=A, V2__long=f"INSERT INTO a VALUES (2);\n{LONG[project.vendor]}")
    _out, err, status = stopped(begun(project, tmp_path), number)
    assert status == 128 + number
    assert "Traceback" not in err
    assert err.startswith(f"CommandError: {signal.Signals(number).name}: ")
    if project.vendor != "sqlite":
        until(lambda: project.query(SESSIONS[project.vendor]) == [(0,)])
    states = json.loads(project.call("status", json=True))["migrations"]
    assert [entry["state"] for entry in states] == ["applied", "failed"]
    assert project.query("SELECT * FROM a") == []
    project.write(V2__long="INSERT INTO a VALUES (3);")
    project.call("upgrade", lock_wait=0)
    assert project.query("SELECT * FROM a") == [(3,)]


@pytest.mark.engines("mysql")
def test_a_long_statement_behind_ddl(project: Project, tmp_path: Path) -> None:
    project.write(V1__a=A, V2__long=f"CREATE TABLE b (id INTEGER);\n{LONG['mysql']}")
    _out, err, status = stopped(begun(project, tmp_path), signal.SIGTERM)
    assert status == 128 + signal.SIGTERM
    states = json.loads(project.call("status", json=True))["migrations"]
    assert [entry["state"] for entry in states] == ["applied", "incomplete"]
    assert "Committed are 1 of 2 statements, up to line 1" in err
    project.query("DROP TABLE b")
    project.call("resolve", "2", rolled_back=True, lock_wait=0)
    project.write(V2__long="INSERT INTO a VALUES (3);")
    project.call("upgrade", lock_wait=0)


def test_a_long_statement_outside_a_transaction(project: Project, tmp_path: Path) -> None:
    text = f"-- jetbase: transaction=off\nINSERT INTO a VALUES (2);\n{LONG[project.vendor]}"
    project.write(V1__a=A, V2__long=text)
    _out, err, status = stopped(begun(project, tmp_path), signal.SIGTERM)
    assert status == 128 + signal.SIGTERM, err
    assert "Traceback" not in err
    project.call("resolve", "2", applied=True, lock_wait=0)


def test_with_json(project: Project, tmp_path: Path) -> None:
    project.write(V1__a=A, V2__long=LONG[project.vendor])
    out, err, status = stopped(begun(project, tmp_path, "--json"), signal.SIGTERM)
    assert status == 128 + signal.SIGTERM, err
    assert [step["path"] for step in json.loads(out)["steps"]] == ["V1__a.sql"]


def test_while_waiting_for_the_lock(project: Project, tmp_path: Path) -> None:
    project.write(V1__a=A, V2__long=LONG[project.vendor])
    first = begun(project, tmp_path)
    second = spawn(project, tmp_path, "jetbase_upgrade")
    if project.vendor == "sqlite":
        until(lambda: is_up(second, project))
    else:
        assert second.stderr is not None
        assert second.stderr.readline().startswith("  Waiting for upgrade by ")
    _out, err, status = stopped(second, signal.SIGTERM)
    assert status == 128 + signal.SIGTERM, err
    assert "Interrupted. jetbase_status says what is applied" in err
    assert "could not be written" not in err
    assert [event for event in project.events() if event["event"] == "failed"] == []
    assert stopped(first, signal.SIGTERM)[2] == 128 + signal.SIGTERM


def test_handlers_are_the_commands_and_nothing_is_left(project: Project) -> None:
    project.write(V1__a=A)
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    threads = threading.enumerate()
    upgrade(project.alias)
    project.write(V2__b="SELECT * FROM nowhere;")
    with pytest.raises(CommandError):
        project.call("upgrade")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    assert threading.enumerate() == threads
    wakeup = signal.set_wakeup_fd(-1)
    assert wakeup == -1


def test_the_function_installs_no_handler(project: Project, monkeypatch: Any) -> None:
    project.write(V1__a=A)
    calls: list[int] = []
    monkeypatch.setattr(signal, "signal", lambda *args: calls.append(1))
    upgrade(project.alias)
    assert calls == []
    project.write(V2__b="SELECT 1;")
    project.call("upgrade")
    assert calls


@pytest.mark.engines("postgresql")
@pytest.mark.skipif(not PIPELINES, reason="psycopg2 sends and waits in one call")
def test_between_sending_a_file_and_waiting_for_it(project: Project) -> None:
    """No statement works on in the server."""
    project.write(V1__a=A)
    project.call("upgrade")
    timeout = "-- jetbase: statement_timeout=200s"  # where nothing was interrupted
    project.write(V2__long=f"{timeout}\nINSERT INTO a VALUES (2);\n{LONG['postgresql']}")
    looker = project.another("looker")

    def interrupt(frame: FrameType, event: str, argument: Any) -> Any:
        """Raise as a signal does at the line behind the one that sends the message."""
        if "django_jetbase" not in frame.f_code.co_filename:
            return None
        before = lines.get(frame, "")
        lines[frame] = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        is_long = "pg_sleep(300)" in str(frame.f_locals.get("queries"))
        if "pipeline_sync(" in before and is_long:
            sys.settrace(None)
            until(lambda: looker.query(SESSIONS["postgresql"]) == [(1,)])
            raise KeyboardInterrupt
        return interrupt

    lines: dict[FrameType, str] = {}
    sys.settrace(interrupt)
    try:
        with pytest.raises(CommandError, match="Interrupted"):
            project.call("upgrade")
    finally:
        sys.settrace(None)
    until(lambda: looker.query(SESSIONS["postgresql"]) == [(0,)])
    assert project.applied() == ["V1__a.sql"]


def test_a_command_in_another_thread_leaves_signals_alone(project: Project) -> None:
    project.write(V1__a=A)
    outcomes: list[str] = []

    def run() -> None:
        outcomes.append(project.call("status"))
        project.connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "pending    V1__a.sql" in outcomes[0]
