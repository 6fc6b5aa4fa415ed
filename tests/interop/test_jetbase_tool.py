"""What the stand-alone tool writes, as it really writes it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from django_jetbase.backends import backend_of
from django_jetbase.interop import ForeignHistory, ForeignMigration, foreign_history
from django_jetbase.interop.jetbase import COMMENTED, FLATTENED, UNESCAPED, UNSENT
from django_jetbase.migration import Version

from ..conftest import Project

OTHER_CLOCK = timedelta(minutes=1)  # by which the server's may be wrong
DRIVERS = {
    "postgresql": "postgresql+psycopg" if find_spec("psycopg") else "postgresql+psycopg2",
    "mysql": "mysql+mysqldb",
    "sqlite": "sqlite",
}
TABLES = """\
-- upgrade
CREATE TABLE a (
  id INTEGER,\x20\x20

  -- a comment
  t VARCHAR(50)
) ;;
CREATE TABLE b (id INTEGER); -- swallows

CREATE TABLE c (id INTEGER);
 --ROLLBACK\x20\x20
DROP TABLE a;
DROP TABLE b;
"""
ROWS = """\
INSERT INTO a VALUES (1, 'x
-- y

  z');
UPDATE a SET t = 'all' -- of them
WHERE id = 2;
INSERT INTO b VALUES (1);
INSERT INTO b VALUES (2); -- has no line of its own
"""
DELIMITED = """\
-- a comment
--Jetbase: delimiter= ~~
INSERT INTO b VALUES (3);
~~
INSERT INTO a VALUES (2, 'é;
~') ~~~~
INSERT INTO b VALUES (4)
-- rollback
DELETE FROM b
WHERE id = 3~~
"""

Tool = Callable[..., None]


def url_of(project: Project) -> URL:
    """The project's database as the tool is told of it."""
    given = project.connection.settings_dict
    is_socket = given["HOST"].startswith("/")
    return URL.create(
        DRIVERS[project.vendor],
        given["USER"] or None,
        given["PASSWORD"] or None,
        None if is_socket else given["HOST"] or None,
        int(given["PORT"]) if given["PORT"] else None,
        given["NAME"],
        {"host": given["HOST"]} if is_socket else {},
    )


@pytest.fixture
def tool(project: Project, tmp_path: Path) -> Tool:
    """Run a command of the tool on the project's files and database."""
    folder = tmp_path / "jetbase"
    folder.mkdir()
    (folder / "migrations").symlink_to(project.folder, target_is_directory=True)
    environment = os.environ | {
        "JETBASE_SQLALCHEMY_URL": url_of(project).render_as_string(hide_password=False),
        "PYTHONUTF8": "1",
    }

    def run(*args: str) -> None:
        program = "from jetbase.cli.main import app; app()"
        command = [sys.executable, "-c", program, *args]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def source(project: Project) -> ForeignHistory:
    return foreign_history("jetbase", backend_of(project.connection))


def by_name(project: Project) -> dict[str, ForeignMigration]:
    return {row.file_name: row for row in source(project).read()}


def test_its_history_is_read(project: Project, tool: Tool) -> None:
    if project.vendor == "postgresql":
        database = project.connection.settings_dict["NAME"]
        project.query(f"ALTER DATABASE {database} SET TimeZone = 'America/New_York'")
        project.connection.close()
    texts = {
        "V1__tables.sql": TABLES,
        "sub/V1_1__some_rows.sql": ROWS.replace("\n", "\r\n"),
        "V03.0__delimited.sql": DELIMITED,
        "V20251225.143022__nothing.sql": "-- nothing yet\n",
        "sub/deeper/RA__always.sql": "UPDATE b SET id = id;",
        "ROC__changes.sql": "UPDATE b SET id = id;",
    }
    for path, text in texts.items():
        (project.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / path).write_bytes(text.encode())
    before = datetime.now(UTC)
    tool("upgrade")
    after = datetime.now(UTC)

    rows = source(project).read()
    assert [(row.file_name, row.kind.value, row.version, row.description) for row in rows] == [
        ("V1__tables.sql", "V", Version("1"), "tables"),
        ("V1_1__some_rows.sql", "V", Version("1.1"), "some rows"),
        ("V03.0__delimited.sql", "V", Version("3"), "delimited"),
        ("V20251225.143022__nothing.sql", "V", Version("20251225.143022"), "nothing"),
        ("RA__always.sql", "RA", None, "always"),
        ("ROC__changes.sql", "ROC", None, "changes"),
    ]
    for row, text in zip(rows, texts.values(), strict=True):
        assert row.checksum == source(project).checksum(text), row.file_name
        assert source(project).as_read(row.kind, row.checksum, text) == text
        assert before - OTHER_CLOCK < row.at < after + OTHER_CLOCK


def test_what_it_never_ran_is_what_is_missing(project: Project, tool: Tool) -> None:
    project.write(V1__tables=TABLES, V2__rows=ROWS, V3__delimited=DELIMITED)
    tool("upgrade")
    assert source(project).differences(TABLES) == [(10, 10, COMMENTED)]
    assert "c" not in project.tables()
    assert source(project).differences(ROWS) == [
        (1, 4, FLATTENED),
        (6, 6, COMMENTED),
        (8, 8, UNSENT),
    ]
    assert source(project).differences(DELIMITED) == [(5, 6, FLATTENED), (7, 7, UNSENT)]
    assert project.query("SELECT id FROM b ORDER BY id") == [(1,), (3,)]
    assert project.query("SELECT t FROM a WHERE id = 1") == [("all",)]


def test_what_it_altered_is_what_the_database_holds(project: Project, tool: Tool) -> None:
    rows = (
        "INSERT INTO a VALUES (1, 'x\n-- y\n\n  z');\n"
        "INSERT INTO a VALUES (3, '10\\:30 10: 30% ::a b\\:\\:c');\n"
    )
    project.write(V1__tables=TABLES, V2__rows=rows, V3__delimited=DELIMITED)
    tool("upgrade")
    assert source(project).differences(rows) == [(1, 4, FLATTENED), (5, 5, UNESCAPED)]
    held = [text for (text,) in project.query("SELECT t FROM a ORDER BY id")]
    assert held == ["x z", "é; ~", "10:30 10: 30% ::a b::c"]


def test_a_repeatable_keeps_its_place_and_moves_its_date(project: Project, tool: Tool) -> None:
    project.write(RA__a="SELECT 1;", ROC__b="SELECT 2;", ROC__c="SELECT 3;")
    tool("upgrade")
    before = by_name(project)
    project.write(V1__late="SELECT 4;", ROC__b="SELECT 5;")
    tool("upgrade")
    after = by_name(project)
    assert list(after) == ["RA__a.sql", "ROC__b.sql", "ROC__c.sql", "V1__late.sql"]
    moved = [name for name, row in before.items() if after[name].at > row.at]
    assert moved == ["RA__a.sql", "ROC__b.sql"]
    assert after["ROC__b.sql"].checksum == source(project).checksum("SELECT 5;")


def test_a_rollback_leaves_nothing(project: Project, tool: Tool) -> None:
    project.write(V1__tables=TABLES, V2__rows="SELECT 1;\n-- rollback\n", ROC__a="SELECT 1;")
    tool("upgrade")
    tool("rollback")
    assert list(by_name(project)) == ["V1__tables.sql", "ROC__a.sql"]
    tool("upgrade")
    assert list(by_name(project)) == ["V1__tables.sql", "ROC__a.sql", "V2__rows.sql"]


@pytest.mark.engines("sqlite")  # the others take a BOM for a syntax error
def test_a_bom_hides_the_first_statement_behind_a_comment(project: Project, tool: Tool) -> None:
    text = "-- upgrade\nCREATE TABLE a (id INTEGER);\nCREATE TABLE b (id INTEGER);\n"
    project.write(V1__a=text.encode("utf-8-sig"))
    tool("upgrade")
    (row,) = source(project).read()
    assert source(project).as_read(row.kind, row.checksum, text) == "\ufeff" + text
    assert source(project).differences("\ufeff" + text) == [(2, 2, COMMENTED)]
    assert project.tables() >= {"b"}
    assert "a" not in project.tables()


def test_a_project_of_its_is_taken_over_changed_and_rolled_back(
    project: Project, tool: Tool
) -> None:
    project.write(
        V1__a="CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;\n",
        V2__b="CREATE TABLE b (id INTEGER);\nINSERT INTO b VALUES (1)\n-- rollback\nDROP TABLE b;",
        ROC__v="CREATE VIEW v AS SELECT 1 AS n;\n-- rollback\nDROP VIEW v;\n",
        RA__x="UPDATE b SET id = id;",
    )
    began = datetime.now(UTC)
    tool("upgrade")
    ended = datetime.now(UTC)
    before = project.query("SELECT * FROM jetbase_migrations ORDER BY order_executed")
    assert project.call("import", "jetbase").splitlines() == [
        "Imported V1__a.sql",
        "Imported V2__b.sql",
        "Imported RA__x.sql",
        "Imported ROC__v.sql",
    ]
    assert "V2__b.sql:2: with jetbase line 2 never ran" in project.said
    assert project.query("SELECT * FROM jetbase_migrations ORDER BY order_executed") == before
    status = json.loads(project.call("status", json=True))
    assert {entry["state"] for entry in status["migrations"]} == {"applied"}
    assert {entry["origin"] for entry in status["migrations"]} == {"import"}
    assert status["problems"] == []
    for entry in status["migrations"]:
        at = datetime.fromisoformat(entry["applied_at"])
        assert began - OTHER_CLOCK < at < ended + OTHER_CLOCK
    assert "Nothing to import" in project.call("import", "jetbase")

    project.write(V3__c="INSERT INTO b VALUES (2);\n-- rollback\nDELETE FROM b WHERE id = 2;")
    project.write(ROC__v="DROP VIEW v; CREATE VIEW v AS SELECT 2 AS n;")
    project.call("upgrade")
    assert project.query("SELECT n FROM v") == [(2,)]
    assert project.query("SELECT id FROM b") == [(2,)]
    project.call("rollback", count=2)
    assert project.tables() & {"a", "b"} == {"a"}
    assert project.call("current") == "1\n"
