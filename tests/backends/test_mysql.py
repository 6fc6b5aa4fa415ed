import os
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import connections

from django_jetbase.backends import lexicon_of
from django_jetbase.backends.mysql.backend import MySQLBackend
from django_jetbase.files.script import parse

from ..conftest import Project
from ..history.test_lock import steal
from ..waiting import Gate, beside, until

pytestmark = pytest.mark.engines("mysql")
OTHER = f"jetbase_other_{os.getpid()}"  # a database, or a user, beside those of other tests


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


INNODB = "CREATE TABLE a (i INT); CREATE TABLE b (i INT);\n"


@pytest.mark.parametrize(
    ("sql", "committed"),
    [
        ("BEGIN; INSERT INTO a VALUES (1); CREATE TABLE a (i INT);", 2),
        ("BEGIN; INSERT INTO a VALUES (1); BEGIN; INSERT INTO a VALUES (2); SELECT nope;", 2),
        ("DROP TABLE b, nowhere;", 0),
        ("CALL p();", 0),
        ("BEGIN NOT ATOMIC INSERT INTO a VALUES (1); INSERT INTO nowhere VALUES (1); END;", 0),
    ],
)
def test_what_may_have_been_committed_is_incomplete(
    project: Project, sql: str, committed: int
) -> None:
    project.write(
        V1__a=INNODB + "CREATE PROCEDURE p() BEGIN INSERT INTO a VALUES (1);"
        " INSERT INTO nowhere VALUES (1); END;",
        V2__b=sql,
    )
    with pytest.raises(CommandError, match=f"Committed are {committed} of "):
        project.call("upgrade")
    assert "incomplete V2__b.sql" in project.call("status")


@pytest.mark.parametrize(
    ("sql", "committed"),
    [
        (
            "BEGIN; INSERT INTO a VALUES (7); SAVEPOINT s; INSERT INTO a VALUES (8);"
            " ROLLBACK TO SAVEPOINT s; INSERT INTO nowhere VALUES (1);",
            0,
        ),
        (
            "BEGIN; INSERT INTO a VALUES (7); COMMIT AND CHAIN; INSERT INTO a VALUES (8);"
            " INSERT INTO nowhere VALUES (1);",
            2,
        ),
    ],
)
def test_what_was_rolled_back_is_not_called_committed(
    project: Project, sql: str, committed: int
) -> None:
    project.write(V1__a=INNODB, V2__b=sql)
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    if committed:
        assert "Committed are 3 of 5" in str(caught.value)
        assert project.query("SELECT i FROM a") == [(7,)]
    else:
        assert "Nothing of this file was kept" in str(caught.value)
        assert project.query("SELECT i FROM a") == []


def test_sql_select_limit_does_not_hide_the_rest_of_the_session(project: Project) -> None:
    show = "SELECT @@sql_select_limit, @@foreign_key_checks, @@time_zone, @@sql_mode"
    before = project.query(show)
    project.write(
        V1__a="SET sql_select_limit = 1; SET foreign_key_checks = 0; SET time_zone = '+09:00';"
        "SET sql_mode = 'ANSI_QUOTES';"
    )
    project.call("upgrade")
    assert project.query(show) == before


def test_a_repeatable_that_fails_stays_as_it_was(project: Project) -> None:
    project.write(ROC__a="SELECT 1;")
    project.call("upgrade")
    project.write(ROC__a="SELECT * FROM nowhere;")
    with pytest.raises(CommandError, match="Nothing of this file was kept"):
        project.call("upgrade")
    assert project.applied() == ["ROC__a.sql"]
    (project.folder / "ROC__a.sql").unlink()
    with pytest.raises(CommandError, match="its file is missing"):
        project.call("upgrade")


def test_a_rollback_that_was_settled_makes_repeatables_due(project: Project) -> None:
    project.write(
        V1__a="CREATE TABLE a (i INT);\n-- rollback\nDROP TABLE a; DROP TABLE nowhere;",
        ROC__v="CREATE OR REPLACE VIEW v AS SELECT i FROM a;",
    )
    project.call("upgrade")
    with pytest.raises(CommandError, match="nowhere"):
        project.call("rollback")
    project.call("resolve", "1", rolled_back=True)
    assert project.call("upgrade").count("Applied") == 2


