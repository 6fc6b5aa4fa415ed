"""What runs in a transaction, what cannot, and what the file says about it."""

import pytest
from django.core.management.base import CommandError

from ..conftest import Project

PG = pytest.mark.engines("postgresql")
SQLITE = pytest.mark.engines("sqlite")
TRANSACTIONAL = pytest.mark.engines("postgresql", "sqlite")


@PG
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX CONCURRENTLY i ON a (id)",
        "create unique /* x */ index concurrently i on a (id)",
        "DROP INDEX CONCURRENTLY i",
        "REINDEX INDEX CONCURRENTLY i",
        "REINDEX (VERBOSE) TABLE CONCURRENTLY a",
        "VACUUM a",
        "CREATE DATABASE x",
        "DROP DATABASE x",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "DISCARD ALL",
        "BEGIN",
        "START TRANSACTION",
        "COMMIT",
        "END",
        "ROLLBACK",
        "PREPARE TRANSACTION 'x'",
    ],
)
def test_postgresql_finds_what_cannot_run_before_anything_runs(project: Project, sql: str) -> None:
    project.write(V1__a="CREATE TABLE a (id int);", V2__b=f"SELECT 1;\n  {sql};")
    with pytest.raises(CommandError, match=r"V2__b\.sql:2:3: .*transaction=off") as caught:
        project.call("upgrade")
    assert "Nothing was run." in str(caught.value)
    assert project.tables() == set()


@SQLITE
@pytest.mark.parametrize(
    "sql",
    [
        "VACUUM",
        "PRAGMA foreign_keys=OFF",
        "PRAGMA main.foreign_keys (0)",
        "PRAGMA journal_mode = WAL",
        "BEGIN TRANSACTION",
        "COMMIT",
        "END TRANSACTION",
        "ROLLBACK",
    ],
)
def test_sqlite_finds_what_cannot_run_before_anything_runs(project: Project, sql: str) -> None:
    project.write(V1__a="CREATE TABLE a (id int);", V2__b=f"SELECT 1;\n  {sql};")
    with pytest.raises(CommandError, match=r"V2__b\.sql:2:3: .*transaction=off"):
        project.call("upgrade")
    assert project.tables() == set()


@TRANSACTIONAL
def test_savepoints_are_welcome(project: Project) -> None:
    project.write(
        V1__a=(
            "CREATE TABLE a (id int); SAVEPOINT s; INSERT INTO a VALUES (1); ROLLBACK TO s;"
            "INSERT INTO a VALUES (2); RELEASE SAVEPOINT s;"
        )
    )
    project.call("upgrade")
    assert project.query("SELECT id FROM a") == [(2,)]


@PG
def test_create_index_concurrently_with_the_directive(project: Project) -> None:
    project.write(
        V1__a="CREATE TABLE a (id int);",
        V2__b="-- jetbase: transaction=off\nCREATE INDEX CONCURRENTLY i ON a (id);\nVACUUM a;",
    )
    project.call("upgrade")
    assert project.query("SELECT indexname FROM pg_indexes WHERE tablename = 'a'") == [("i",)]


@TRANSACTIONAL
def test_without_a_transaction_a_failure_is_incomplete(project: Project) -> None:
    project.write(
        V1__a="-- jetbase: transaction=off\nCREATE TABLE a (id int);\nSELECT * FROM nowhere;"
    )
    with pytest.raises(CommandError, match=r"V1__a\.sql:3:.*[\s\S]*Committed are 1 of 2"):
        project.call("upgrade")
    assert project.tables() == {"a"}
    with pytest.raises(CommandError, match="has not come to its end"):
        project.call("upgrade")
    project.call("resolve", "1", applied=True)
    assert project.call("upgrade") == "Nothing to do.\n"


@TRANSACTIONAL
def test_a_file_with_its_own_transaction(project: Project) -> None:
    project.write(
        V1__a=(
            "-- jetbase: transaction=off\nBEGIN;\nCREATE TABLE a (id int);\nCOMMIT;\n"
            "BEGIN;\nCREATE TABLE b (id int);\nSELECT * FROM nowhere;\nCOMMIT;"
        )
    )
    with pytest.raises(CommandError, match="Committed are 3 of 7"):
        project.call("upgrade")
    assert project.tables() == {"a"}


@TRANSACTIONAL
def test_a_transaction_that_the_file_leaves_open_is_committed(project: Project) -> None:
    project.write(V1__a="-- jetbase: transaction=off\nBEGIN; CREATE TABLE a (id int);")
    project.call("upgrade")
    assert project.another().tables() == {"a"}


def test_the_directive_of_the_rollback_section(project: Project) -> None:
    project.write(
        V1__a=(
            "-- jetbase: delimiter=~\nCREATE TABLE a (id int)~\nCREATE TABLE b (id int)~\n"
            "-- rollback\n-- jetbase: delimiter=;\nDROP TABLE a; DROP TABLE b;"
        )
    )
    project.call("upgrade")
    assert project.tables() == {"a", "b"}
    project.call("rollback")
    assert project.tables() == set()


