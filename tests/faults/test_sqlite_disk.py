"""SQLite where there is no room to write, or another writer is at work.

Room ends at a limit for the size of files (RLIMIT_FSIZE), or for the pages of the database, which
gives the error that a full file system gives; neither needs a privilege.
"""

import resource
import subprocess
from collections.abc import Callable

import pytest

from ..conftest import Project
from ..run.test_concurrency import spawn
from ..waiting import has_open, until
from .conftest import LONG, Runs, applied_events, ended, log

SQLITE = pytest.mark.engines("sqlite")
LIMIT = 208_000
PATHS = ["V1__log.sql", "V2__big.sql", "V3__x.sql"]
BIG = "INSERT INTO big VALUES (zeroblob(150000));"
Start = Callable[[Project, Runs], "subprocess.Popen[str]"]


def limited(project: Project, runs: Runs, size: int) -> "subprocess.Popen[str]":
    """A run whose files cannot grow beyond the size; its pipes can."""
    process = runs.start(project)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, size))
    return process


def with_small_files(project: Project, runs: Runs) -> "subprocess.Popen[str]":
    return limited(project, runs, LIMIT)


def with_few_pages(project: Project, runs: Runs) -> "subprocess.Popen[str]":
    folder = project.folder.parent
    text = f"""\
from spawned_settings import *
DATABASES["default"]["OPTIONS"] = {{"init_command": "PRAGMA max_page_count = {LIMIT // 4096}"}}
"""
    (folder / "small_settings.py").write_text(text)
    return runs.add(spawn(project, folder, "jetbase_upgrade", "--settings", "small_settings"))


def write(project: Project, directive: str = "") -> None:
    project.write(
        V1__log="CREATE TABLE log (n INTEGER);\nCREATE TABLE big (b BLOB);",
        V2__big=f"{directive}INSERT INTO log VALUES (2);\n{BIG}\n{BIG}\n",
        V3__x="INSERT INTO log VALUES (3);",
    )


@SQLITE
@pytest.mark.parametrize(
    ("start", "says"),
    [(with_few_pages, "database or disk is full"), (with_small_files, "disk I/O error")][
        : 2 if LONG else 1
    ],
)
class TestNoRoom:
    def test_nothing_of_the_file_is_left(
        self, project: Project, runs: Runs, start: Start, says: str
    ) -> None:
        write(project)
        outcome = ended(start(project, runs))
        assert outcome.status == 1
        assert outcome.is_clear, outcome
        assert f": {says}" in outcome.err
        assert "V2__big.sql" in outcome.err
        assert "Nothing of this file was kept" in outcome.err
        assert log(project) == []
        assert project.applied() == PATHS[:1]
        self.has_room_again(project, runs)

    def test_without_a_transaction_it_says_how_far_it_came(
        self, project: Project, runs: Runs, start: Start, says: str
    ) -> None:
        write(project, "-- jetbase: transaction=off\n")
        outcome = ended(start(project, runs))
        assert outcome.status == 1
        assert outcome.is_clear, outcome
        assert f": {says}" in outcome.err
        assert "Committed are 2 of 3 statements, up to line 3" in outcome.err
        assert "has not come to its end" in runs.run(project).err
        project.query("DELETE FROM log")
        project.query("DELETE FROM big")
        assert runs.run(project, "jetbase_resolve", "2", "--rolled-back").status == 0
        self.has_room_again(project, runs)

    def has_room_again(self, project: Project, runs: Runs) -> None:
        assert project.query("PRAGMA integrity_check") == [("ok",)]
        outcome = runs.run(project)
        assert outcome.status == 0, outcome
        assert log(project) == [2, 3]
        assert project.query("SELECT count(*) FROM big") == [(2,)]
        assert project.applied() == PATHS
        assert applied_events(project) == PATHS


@SQLITE
def test_wherever_room_ends_a_file_is_whole_or_not_there(project: Project, runs: Runs) -> None:
    project.write(V1__log="CREATE TABLE log (n INTEGER, b BLOB);")
    for n in range(2, 9):
        row = f"INSERT INTO log VALUES ({n}, zeroblob(9000));"
        project.write(**{f"V{n}__x": f"{row}\nCREATE INDEX i{n} ON log (n);\n{row}"})
    for limit in range(1000, 400_000, 10_000 if LONG else 120_000):
        outcome = ended(limited(project, runs, limit))
        assert outcome.status in (0, 1), outcome
        assert outcome.is_clear, outcome
        done = project.applied() if "log" in project.tables() else []
        rows = log(project) if done else []
        assert rows == sorted([*range(2, len(done) + 1)] * 2)
        assert project.query("PRAGMA integrity_check") == [("ok",)]
    assert runs.run(project).status == 0
    assert log(project) == sorted([*range(2, 9)] * 2)


def written(project: Project) -> Project:
    """Another connection in the middle of a write transaction."""
    project.call("upgrade", to_version="1")
    other = project.another("writer")
    other.query("BEGIN IMMEDIATE")
    other.query("INSERT INTO log VALUES (1)")
    return other


@SQLITE
def test_a_second_writer_is_waited_for_and_then_given_up(project: Project, runs: Runs) -> None:
    write(project)
    other = written(project)
    patient = runs.start(project)
    outcome = runs.run(project, "jetbase_upgrade", "--lock-wait", "0.5")
    assert outcome.status == 1
    assert outcome.is_clear, outcome
    assert outcome.err.startswith("CommandError: Another process is writing to this database")
    until(lambda: has_open(patient, project))
    assert patient.poll() is None
    assert project.applied() == PATHS[:1]
    other.query("COMMIT")
    outcome = ended(patient)
    assert outcome.status == 0, outcome
    assert log(project) == [1, 2, 3]
    assert project.applied() == PATHS
    assert runs.run(project).out == "Nothing to do.\n"