def test_a_file_corrected_while_incomplete_is_applied_as_it_now_is(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (i INT); SELECT * FROM nowhere;")
    with pytest.raises(CommandError):
        project.call("upgrade")
    project.write(V1__a="CREATE TABLE a (i INT);")
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert "changed" not in str(caught.value)
    project.call("resolve", "1", applied=True)
    assert project.call("upgrade") == "Nothing to do.\n"


def test_a_statement_that_the_server_would_not_take(project: Project) -> None:
    ((limit,),) = project.query("SELECT @@max_allowed_packet")
    project.write(V1__a=INNODB, V2__b=f"SELECT '{'x' * limit}';")
    with pytest.raises(CommandError, match=r"V2__b\.sql:1:1: .*max_allowed_packet"):
        project.call("upgrade")
    assert project.tables() == set()


def test_the_query_log_does_not_hold_the_history(project: Project) -> None:
    project.connection.force_debug_cursor = True
    project.write(V1__a="-- " + "".join(map(str, range(9999))) + "\nSELECT 1;")
    project.call("upgrade")
    assert all(len(entry["sql"]) < 2000 for entry in project.connection.queries_log)


def test_a_marker_inside_a_delimited_body_is_a_comment(project: Project) -> None:
    project.write(
        V1__a=(
            "DELIMITER //\nCREATE PROCEDURE p()\nBEGIN\n  -- rollback\n  ROLLBACK;\nEND//\n"
            "DELIMITER ;\nCALL p();\n-- rollback\nDROP PROCEDURE p;"
        )
    )
    project.call("upgrade")
    project.call("rollback")
    assert project.applied() == []


def test_an_error_under_another_character_set_can_be_read(project: Project) -> None:
    """mysqlclient makes a message of it that ends the process when it is read."""
    project.write(V1__a="SET NAMES latin1;\nSELECT 'x' FROM é;")
    with pytest.raises(CommandError, match=r"V1__a\.sql:2:1: You have an error in your SQL"):
        project.call("upgrade")


def test_a_file_of_dml_is_one_transaction(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id INTEGER);")
    project.call("upgrade")
    text = (
        "SET NAMES utf8mb4; SET @n = 1;\nINSERT INTO a VALUES (@n); UPDATE a SET id = 2;\n"
        "REPLACE INTO a VALUES (3); DELETE FROM a WHERE id = 3;\nINSERT INTO nowhere VALUES (1);"
    )
    project.write(V2__b=text)
    with pytest.raises(CommandError, match=r"V2__b\.sql:4:1:[\s\S]*Nothing of this file was kept"):
        project.call("upgrade")
    assert project.query("SELECT * FROM a") == []
    assert project.applied() == ["V1__a.sql"]
    project.write(V2__b=text.replace("nowhere", "a"))
    project.call("upgrade")
    assert project.query("SELECT id FROM a ORDER BY id") == [(1,), (2,)]
    assert [event["event"] for event in project.events()][2:] == ["failed", "applied"]


def test_a_table_without_transactions_outlives_the_rollback(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id INTEGER) ENGINE = MyISAM;")
    project.call("upgrade")
    project.write(V2__b="INSERT INTO a VALUES (1);\nINSERT INTO nowhere VALUES (1);")
    with pytest.raises(CommandError, match="may have had an effect of its own"):
        project.call("upgrade")
    assert project.query("SELECT * FROM a") == [(1,)]
    with pytest.raises(CommandError, match="has not come to its end"):
        project.call("upgrade")
    project.query("DELETE FROM a")
    project.call("resolve", "2", rolled_back=True)


@pytest.mark.parametrize("engine_of_k", ["MyISAM", "Aria", "InnoDB"])
@pytest.mark.parametrize(
    ("before", "change"),
    [
        ("", "INSERT INTO k VALUES (1), (2), (1);"),
        ("", "SET sql_select_limit = 0; INSERT INTO k VALUES (1), (2), (1);"),
        (
            "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW INSERT INTO k VALUES (new.id);",
            "INSERT INTO t VALUES (1), (2), (1);",
        ),
        ("CREATE VIEW v AS SELECT * FROM k;", "INSERT INTO v VALUES (1), (2), (1);"),
    ],
)
def test_a_change_that_failed_half_way(
    project: Project, engine_of_k: str, before: str, change: str
) -> None:
    tables = f"CREATE TABLE k (id INT PRIMARY KEY) ENGINE = {engine_of_k}; CREATE TABLE t (id INT);"
    project.write(V1__k=f"{tables} {before}")
    project.call("upgrade")
    project.write(V2__b=f"{change}\nCREATE TABLE late (id INT);")
    kept = engine_of_k != "InnoDB"
    said = "Committed are 1 of 3" if change.startswith("SET") else "Nothing of this file was kept"
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert ("may have had an effect of its own" in str(caught.value)) is kept
    assert kept or said in str(caught.value)
    assert project.query("SELECT id FROM k") == ([(1,), (2,)] if kept else [])


def test_a_change_that_was_refused_leaves_nothing_even_without_transactions(
    project: Project,
) -> None:
    project.write(V1__k="CREATE TABLE k (id INT PRIMARY KEY) ENGINE = MyISAM;")
    project.call("upgrade")
    project.write(V2__b="INSERT INTO k (nosuch) VALUES (1);\nCREATE TABLE late (id INT);")
    with pytest.raises(CommandError, match="Nothing of this file was kept"):
        project.call("upgrade")


def test_a_transaction_of_the_file_that_a_table_outlives(project: Project) -> None:
    project.write(V1__k="CREATE TABLE k (id INT) ENGINE = MyISAM;")
    project.call("upgrade")
    project.write(V2__b="BEGIN;\nINSERT INTO k VALUES (1);\nSELECT * FROM nowhere;\nCOMMIT;")
    with pytest.raises(CommandError, match="may have had an effect of its own"):
        project.call("upgrade")
    assert project.query("SELECT id FROM k") == [(1,)]


def test_a_deadlock_runs_a_file_of_dml_again_as_a_whole(project: Project) -> None:
    project.configure(LOCK_TIMEOUT=1)
    project.write(V1__a="CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1), (2);")
    project.call("upgrade")
    other = project.another()
    other.query("BEGIN")
    other.query("UPDATE a SET id = 20 WHERE id = 2")
    project.write(V2__b="INSERT INTO a VALUES (3);\nUPDATE a SET id = 21 WHERE id = 2;")
    raw = other.connection.connection  # which does not ask for the thread

    def release() -> None:
        try:
            until(lambda: "trying again in" in project.said)
        finally:
            raw.rollback()

    with beside(release):
        project.call("upgrade")
    assert project.query("SELECT id FROM a ORDER BY id") == [(1,), (3,), (21,)]


@pytest.mark.parametrize(
    "text",
    [
        "SET autocommit = 0;",
        "SET TRANSACTION READ ONLY;",
        "SET GLOBAL x = 1;",
        "CALL p();",
        "DO f();",
    ],
)
def test_what_one_transaction_does_not_take_back(text: str) -> None:
    section = parse("V1__a.sql", f"INSERT INTO a VALUES (1); {text}", lexicon_of("mysql")).upgrade
    assert not MySQLBackend(connections["default"]).operations.is_atomic(section)


@pytest.mark.parametrize(
    "commits",
    [
        "SET STATEMENT lock_wait_timeout = 5 FOR ALTER TABLE t ADD b INT;",
        "/*!40000 ALTER TABLE t DISABLE KEYS */;",
        "EXECUTE IMMEDIATE 'ALTER TABLE t ADD b INT';",
    ],
)
@pytest.mark.parametrize("begin", ["", "BEGIN;"])
def test_what_commits_without_its_words_saying_so(
    project: Project, commits: str, begin: str
) -> None:
    project.write(V1__t="CREATE TABLE t (id INT);")
    project.call("upgrade")
    project.write(V2__b=f"{begin}\nINSERT INTO t VALUES (1);\n{commits}\nSELECT * FROM nowhere;")
    with pytest.raises(CommandError, match=r"Committed are \d of"):
        project.call("upgrade")
    assert project.query("SELECT id FROM t") == [(1,)]
    with pytest.raises(CommandError, match="has not come to its end"):
        project.call("upgrade")


def test_what_looks_like_ddl_and_commits_nothing(project: Project) -> None:
    project.write(V1__t="CREATE TABLE t (id INT);")
    project.call("upgrade")
    text = "BEGIN;\nINSERT INTO t VALUES (1);\nANALYZE SELECT * FROM t;\nSELECT * FROM nowhere;"
    project.write(V2__b=text)
    with pytest.raises(CommandError, match=r"V2__b\.sql:4:[\s\S]*Nothing of this file was kept"):
        project.call("upgrade")
    assert project.query("SELECT id FROM t") == []


def test_what_may_have_had_an_effect_is_not_tried_again(project: Project) -> None:
    project.configure(LOCK_TIMEOUT=1)
    project.write(
        V1__t="CREATE TABLE k (id INT) ENGINE = MyISAM; CREATE TABLE t (id INT PRIMARY KEY);"
        "INSERT INTO t VALUES (1);"
    )
    project.call("upgrade")
    other = project.another()
    other.query("BEGIN")
    other.query("UPDATE t SET id = 2")
    project.write(V2__b="INSERT INTO k VALUES (1);\nUPDATE t SET id = 3;")
    with pytest.raises(CommandError, match="may have had an effect of its own"):
        project.call("upgrade")
    other.query("ROLLBACK")
    assert project.query("SELECT id FROM k") == [(1,)]
    assert "trying again" not in project.said


@pytest.mark.parametrize(
    "begins",
    [
        "/*!50000 START TRANSACTION */;",
        "EXECUTE IMMEDIATE 'START TRANSACTION';",
        "SET @@autocommit = (SELECT 0);",
        "SET completion_type = 1; BEGIN; COMMIT;",
    ],
)
def test_a_transaction_that_begins_without_its_words_saying_so(
    project: Project, begins: str
) -> None:
    project.configure(LOCK_TIMEOUT=1)
    project.write(V1__t="CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1);")
    project.call("upgrade")
    other = project.another()
    other.query("BEGIN")
    other.query("UPDATE t SET id = 2")
    project.write(V2__b=f"{begins}\nINSERT INTO t VALUES (5);\nUPDATE t SET id = 3 WHERE id = 1;")
    with pytest.raises(CommandError, match=r"V2__b\.sql:3:"):
        project.call("upgrade")
    other.query("ROLLBACK")
    assert "trying again" not in project.said
    assert project.query("SELECT id FROM t") == [(1,)]
    if project.applied() == ["V1__t.sql"] and "incomplete" in project.call("status"):
        project.call("resolve", "2", rolled_back=True)
    project.call("upgrade")
    assert project.query("SELECT id FROM t ORDER BY id") == [(3,), (5,)]


def test_a_table_that_is_replaced_may_be_gone(project: Project) -> None:
    project.write(V1__t="CREATE TABLE t (id INT); INSERT INTO t VALUES (1), (1);")
    project.call("upgrade")
    text = "CREATE OR REPLACE TABLE u (id INT PRIMARY KEY) SELECT id FROM t;"
    project.write(V2__u=text)
    with pytest.raises(CommandError, match="may have had an effect of its own"):
        project.call("upgrade")


def test_a_limit_of_the_files_own_hides_nothing(project: Project) -> None:
    project.write(
        V1__t="CREATE TABLE t (id INT); CREATE PROCEDURE p() INSERT INTO t VALUES (1);"
        "SET sql_select_limit = 0; CALL p();"
    )
    project.call("upgrade")
    assert project.query("SELECT id FROM t") == [(1,)]


@pytest.mark.parametrize(
    "text",
    [
        "-- jetbase: delimiter=~\nINSERT INTO t VALUES (1); CREATE TABLE u (i INT); SELECT no\n~",
        "DELIMITER //\nINSERT INTO t VALUES (1); CREATE TABLE u (id INT); SELECT nope //\n",
    ],
)
def test_several_statements_up_to_one_delimiter(project: Project, text: str) -> None:
    project.write(V1__t="CREATE TABLE t (id INT);", V2__b=text)
    with pytest.raises(CommandError, match="may have had an effect of its own"):
        project.call("upgrade")
    assert project.query("SELECT id FROM t") == [(1,)]


def test_a_commit_among_other_statements(project: Project) -> None:
    text = "DELIMITER //\nINSERT INTO t VALUES (1); COMMIT; SELECT nope //\n"
    project.write(V1__t="CREATE TABLE t (id INT);", V2__b=text)
    with pytest.raises(CommandError, match="what COMMIT commits among other statements up to one"):
        project.call("upgrade")
    assert project.tables() == set()


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("CREATE TABLE a (id INT)", "SET STATEMENT lock_wait_timeout = 5 FOR DROP TABLE a, nope;"),
        ("DROP USER IF EXISTS other", "CREATE USER other, root@localhost;"),
    ],
)
def test_what_does_half_of_its_work(project: Project, before: str, text: str) -> None:
    before, text = before.replace("other", OTHER), text.replace("other", OTHER)
    project.write(V1__a="SELECT 1;")
    project.call("upgrade")
    project.query(before)
    project.write(V2__b=text)
    with pytest.raises(CommandError, match="may have had an effect of its own"):
        project.call("upgrade")
    project.query(f"DROP USER IF EXISTS {OTHER}")


