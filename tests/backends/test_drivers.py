"""What drivers cannot send, do otherwise, or raise that is no error of a database."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from ..conftest import Project

A = "CREATE TABLE a (id INTEGER);"
ROOT = Path(__file__).parents[2]
# Tests of several statements up to one delimiter, which PyMySQL does not send.
SEVERAL = "(several_statements_up_to or a_commit_among)"
OFF = "-- jetbase: transaction=off\n"


def with_charset(project: Project, name: str) -> Project:
    return project.another(name, OPTIONS={"charset": name})


@pytest.mark.engines("mysql")
@pytest.mark.parametrize("head", ["", OFF])
@pytest.mark.parametrize("charset", ["latin1", "ascii", "cp850"])
def test_characters_that_a_connection_does_not_have(
    project: Project, charset: str, head: str
) -> None:
    """Nothing runs, since it is known beforehand."""
    twin = with_charset(project, charset)
    twin.write(V1__a=A, V2__b=f"{head}INSERT INTO a VALUES (1);\n  SELECT '\N{GRINNING FACE}';")
    line = 2 + head.count("\n")
    with pytest.raises(CommandError, match=rf"V2__b\.sql:{line}:11: the connection sends") as e:
        twin.call("upgrade")
    assert "which has no '\N{GRINNING FACE}' (U+1F600); let the OPTIONS" in str(e.value)
    assert twin.tables() == set()
    twin.write(V2__b="-- \N{GRINNING FACE}\nSELECT 1;")  # which is not sent
    twin.call("upgrade")
    assert twin.applied() == ["V1__a.sql", "V2__b.sql"]
    twin.write(**{"V3__\N{GRINNING FACE}": "SELECT 1;"})
    with pytest.raises(CommandError, match="the connection sends text in"):
        twin.call("upgrade")


@pytest.mark.engines("mysql")
def test_what_a_connection_does_have(project: Project) -> None:
    twin = with_charset(project, "latin1")
    twin.write(V1__ä=A, V2__b="CREATE TABLE b (x VARCHAR(9)); INSERT INTO b VALUES ('Ä€');")
    twin.call("upgrade")
    assert project.query("SELECT x FROM b") == [("Ä€",)]
    twin.write(V3__c="SELECT 'ä' FROM nowhere_ö;")
    with pytest.raises(CommandError, match="nowhere_ö"):
        twin.call("upgrade")
    assert "nowhere_ö" in project.events()[-1]["detail"]


@pytest.mark.engines("mysql")
@pytest.mark.parametrize("head", ["", OFF])
@pytest.mark.parametrize("charset", ["utf8", "utf8mb3"])
def test_characters_of_four_bytes_where_there_are_three(
    project: Project, charset: str, head: str
) -> None:
    """Which MariaDB turns into question marks where its mode is not strict."""
    twin = project.another("three", OPTIONS={"charset": charset})
    twin.write(V1__a=A, V2__b=f"{head}INSERT INTO a VALUES (1);\n  SELECT '\N{GRINNING FACE}';")
    line = 2 + head.count("\n")
    with pytest.raises(CommandError, match=rf"V2__b\.sql:{line}:11: .* in utf8mb3, which has no"):
        twin.call("upgrade")
    assert twin.tables() == set()
    twin.write(V1__é=A, V2__b="-- \N{GRINNING FACE}\nSELECT 'é€' FROM nowhere;")
    (twin.folder / "V1__a.sql").unlink()
    with pytest.raises(CommandError, match="nowhere"):
        twin.call("upgrade")
    assert twin.applied() == ["V1__é.sql"]
    assert "é€" in project.events()[-1]["detail"]


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("head", ["", OFF])
def test_a_database_that_does_not_keep_all_characters(project: Project, head: str) -> None:
    name = "jetbase_latin1"
    project.query(f"DROP DATABASE IF EXISTS {name}")
    project.query(
        f"CREATE DATABASE {name} ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    twin = project.another("latin1", NAME=name)
    try:
        twin.write(V1__é=f"-- \N{GRINNING FACE}\n{A}", V2__b=f"{head}SELECT 1,\n  '€';")
        line = 2 + head.count("\n")
        with pytest.raises(CommandError, match=rf"V2__b\.sql:{line}:4: the database keeps") as e:
            twin.call("upgrade")
        assert "in iso8859-1, which has no '€' (U+20AC); write it with an escape" in str(e.value)
        assert twin.tables() == set()
        twin.write(V2__b=f"{head}DO $$BEGIN RAISE 'x %', U&'\\00e9'; END$$;")
        with pytest.raises(CommandError, match="x é"):
            twin.call("upgrade")
        assert twin.applied() == ["V1__é.sql"]
        assert "x é" in twin.events()[-1]["detail"]
        assert "x é" in twin.call("status")
    finally:
        twin.connection.close()
        project.query(f"DROP DATABASE {name}")


@pytest.mark.engines("mysql")
def test_the_history_has_all_characters_and_transactions(project: Project) -> None:
    project.query("ALTER DATABASE CHARACTER SET latin1")
    project.query("SET default_storage_engine = MyISAM")
    face = "\N{GRINNING FACE}"
    project.write(**{f"V1__{face}": A, "ROC__a": "SELECT 1;", "ROC__A": "SELECT 2;"})
    project.call("upgrade")
    assert {*project.applied()} == {f"V1__{face}.sql", "ROC__a.sql", "ROC__A.sql"}
    project.write(V2__b=f"SELECT '{face}' FROM nowhere;")
    with pytest.raises(CommandError, match="nowhere"):
        project.call("upgrade")
    assert face in project.events()[-1]["detail"]
    engines = project.query(
        "SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = DATABASE()"
        " AND table_name LIKE 'django%'"
    )
    assert engines == [("InnoDB",)]


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("head", ["", OFF])
def test_an_encoding_of_the_file_that_lacks_a_character(project: Project, head: str) -> None:
    text = f"{head}SET client_encoding = 'LATIN1';\nSELECT 'é';\nSELECT 1,\n  '\N{GRINNING FACE}';"
    project.write(V1__a=A, V2__b=text)
    line = 4 + head.count("\n")
    with pytest.raises(CommandError, match=rf"V2__b\.sql:{line}:4: the connection sends") as e:
        project.call("upgrade")
    assert "U+1F600" in str(e.value)
    assert project.applied() == ["V1__a.sql"]
    assert "U+1F600" in project.events()[-1]["detail"]


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("head", ["", OFF])
def test_an_encoding_that_python_does_not_have(project: Project, head: str) -> None:
    project.write(V1__a=A, V2__b=f"{head}SET client_encoding = 'EUC_TW';\nSELECT 1;")
    with pytest.raises(CommandError, match=r"V2__b\.sql.*EUC_TW"):
        project.call("upgrade")
    assert project.applied() == ["V1__a.sql"]
    project.write(V2__b=f"{head}SELECT 1;")
    if head:
        project.call("resolve", "2", rolled_back=True)
    project.call("upgrade")


@pytest.mark.engines("mysql", "sqlite")
def test_an_option_that_a_driver_does_not_know(project: Project) -> None:
    twin = project.another("odd", OPTIONS={"no_such_option": 1})
    twin.write(V1__a=A)
    for command in ("upgrade", "status"):
        with pytest.raises(
            CommandError, match=r"makes no connection .* TypeError: .*no_such_option"
        ):
            twin.call(command)


@pytest.mark.engines("mysql")
def test_a_driver_that_is_not_supported(project: Project, monkeypatch: Any) -> None:
    """Such as that of the engine mysql.connector.django."""
    monkeypatch.setattr(project.connection.Database, "__name__", "mysql.connector")
    with pytest.raises(
        CommandError, match=r"The driver mysql\.connector of the alias .* is not supported"
    ):
        project.call("upgrade")


@pytest.mark.engines("mysql")
def test_a_driver_that_sends_one_statement_at_a_time(project: Project) -> None:
    """As PyMySQL does unless a flag tells it otherwise."""
    options = {"client_flag": 0, "multi_statements": False}
    if project.connection.Database.__name__ != "MySQLdb":
        del options["multi_statements"]
    twin = project.another("one", OPTIONS=options)
    twin.write(V1__a=A, V2__b="DELIMITER //\nSELECT 1; SELECT 2 //\n")
    with pytest.raises(CommandError, match=r"V2__b\.sql:2:1: these are several statements"):
        twin.call("upgrade")
    assert twin.tables() == set()
    twin.write(V2__b="DELIMITER //\nSELECT 1 //\nSELECT 2 //\n")
    twin.call("upgrade")


@pytest.mark.engines("mysql")
@pytest.mark.usefixtures("engine")  # where there is none, it is left out
def test_pymysql() -> None:
    """What is particular to MariaDB and MySQL, with the other driver."""
    tests = ["backends/test_mysql.py", "backends/test_drivers.py", "run/test_leftovers.py"]
    tests += ["run/test_upgrade.py", "run/test_rollback.py", "run/test_record.py"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "tests.with_pymysql"),
            *("-p", "no:cacheprovider", "-k", f"mysql and not test_pymysql and not {SEVERAL}"),
            *(f"tests/{name}" for name in tests),
        ],
        cwd=ROOT,
        env=os.environ | {"JETBASE_TEST_ENGINES": "mysql"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