@SQLITE
def test_dropping_a_table_keeps_the_rows_of_its_children(project: Project) -> None:
    project.write(
        V1__a=(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
            "CREATE TABLE child (p REFERENCES parent ON DELETE CASCADE);"
            "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);"
        ),
        V2__rebuild=(
            "CREATE TABLE new_parent (id INTEGER PRIMARY KEY, name TEXT);"
            "INSERT INTO new_parent SELECT id, 'x' FROM parent; DROP TABLE parent;"
            "ALTER TABLE new_parent RENAME TO parent;"
        ),
    )
    project.call("upgrade")
    assert project.query("SELECT * FROM child") == [(1,)]
    assert project.query("PRAGMA foreign_keys") == [(1,)]


@SQLITE
def test_a_new_violation_fails_the_file_that_dropped_a_table(project: Project) -> None:
    project.write(
        V1__a=(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
            "CREATE TABLE child (p REFERENCES parent);"
            "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);"
        ),
        V2__rebuild="DROP TABLE parent; CREATE TABLE parent (id INTEGER PRIMARY KEY);",
    )
    with pytest.raises(CommandError, match=r"V2__rebuild\.sql: .*violate a foreign key.*child"):
        project.call("upgrade")
    assert project.query("SELECT * FROM parent") == [(1,)]
    assert project.query("PRAGMA foreign_keys") == [(1,)]


@SQLITE
def test_an_old_violation_does_not(project: Project) -> None:
    project.query("PRAGMA foreign_keys = OFF")
    project.query("CREATE TABLE child (p REFERENCES nowhere)")
    project.query("INSERT INTO child VALUES (1)")
    project.query("PRAGMA foreign_keys = ON")
    project.write(V1__a="CREATE TABLE a (id)", V2__b="DROP TABLE a")
    project.call("upgrade")
    assert project.tables() == {"child"}


@SQLITE
def test_foreign_keys_directive(project: Project) -> None:
    project.write(
        V1__a=(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
            "CREATE TABLE child (p REFERENCES parent ON DELETE CASCADE);"
            "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);"
        ),
        V2__b="-- jetbase: foreign_keys=on\nDROP TABLE parent;",
        V3__c="-- jetbase: foreign_keys=off\nINSERT INTO child VALUES (7);",
    )
    project.call("upgrade", count=2)
    assert project.query("SELECT * FROM child") == []
    project.call("upgrade")
    assert project.query("SELECT * FROM child") == [(7,)]
    assert project.query("PRAGMA foreign_keys") == [(1,)]


@SQLITE
def test_a_rebuild_without_a_transaction_keeps_the_rows_of_its_children(project: Project) -> None:
    project.write(
        V1__a=(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
            "CREATE TABLE child (p REFERENCES parent ON DELETE CASCADE);"
            "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);"
        ),
        V2__rebuild=(
            "-- jetbase: transaction=off\nBEGIN; CREATE TABLE new_parent (id INTEGER PRIMARY KEY);"
            "INSERT INTO new_parent SELECT id FROM parent; DROP TABLE parent;"
            "ALTER TABLE new_parent RENAME TO parent; COMMIT;"
        ),
    )
    project.call("upgrade")
    assert project.query("SELECT * FROM child") == [(1,)]
    assert project.query("PRAGMA foreign_keys") == [(1,)]


@SQLITE
def test_statements_are_read_to_their_end(project: Project) -> None:
    project.write(
        V1__a="-- jetbase: transaction=off\nPRAGMA auto_vacuum = 2; VACUUM;",
        V2__b="CREATE TABLE a (t); INSERT INTO a SELECT zeroblob(4000) FROM ("
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99)"
        "SELECT i FROM n);",
        V3__c="DELETE FROM a;",
        V4__d="-- jetbase: transaction=off\nPRAGMA incremental_vacuum;",
    )
    project.call("upgrade")
    assert project.query("PRAGMA freelist_count") == [(0,)]


@PG
def test_deferred_triggers_run_in_the_session_of_the_file(project: Project) -> None:
    project.write(
        V1__a=(
            "CREATE SCHEMA s; CREATE TABLE s.t (id int); CREATE TABLE s.log (id int);"
            "CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO log VALUES (1); RETURN NULL; END $$;"
            "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON s.t DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION s.f();"
        ),
        V2__b="SET search_path = s; INSERT INTO t VALUES (1);",
    )
    project.call("upgrade")
    assert project.query("SELECT * FROM s.log") == [(1,)]


def test_open_work_of_the_caller_is_not_committed(project: Project) -> None:
    project.query("CREATE TABLE keep (id INTEGER)")
    project.write(V1__a="CREATE TABLE a (id INTEGER);")
    project.connection.set_autocommit(False)
    try:
        project.query("INSERT INTO keep VALUES (1)")
        with pytest.raises(CommandError, match="end the transaction that is open"):
            project.call("upgrade")
        project.connection.rollback()
    finally:
        project.connection.set_autocommit(True)
    assert project.query("SELECT * FROM keep") == []


@SQLITE
def test_a_key_that_names_no_unique_columns_is_no_violation(project: Project) -> None:
    project.write(
        V1__a=(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY, n);"
            "CREATE TABLE child (p REFERENCES parent (id)); INSERT INTO parent VALUES (1, 1);"
        ),
        V2__b=(
            "CREATE TABLE p2 (id INTEGER, n PRIMARY KEY); INSERT INTO p2 SELECT * FROM parent;"
            "DROP TABLE parent; ALTER TABLE p2 RENAME TO parent;"
        ),
    )
    project.call("upgrade")
    assert project.query("SELECT * FROM parent") == [(1, 1)]