def test_a_table_that_a_timeout_has_kept_from_being_replaced(project: Project) -> None:
    project.configure(LOCK_TIMEOUT=1)
    project.write(
        V1__t="CREATE TABLE s (id INT); INSERT INTO s VALUES (1); CREATE TABLE t (id INT);"
    )
    project.call("upgrade")
    other = project.another()
    other.query("BEGIN")
    other.query("UPDATE s SET id = 2")
    project.write(V2__b="CREATE OR REPLACE TABLE t AS SELECT * FROM s LOCK IN SHARE MODE;")
    with pytest.raises(CommandError, match="may have had an effect of its own"):
        project.call("upgrade")
    other.query("ROLLBACK")
    assert "trying again" not in project.said


def test_a_change_of_a_table_without_transactions_is_not_tried_again(project: Project) -> None:
    project.configure(LOCK_TIMEOUT=1)
    tables = "CREATE TABLE m (id INT) ENGINE = MyISAM; CREATE TABLE s (id INT);"
    project.write(V1__t=f"{tables} INSERT INTO s VALUES (1), (2);")
    project.call("upgrade")
    other = project.another()
    other.query("BEGIN")
    other.query("UPDATE s SET id = 3 WHERE id = 2")
    select = "SELECT id FROM s LOCK IN SHARE MODE"
    project.write(V2__b=f"CREATE TABLE x (id INT); INSERT INTO m {select};")
    with pytest.raises(CommandError, match="may have had an effect of its own"):
        project.call("upgrade")
    other.query("ROLLBACK")
    assert "trying again" not in project.said


