import pytest
from django.core.management.base import CommandError

from .conftest import Project

pytestmark = pytest.mark.engines("mysql")


def test_routines_without_delimiter(project: Project) -> None:
    project.write(
        V1__a=(
            "CREATE TABLE t (id INT, total INT);\n"
            "CREATE PROCEDURE fill(IN n INT)\nBEGIN\n  DECLARE i INT DEFAULT 0;\n"
            "  DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN SET i = 0; END;\n"
            "  WHILE i < n DO\n    IF i % 2 = 0 THEN INSERT INTO t VALUES (i, 0);\n"
            "    ELSE INSERT INTO t VALUES (-i, CASE WHEN i > 1 THEN 1 ELSE 2 END);\n    END IF;\n"
            "    SET i = i + 1;\n  END WHILE;\nEND;\n"
            "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.total = NEW.id * 2;\n"
            "CREATE FUNCTION f(x INT) RETURNS INT DETERMINISTIC RETURN IF(x > 0, 1, 2);\n"
            "CALL fill(4);"
        )
    )
    project.call("upgrade")
    assert project.query("SELECT id, total FROM t ORDER BY id") == [
        (-3, -6),
        (-1, -2),
        (0, 0),
        (2, 4),
    ]


def test_delimiter_lines(project: Project) -> None:
    project.write(
        V1__a=(
            "DELIMITER //\nCREATE PROCEDURE p()\nBEGIN\n  SELECT 1;\n  SELECT 2;\nEND//\n"
            "DELIMITER ;\nCALL p();\nCREATE TABLE a (id INT);\n"
            "-- rollback\nDROP PROCEDURE p; DROP TABLE a;"
        )
    )
    project.call("upgrade")
    assert project.tables() == {"a"}
    project.call("rollback")
    assert project.tables() == set()


def test_warnings_are_shown(project: Project) -> None:
    project.write(V1__a="DROP TABLE IF EXISTS nowhere;")
    project.call("upgrade")
    assert "Unknown table" in project.said


def test_the_line_inside_a_statement(project: Project) -> None:
    project.write(V1__a="SELECT 1;\nCREATE TABLE a (\n  id INT,\n  name VARCHAR(9) NOPE NOPE\n);")
    with pytest.raises(CommandError, match=r"V1__a\.sql:4:24: You have an error"):
        project.call("upgrade")


def test_begin_and_commit_simply_run(project: Project) -> None:
    project.write(
        V1__a="CREATE TABLE a (id INT); BEGIN; INSERT INTO a VALUES (1); COMMIT;"
        "START TRANSACTION; INSERT INTO a VALUES (2); ROLLBACK;"
    )
    project.call("upgrade")
    assert project.query("SELECT id FROM a") == [(1,)]


def test_a_file_that_makes_and_uses_another_database(project: Project) -> None:
    name = project.connection.settings_dict["NAME"] + "_other"
    project.write(
        V1__a=f"CREATE DATABASE {name}; USE {name}; CREATE TABLE there (id INT);",
        V2__b=f"CREATE TABLE here (id INT); DROP DATABASE {name};",
    )
    project.call("upgrade")
    assert project.tables() == {"here"}


def test_ansi_quotes_of_the_connection(project: Project) -> None:
    twin = project.another(OPTIONS={"sql_mode": "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"})
    twin.write(V1__a='CREATE TABLE "a;b" (t VARCHAR(9)); INSERT INTO "a;b" VALUES (\'\\\');')
    twin.call("upgrade")
    assert twin.query('SELECT t FROM "a;b"') == [("\\",)]
