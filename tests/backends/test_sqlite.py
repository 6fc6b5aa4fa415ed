import sqlite3
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from ..conftest import Project

pytestmark = pytest.mark.engines("sqlite")


def test_triggers(project: Project) -> None:
    project.write(
        V1__a=(
            "CREATE TABLE a (id); CREATE TABLE log (id);\n"
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  INSERT INTO log VALUES (new.id);\n"
            "  UPDATE log SET id = CASE WHEN id = 1 THEN 10 ELSE id END;\nEND;\n"
            "INSERT INTO a VALUES (1);"
        )
    )
    project.call("upgrade")
    assert project.query("SELECT id FROM log") == [(10,)]


def test_syntax_errors_are_found_inside_the_statement(project: Project) -> None:
    project.write(V1__a="SELECT (1);\nCREATE TABLE a (\n  id INT,\n  name VARCHAR(100),\n);")
    with pytest.raises(CommandError, match=r'V1__a\.sql:5:1: near "\)": syntax error'):
        project.call("upgrade")


def test_a_dump_runs_with_the_directive(project: Project) -> None:
    source = sqlite3.connect(":memory:")
    source.executescript(
        "CREATE TABLE p (id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT);"
        "INSERT INTO p (t) VALUES ('it''s; -- x'), (NULL);"
        "CREATE VIEW v AS SELECT t FROM p; CREATE INDEX i ON p (t);"
        "CREATE TRIGGER g AFTER INSERT ON p BEGIN SELECT 1; SELECT 2; END;"
    )
    dump = "PRAGMA foreign_keys=OFF;\n" + "\n".join(source.iterdump())
    source.close()
    project.write(V1__dump=dump)
    with pytest.raises(CommandError, match="transaction=off"):
        project.call("upgrade")
    project.write(V1__dump="-- jetbase: transaction=off\n" + dump)
    project.call("upgrade")
    assert project.query("SELECT t FROM p ORDER BY id") == [("it's; -- x",), (None,)]
    assert project.query("PRAGMA foreign_keys") == [(1,)]


def test_a_read_only_database(project: Project) -> None:
    name = project.connection.settings_dict["NAME"]
    project.write(V1__a="CREATE TABLE a (id);")
    project.query("CREATE TABLE x (id)")
    twin = project.another(NAME=f"file:{name}?mode=ro", OPTIONS={"uri": True})
    assert "pending" in twin.call("status")
    with pytest.raises(CommandError, match="readonly"):
        twin.call("upgrade")


def test_what_insert_or_fail_keeps(project: Project) -> None:
    project.write(V1__t="CREATE TABLE t (id INTEGER PRIMARY KEY);")
    project.call("upgrade")
    text = "INSERT OR FAIL INTO t VALUES (1), (2), (1);"
    project.write(V2__b=text)
    with pytest.raises(CommandError, match="Nothing of this file was kept"):
        project.call("upgrade")
    project.write(V2__b=f"-- jetbase: transaction=off\n{text}")
    with pytest.raises(CommandError, match="may have had an effect of its own"):
        project.call("upgrade")
    assert project.query("SELECT id FROM t") == [(1,), (2,)]


def test_what_insert_takes_back(project: Project) -> None:
    project.write(V1__t="CREATE TABLE t (id INTEGER PRIMARY KEY);")
    project.call("upgrade")
    project.write(V2__b="-- jetbase: transaction=off\nINSERT INTO t VALUES (1), (2), (1);")
    with pytest.raises(CommandError, match="Nothing of this file was kept"):
        project.call("upgrade")


def test_a_transaction_of_the_file_is_fenced(project: Project) -> None:
    project.write(V1__t="CREATE TABLE t (id INTEGER);")
    project.call("upgrade")
    thief = project.another("thief")

    def steal() -> None:
        thief.query("UPDATE django_jetbase_lock SET token = ''")

    project.connection.connection.create_function("steal", 0, steal)
    text = "BEGIN;\nSELECT steal();\nINSERT INTO t VALUES (1);\nCOMMIT;"
    project.write(V2__b=f"-- jetbase: transaction=off\n{text}")
    with pytest.raises(CommandError, match="has not come to its end"):
        project.call("upgrade")
    assert "The lock was taken away" in project.said
    assert project.query("SELECT id FROM t") == []