def test_a_warning_that_the_file_suppresses(project: Project) -> None:
    project.write(V1__m="CREATE TABLE m (id INT) ENGINE = MyISAM;")
    project.call("upgrade")
    project.write(V2__b="SET max_error_count = 0; INSERT INTO m VALUES (1); SELECT * FROM nowhere;")
    with pytest.raises(CommandError, match="may have had an effect of its own"):
        project.call("upgrade")
    assert project.query("SELECT @@max_error_count") == [(64,)]


@pytest.mark.parametrize(
    ("failing", "committed", "kept"),
    [
        ("CREATE TABEL x (id INT);", "Committed are 1 of 3", []),
        ("ROLLBACK TO SAVEPOINT nope;", "Committed are 1 of 3", []),
        ("ANALYZE UPDATE t SET id = 2;\nSELECT * FROM nowhere;", "Committed are 1 of 4", []),
        ("CALL p();", "Committed are 2 of 3", [(1,)]),
    ],
)
def test_what_is_committed_without_autocommit(
    project: Project, failing: str, committed: str, kept: list[Any]
) -> None:
    body = "BEGIN COMMIT; SIGNAL SQLSTATE '45000'; END"
    project.write(V1__t=f"CREATE TABLE t (id INT); CREATE PROCEDURE p() {body};")
    project.call("upgrade")
    project.write(V2__b=f"SET autocommit = 0;\nINSERT INTO t VALUES (1);\n{failing}")
    with pytest.raises(CommandError, match=committed):
        project.call("upgrade")
    assert project.query("SELECT id FROM t") == kept


