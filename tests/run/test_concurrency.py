"""Several processes at once, and processes that die."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from django_jetbase.database import Database

from ..conftest import SOON, Project
from ..waiting import Gate, is_in_use, until


def spawn(project: Project, tmp_path: Path, *args: str) -> "subprocess.Popen[str]":
    """Another process on the same database and files."""
    settings = tmp_path / "spawned_settings.py"
    config = {
        key: project.connection.settings_dict[key]
        for key in ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")
    }
    settings.write_text(
        textwrap.dedent(f"""\
            SECRET_KEY = "x"
            INSTALLED_APPS = ["django_jetbase"]
            DATABASES = {{"default": {config!r}}}
            JETBASE = {{"MIGRATIONS_DIR": {str(project.folder)!r}, "LOCK_WAIT": 600}}
            """)
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    process = subprocess.Popen(
        [sys.executable, "-m", "django", *args],
        env=os.environ | {"PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "spawned_settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    project.processes.append(process)
    return process


ENDLESS_SQLITE = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;"
)
SLOW_SQLITE = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000000)"
    " SELECT count(*) FROM n;"
)


def running(project: Project) -> list[tuple[str, str]]:
    return project.query("SELECT path, incomplete FROM django_jetbase_migration")


@contextmanager
def looks(connection: Any) -> Iterator[list[str]]:
    """The looks at who has the lock: the longer a run waits for it, the more there are."""
    found: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        if "django_jetbase_lock" in sql and "token <> ''" in sql:
            found.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield found


def test_many_at_once_run_every_file_once(project: Project, tmp_path: Path) -> None:
    project.write(V1__log="CREATE TABLE log (n INTEGER);")
    for n in range(2, 12):
        project.write(**{f"V{n}__x": f"INSERT INTO log VALUES ({n});"})
    processes = [spawn(project, tmp_path, "jetbase_upgrade") for _ in range(6)]
    outcomes = [(*process.communicate(timeout=600), process.returncode) for process in processes]
    assert [code for _out, _err, code in outcomes] == [0] * 6, outcomes
    assert sorted(n for (n,) in project.query("SELECT n FROM log")) == list(range(2, 12))
    assert len(project.applied()) == 11


def test_a_killed_process_leaves_nothing_stuck(project: Project, tmp_path: Path) -> None:
    gate = Gate(project) if project.vendor != "sqlite" else None
    project.write(V1__a="CREATE TABLE a (id INTEGER);")
    project.write(V2__b=gate.sql if gate else ENDLESS_SQLITE)
    if project.vendor == "mysql":
        project.write(V2__b=f"{gate.sql} ANALYZE TABLE a;")
    process = spawn(project, tmp_path, "jetbase_upgrade")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Applied V1__a.sql")
    until(gate.is_waited_at if gate else lambda: is_in_use(project))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=600)
    project.timing = SOON
    if gate:
        gate.open()
    else:
        project.write(V2__b="SELECT 1;")
    if project.vendor == "mysql":
        with pytest.raises(CommandError, match="has not come to its end"):
            project.call("upgrade")
        project.call("resolve", "2", rolled_back=True)
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]


@pytest.mark.engines("postgresql", "mysql")
def test_a_lock_that_is_held_is_waited_for_and_then_given_up(project: Project) -> None:
    project.configure(LOCK_WAIT=0.3)
    project.write(V1__a="CREATE TABLE a (id INTEGER);")
    said = r"Another process .*: test by \w*@.*, process \d+, since"
    holder = Database(project.another().alias)
    with holder.locked("test"), pytest.raises(CommandError, match=said):
        project.call("upgrade")
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql"]


def test_what_another_run_has_just_run_always_is_not_run_again(
    project: Project, tmp_path: Path
) -> None:
    gate = Gate(project) if project.vendor != "sqlite" else None
    project.write(V1__log="CREATE TABLE log (n INTEGER);", RA__x="INSERT INTO log VALUES (1);")
    project.call("upgrade")
    project.write(V2__slow=gate.sql if gate else SLOW_SQLITE * 2)
    first = spawn(project, tmp_path, "jetbase_upgrade")
    until(gate.is_waited_at if gate else lambda: is_in_use(project))
    second = spawn(project, tmp_path, "jetbase_upgrade")
    if gate:
        assert second.stderr is not None
        assert second.stderr.readline().startswith("  Waiting for upgrade by ")
        gate.open()
    for process in (first, second):
        out, err = process.communicate(timeout=600)
        assert process.returncode == 0, out + err
    assert project.query("SELECT count(*) FROM log") == [(2,)]
    project.call("upgrade")
    assert project.query("SELECT count(*) FROM log") == [(3,)]


@pytest.mark.engines("postgresql", "mysql")
def test_the_option_wins_over_the_setting(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id INTEGER);")
    project.configure(LOCK_WAIT=1)
    with Database(project.another().alias).locked("test"):
        for command in (["upgrade"], ["baseline", "1"]):
            counts = []
            for option in ({"lock_wait": 0}, {}):
                with (
                    looks(project.connection) as queries,
                    pytest.raises(CommandError, match="Another process"),
                ):
                    project.call(*command, **option)
                counts.append(len(queries))
            at_once, waiting = counts
            assert at_once < waiting
    with pytest.raises(CommandError):
        call_command("jetbase_upgrade", "--lock-wait=-1")
    project.call("upgrade", lock_wait=0)


@pytest.mark.engines("sqlite")
def test_a_writer_is_waited_for_and_then_given_up(project: Project) -> None:
    project.configure(LOCK_WAIT=0)
    project.write(V1__a="CREATE TABLE a (id INTEGER);")
    holder = project.another()
    holder.query("BEGIN IMMEDIATE")
    twin = project.another("impatient", OPTIONS={"timeout": 0.1})
    with pytest.raises(CommandError, match="Another process"):
        twin.call("upgrade")
    holder.query("ROLLBACK")
    twin.call("upgrade")
    assert project.applied() == ["V1__a.sql"]


@pytest.mark.engines("postgresql")
def test_a_connection_that_dies_in_the_middle(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id int); SELECT pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(CommandError, match=r"(?i)terminat|closed"):
        project.call("upgrade")
    assert project.tables() == set()
    project.write(V1__a="CREATE TABLE a (id int);")
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql"]


@pytest.mark.engines("mysql")
def test_a_mysql_connection_that_dies_in_the_middle(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id int); KILL CONNECTION CONNECTION_ID(); SELECT 1;")
    with pytest.raises(CommandError, match=r"(?i)V1__a\.sql.*(?:killed|gone away|lost|2006)"):
        project.call("upgrade")
    with pytest.raises(CommandError, match="1 of its statements are known to be committed"):
        project.call("upgrade")


def test_a_database_that_is_not_there(project: Project) -> None:
    if project.vendor == "sqlite":
        twin = project.another(NAME="/nowhere/at/all.sqlite3")
    else:
        twin = project.another(PORT="1", HOST="127.0.0.1")
    project.write(V1__a="SELECT 1;")
    with pytest.raises(CommandError, match=r"Database 'another': ") as caught:
        twin.call("upgrade")
    assert "Traceback" not in str(caught.value)