@pytest.mark.parametrize("transaction", ["", "-- jetbase: transaction=off\n"])
def test_what_a_trigger_rolls_back(project: Project, transaction: str) -> None:
    project.write(
        V1__t="CREATE TABLE t (id INTEGER); CREATE TABLE log (id INTEGER);"
        "CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO log VALUES (1);"
        " SELECT RAISE(ROLLBACK, 'no'); END;"
    )
    project.call("upgrade")
    project.write(V2__b=f"{transaction}INSERT INTO t VALUES (1);")
    with pytest.raises(CommandError, match="Nothing of this file was kept"):
        project.call("upgrade")
    assert project.query("SELECT * FROM log") == []
    project.write(V2__b="SELECT 1;")
    project.call("upgrade")


def test_heartbeats_keep_no_transaction_from_writing(project: Project) -> None:
    project.write(V1__t="CREATE TABLE t (id INTEGER);")
    project.call("upgrade")
    slow = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 9000000)"
    text = f"BEGIN;\n{slow} SELECT max(n) FROM c, t;\n{slow} SELECT max(n) FROM c;"
    project.write(V2__b=f"-- jetbase: transaction=off\n{text}\nINSERT INTO t VALUES (1);\nCOMMIT;")
    project.call("upgrade")
    assert project.query("SELECT id FROM t") == [(1,)]


# What the shell takes for comments and delimiters; with `cut` it would end a statement there.
OF_THE_SHELL = [
    ("# one\nINSERT INTO t VALUES (1);", False),
    ("INSERT INTO t VALUES (1);\n#two; 'x\nINSERT INTO t VALUES (2);\n#", False),
    ("INSERT INTO t VALUES (1);\ngo\nINSERT INTO t VALUES (2);\n  GO  \n", False),
    ("/\nINSERT INTO t VALUES (1); /* c */\n\t/\t\n", False),
    ("INSERT INTO t VALUES ('\n/\n');\r\n/\r\n", False),
    ("INSERT INTO t VALUES (8/\n2);", False),
    (
        "CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET id = id\n/\n2; END;\n/\n"
        "INSERT INTO t VALUES (8);",
        False,
    ),
    ("INSERT INTO t VALUES (1)\ngo\nINSERT INTO t VALUES (2);", True),
    ("INSERT INTO t VALUES (1)\n / \nINSERT INTO t VALUES (2);", True),
    ("INSERT INTO t SELECT 8\n/\n2;", True),
    ("INSERT INTO t SELECT 8 AS\ngo\n;", True),
]


@pytest.mark.parametrize(("text", "cut"), OF_THE_SHELL)
def test_lines_that_only_the_shell_knows(project: Project, text: str, cut: bool) -> None:
    """They do what they do there, or are an error that says so."""
    project.write(V1__t="CREATE TABLE t (id);", V2__b=text)
    if cut:
        with pytest.raises(CommandError, match=r"V2__b\.sql:1:1: in it is a line of nothing but"):
            project.call("upgrade")
        assert project.tables() == set()
        return
    project.call("upgrade")
    found = project.query("SELECT id FROM t")
    assert found
    project.query("DELETE FROM t")
    project.query("DROP TRIGGER IF EXISTS r")
    assert not project.run_script(text).stderr
    assert project.query("SELECT id FROM t") == found


def test_a_hash_that_is_no_comment_for_the_shell_either(project: Project) -> None:
    for text in ("SELECT 1; # x", "  # x\nSELECT 1;", "SELECT 1\n# x\n;"):
        project.write(V1__a=text)
        with pytest.raises(CommandError, match="unrecognized token"):
            project.call("upgrade")


def test_an_encoding_that_comes_too_late(project: Project) -> None:
    project.write(V1__a="PRAGMA encoding;\nPRAGMA encoding = 'UTF-16';")
    project.call("upgrade")
    assert "V1__a.sql:2:1: PRAGMA encoding holds for nothing" in project.said
    assert "(jetbase.W009)" in project.said
    assert project.query("PRAGMA encoding") == [("UTF-8",)]


@pytest.mark.parametrize("transaction", ["", "-- jetbase: transaction=off\n"])
def test_a_dump_that_writes_the_schema(project: Project, transaction: str) -> None:
    """As that of a table of FTS5 does: the next file sees the table."""
    dump = (Path(__file__).parent / "dumps" / "sqlite-fts5.sql").read_text(encoding="utf-8")
    if not transaction:
        dump = dump.replace("BEGIN TRANSACTION;", "").replace("COMMIT;", "")
        dump = dump.replace("PRAGMA foreign_keys=OFF;", "")
    project.write(
        V1__dump=transaction + dump,
        V2__use="CREATE TABLE found AS SELECT body FROM notes WHERE notes MATCH 'needle';",
    )
    project.call("upgrade")
    assert project.query("SELECT body FROM found") == [("a needle in it",)]
    assert project.query("PRAGMA writable_schema") == [(0,)]