def test_a_transaction_that_outlives_its_session_is_refused(project: Project) -> None:
    project.write(V1__t="XA START 'j';\nXA END 'j';\nXA PREPARE 'j';")
    with pytest.raises(CommandError, match=r"V1__t\.sql:1:1: an XA transaction may outlive its"):
        project.call("upgrade")


@pytest.mark.parametrize(
    "setting",
    [
        "SET max_statement_time = 0.00001",
        "SET max_join_size = 1",
        "SET insert_id = 1",
        "SET character_set_results = utf16",
    ],
)
@pytest.mark.parametrize("ddl", ["", "CREATE TABLE x (id INT);"])
def test_what_a_file_sets_hinders_no_record(project: Project, setting: str, ddl: str) -> None:
    project.write(V1__t="CREATE TABLE t (id INT);")
    project.call("upgrade")
    project.write(V2__b=f"{ddl}\nINSERT INTO t VALUES (2);\n{setting};")
    project.call("upgrade")
    assert project.applied() == ["V1__t.sql", "V2__b.sql"]


def test_a_transaction_of_the_file_is_fenced(project: Project) -> None:
    project.write(V1__t="CREATE TABLE t (id INT); CREATE TABLE u (id INT);")
    project.call("upgrade")
    gate = Gate(project)
    project.write(V2__b=f"BEGIN;\nINSERT INTO t VALUES (1);\n{gate.sql}\nCOMMIT;")
    with (
        gate.opened_after(lambda: steal(gate)),
        pytest.raises(CommandError, match="has not come to its end"),
    ):
        project.call("upgrade")
    assert "The lock was taken away" in project.said
    assert project.query("SELECT id FROM t") == []


@pytest.mark.parametrize(
    "text",
    [
        "SET autocommit = 0; LOCK TABLES t WRITE; INSERT INTO t VALUES (1); COMMIT; UNLOCK TABLES;",
        "USE mysql; BEGIN; INSERT INTO {name}.t VALUES (1); COMMIT;",
        "LOCK TABLES t WRITE; SELECT SLEEP(3); INSERT INTO t VALUES (1); UNLOCK TABLES;",
        "USE mysql; SELECT SLEEP(3); INSERT INTO {name}.t VALUES (1);",
        "START TRANSACTION READ ONLY; SELECT 1; COMMIT; INSERT INTO t VALUES (1);",
    ],
)
def test_the_lock_is_looked_at_whatever_the_session_is_like(project: Project, text: str) -> None:
    project.write(V1__t="CREATE TABLE t (id INT);")
    project.call("upgrade")
    name = project.connection.settings_dict["NAME"]
    project.write(V2__b=text.format(name=name))
    project.call("upgrade")
    assert project.query("SELECT id FROM t") == [(1,)]


def test_routines_in_the_language_of_oracle(project: Project) -> None:
    body = "x INT := 1; BEGIN INSERT INTO t VALUES (x); COMMIT; END;"
    project.write(
        V1__t="CREATE TABLE t (id INT);",
        V2__p=f"SET sql_mode = ORACLE;\nDELIMITER //\nCREATE PROCEDURE p AS {body} //\n"
        "BEGIN INSERT INTO t VALUES (2); COMMIT; END; //\n",
    )
    project.call("upgrade")
    project.query("CALL p()")
    assert project.query("SELECT id FROM t ORDER BY id") == [(1,), (2,)]


def test_a_table_without_transactions_somewhere_else(project: Project) -> None:
    project.query(f"CREATE DATABASE {OTHER}")
    try:
        project.query(f"CREATE TABLE {OTHER}.host (id INT) ENGINE = MyISAM")
        project.write(V1__t="CREATE TABLE t (id INT PRIMARY KEY); CREATE VIEW v AS SELECT 1;")
        project.call("upgrade")
        project.write(V2__b="INSERT INTO t VALUES (1), (1); CREATE TABLE late (id INT);")
        with pytest.raises(CommandError, match="Nothing of this file was kept"):
            project.call("upgrade")
    finally:
        project.query(f"DROP DATABASE {OTHER}")


@pytest.mark.parametrize(
    "change",
    [
        "SET STATEMENT innodb_lock_wait_timeout = 1 FOR INSERT INTO m VALUES (1);",
        "SET @x = f();",
        "ANALYZE INSERT INTO m SELECT f();",
    ],
)
def test_what_changes_a_table_without_transactions_by_other_words(
    project: Project, change: str
) -> None:
    project.configure(LOCK_TIMEOUT=1)
    project.write(
        V1__m="CREATE TABLE m (id INT) ENGINE = MyISAM; CREATE TABLE s (id INT);"
        "INSERT INTO s VALUES (1);"
        "CREATE TRIGGER r AFTER INSERT ON m FOR EACH ROW UPDATE s SET id = 2;"
        "CREATE FUNCTION f() RETURNS INT BEGIN INSERT INTO m VALUES (1); RETURN 1; END;"
    )
    project.call("upgrade")
    other = project.another()
    other.query("BEGIN")
    other.query("UPDATE s SET id = 3")
    project.write(V2__b=f"CREATE TABLE x (id INT);\n{change}")
    with pytest.raises(CommandError, match="may have had an effect of its own"):
        project.call("upgrade")
    other.query("ROLLBACK")
    assert "trying again" not in project.said


def test_warnings_in_another_character_set(project: Project) -> None:
    project.write(
        V1__t="CREATE TABLE t (name VARCHAR(10) PRIMARY KEY);",
        V2__b="SET character_set_results = latin1;\nINSERT IGNORE INTO t VALUES ('é'), ('é');\n"
        "CREATE TABLE x (id INT);",
    )
    project.call("upgrade")
    assert project.query("SELECT name FROM t") == [("é",)]


@pytest.mark.engines("mysql")
@pytest.mark.parametrize("word", ["CRAETE TABLE b (id INT)", "SELCT 1", "DORP TABLE a", "é"])
def test_a_mistyped_word_leaves_nothing_incomplete(project: Project, word: str) -> None:
    project.write(V1__a="CREATE TABLE a (id INT);", V2__b=f"{word};\nCREATE TABLE c (id INT);")
    with pytest.raises(CommandError, match=r"V2__b\.sql:1:1: .*\(1064\)(?s:.)*Nothing of this"):
        project.call("upgrade")
    project.write(V2__b="CREATE TABLE b (id INT);")
    project.call("upgrade")
    assert project.tables() == {"a", "b"}


@pytest.mark.engines("mysql")
def test_wrong_syntax_of_what_a_procedure_runs_may_come_late(project: Project) -> None:
    body = "DROP TABLE a; EXECUTE IMMEDIATE 'CRAETE TABLE b (id INT)';"
    project.write(V1__a=f"CREATE TABLE a (id INT);\nCREATE PROCEDURE p() BEGIN {body} END;")
    project.write(V2__b="CALL p();")
    with pytest.raises(CommandError, match=r"\(1064\)(?s:.)*may have had an effect of its own"):
        project.call("upgrade")
