"""A file begins with the session as Django made it, and leaves nothing in it."""

import os
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import DatabaseError, transaction
from django.db.backends.signals import connection_created

from django_jetbase import upgrade
from django_jetbase.backends.base.session import Frame
from django_jetbase.database import Database
from django_jetbase.files.script import parse

from ..conftest import Project
from ..waiting import until

PID = os.getpid()  # such locks are the server's, which other tests may use as well
STAGING = "CREATE TEMPORARY TABLE staging AS SELECT 1 AS id;"
REAL = "CREATE TABLE staging (id INTEGER);\nINSERT INTO staging VALUES (42);"
OFF = "-- jetbase: transaction=off\n"
# What a session can have besides settings, and what shows that it has.
LEAVES = {
    "postgresql": [
        ("CREATE TEMP VIEW v AS SELECT 1", "SELECT to_regclass('pg_temp.v')"),
        ("CREATE TEMP SEQUENCE s", "SELECT to_regclass('pg_temp.s')"),
        (
            "CREATE FUNCTION pg_temp.v() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "SELECT count(*) FROM pg_proc WHERE pronamespace = pg_my_temp_schema()",
        ),
        (
            "CREATE TYPE pg_temp.e AS ENUM ('a')",
            "SELECT count(*) FROM pg_type WHERE typnamespace = pg_my_temp_schema()",
        ),
        (
            "PREPARE v AS SELECT $1::int",
            "SELECT count(*) FROM pg_prepared_statements WHERE from_sql",
        ),
        (
            "SELECT pg_advisory_lock(7), pg_advisory_lock_shared(1, 2)",
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        ),
        ("LISTEN v", "SELECT count(*) FROM pg_listening_channels()"),
        (
            "DECLARE v CURSOR WITH HOLD FOR SELECT relname FROM pg_class",
            "SELECT count(*) FROM pg_cursors WHERE is_holdable",
        ),
    ],
    "mysql": [
        ("PREPARE v FROM 'SELECT 1'", "EXECUTE v"),
        ("SET @v = 1", "SELECT @v"),
        (f"SELECT GET_LOCK('v{PID}', 0)", f"SELECT IS_USED_LOCK('v{PID}')"),
        ("CREATE TEMPORARY TABLE v (id INT)", "SELECT * FROM v"),
    ],
    "sqlite": [
        (
            "ATTACH ':memory:' AS v",
            "SELECT count(*) FROM pragma_database_list WHERE name = 'v'",
        ),
        (
            "CREATE TEMP VIEW v AS SELECT 1",
            "SELECT count(*) FROM sqlite_temp_master",
        ),
        (
            "CREATE TABLE temp.x (id);\nCREATE TEMP TRIGGER w AFTER INSERT ON x"
            " BEGIN SELECT 1; END",
            "SELECT count(*) FROM sqlite_temp_master",
        ),
    ],
}


def has(project: Project, look: str) -> bool:
    """Whether the session of the caller has what the query shows; it fails where there is none."""
    try:
        ((found,),) = project.query(look) or [(True,)]
    except DatabaseError:
        return False
    return bool(found)


def leaves(project: Project, mode: str = "") -> list[tuple[str, str]]:
    """SQL of each kind with the directive that it needs, and the query that shows it."""
    kinds = LEAVES[project.vendor]
    return [(f"{OFF if 'ATTACH' in sql else mode}{sql};", look) for sql, look in kinds]


@pytest.mark.parametrize("first", ["", OFF])
@pytest.mark.parametrize("second", ["", OFF])
def test_a_temporary_table_is_gone_in_the_next_file(
    project: Project, first: str, second: str
) -> None:
    project.write(V1__a=first + STAGING, V2__b=second + REAL)
    project.call("upgrade")
    assert project.query("SELECT * FROM staging") == [(42,)]
    assert "staging" in project.tables()


@pytest.mark.parametrize("mode", ["", OFF])
def test_two_files_may_use_the_same_name(project: Project, mode: str) -> None:
    project.write(V1__a=mode + STAGING, V2__b=mode + STAGING, RA__c=mode + STAGING)
    project.call("upgrade")
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql", "RA__c.sql"]


@pytest.mark.parametrize("mode", ["", OFF])
def test_nothing_is_left(project: Project, mode: str) -> None:
    for number, (sql, look) in enumerate(leaves(project, mode)):
        files = {f"V{number}__a": sql, f"V{number}.1__b": sql}
        project.write(**files)
        project.call("upgrade")
        assert project.applied()[-2:] == [f"{name}.sql" for name in files]
        assert not has(project, look), sql


@pytest.mark.parametrize("mode", ["", OFF])
def test_nor_by_a_file_that_fails(project: Project, mode: str) -> None:
    for sql, look in leaves(project, mode):
        project.write(V1__a=f"{sql}\nSELECT * FROM nowhere;")
        with pytest.raises(CommandError, match="nowhere"):
            project.call("upgrade")
        assert not has(project, look), sql
        project.query("DELETE FROM django_jetbase_migration")  # what stopped half-way


def test_what_the_caller_has_stays(project: Project) -> None:
    project.write(V1__a=STAGING, V2__b=REAL, V3__c="CREATE TABLE v (id INTEGER);")
    looks = []
    for sql, look in leaves(project):
        for statement in sql.removeprefix(OFF).rstrip(";").split(";\n"):
            project.query(statement)
        looks.append(look)
    assert all(has(project, look) for look in looks)
    project.call("upgrade")
    assert all(has(project, look) for look in looks)
    assert {"staging", "v"} <= project.another().tables()
    project.write(V4__d="SELECT * FROM nowhere;")
    with pytest.raises(CommandError, match="nowhere"):
        project.call("upgrade")
    assert all(has(project, look) for look in looks)


def test_a_temporary_table_of_the_caller_is_not_seen(project: Project) -> None:
    project.query("CREATE TEMPORARY TABLE staging (id INTEGER)")
    project.write(V1__a=f"{STAGING}\nDROP TABLE staging;", V2__b=REAL)
    project.call("upgrade")
    assert project.query("SELECT * FROM staging") == []
    assert project.another().query("SELECT * FROM staging") == [(42,)]


@pytest.mark.engines("mysql", "sqlite")
def test_nothing_is_asked_behind_a_file_that_cannot_leave_anything(project: Project) -> None:
    """On PostgreSQL it travels with the file."""
    text = "CREATE TABLE a (email VARCHAR(9) DEFAULT 'a@b'); INSERT INTO a VALUES ('c@d.e');"
    database = Database(project.alias)
    section = parse("V1__a.sql", text, database.backend.lexicon).upgrade
    assert database.backend.session.frame(section, atomic=False) == Frame()


@pytest.mark.engines("postgresql", "mysql")
def test_the_isolation_level_of_the_options_holds(project: Project) -> None:
    look = {
        "postgresql": "current_setting('transaction_isolation')",
        "mysql": "@@tx_isolation",
    }[project.vendor]
    level: Any = "serializable"
    if project.vendor == "postgresql":
        level = import_module(
            "django.db.backends.postgresql.psycopg_any"
        ).IsolationLevel.SERIALIZABLE
    elif not project.connection.mysql_is_mariadb:
        look = "@@transaction_isolation"
    options = project.connection.settings_dict["OPTIONS"]
    twin = project.another(OPTIONS=options | {"isolation_level": level})
    project.write(
        V1__a=f"CREATE TABLE seen (level VARCHAR(20)); INSERT INTO seen SELECT {look};",
        V2__b=f"INSERT INTO seen SELECT {look};",
    )
    twin.call("upgrade")
    assert {level.upper() for (level,) in twin.query("SELECT level FROM seen")} == {"SERIALIZABLE"}
    project.write(
        V3__c=f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; INSERT INTO seen SELECT {look};"
    )
    twin.call("upgrade")
    if project.vendor == "postgresql":
        assert ("repeatable read",) in twin.query("SELECT level FROM seen")


SETTINGS = {
    "postgresql": ("SET work_mem = '77MB'", "SELECT current_setting('work_mem')"),
    "mysql": ("SET sql_mode = 'ANSI_QUOTES'", "SELECT @@sql_mode"),
    "sqlite": ("PRAGMA cache_size = 77", "PRAGMA cache_size"),
}


def test_settings_of_the_caller_hold_in_files_nevertheless(project: Project) -> None:
    change, look = SETTINGS[project.vendor]
    project.query("CREATE TEMPORARY TABLE kept (id INTEGER)")
    project.query(change)
    before = project.query(look)
    store = {
        "postgresql": "CREATE TABLE seen AS SELECT current_setting('work_mem');",
        "mysql": "SET @a = 1; CREATE TABLE seen AS SELECT @@sql_mode;",
        "sqlite": "CREATE TABLE seen AS SELECT * FROM pragma_cache_size;",
    }
    project.write(V1__a=store[project.vendor])
    project.call("upgrade")
    assert project.query("SELECT * FROM seen") == before
    assert project.query(look) == before


def test_a_function_call_has_a_session_of_its_own_as_well(project: Project) -> None:
    project.query("CREATE TEMPORARY TABLE kept (id INTEGER)")
    project.write(V1__a=STAGING)
    upgrade(project.alias)
    assert project.query("SELECT * FROM kept") == []
    assert not project.connection.in_atomic_block
    assert project.connection.get_autocommit()


@pytest.mark.engines("postgresql")
def test_sequences_begin_anew(project: Project) -> None:
    project.write(
        V1__a="CREATE SEQUENCE s CACHE 10; CREATE TABLE seen (id int);"
        " INSERT INTO seen VALUES (nextval('s'));",
        V2__b="INSERT INTO seen VALUES (nextval('s'));",
        V3__c="SELECT currval('s');",
    )
    with pytest.raises(CommandError, match=r"V3__c\.sql:1:1: currval of sequence"):
        project.call("upgrade")
    assert project.query("SELECT id FROM seen ORDER BY id") == [(1,), (11,)]


@pytest.mark.engines("postgresql")
def test_what_the_driver_has_prepared_stays(project: Project) -> None:
    if project.connection.Database.__name__ != "psycopg":
        pytest.skip("psycopg2 prepares nothing")
    twin = project.another(OPTIONS={"prepare_threshold": 0, "server_side_binding": True})
    mine = "SELECT count(*) FROM pg_prepared_statements WHERE from_sql"
    for number in range(3):
        assert twin.query("SELECT 1 + 1") == [(2,)]
        files = {
            f"V{number}__a": "PREPARE v AS SELECT 1;",
            f"V{number}.1__b": "PREPARE v AS SELECT 1;",
        }
        project.write(**files)
        twin.call("upgrade")
        assert twin.query(mine) == [(0,)]


@pytest.mark.engines("postgresql")
def test_a_lock_of_the_session_is_kept_until_the_commit(project: Project) -> None:
    """Who waits for it sees then what the file did."""
    project.write(V1__a="CREATE TABLE a (id int);")
    project.call("upgrade")
    project.write(V2__b="SELECT pg_advisory_lock(7); INSERT INTO a VALUES (1);")
    looker, holder = project.another("looker"), project.another("holder")
    thread = threading.Thread(target=lambda: [project.call("upgrade"), project.connection.close()])
    with transaction.atomic(using="holder"):
        holder.query("LOCK TABLE django_jetbase_migration IN SHARE MODE")
        thread.start()
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        until(lambda: looker.query(waits) == [(1,)])
        assert looker.query("SELECT pg_try_advisory_lock(7)") == [(False,)]
    thread.join()
    assert looker.query("SELECT pg_try_advisory_lock(7)") == [(True,)]


@pytest.mark.engines("postgresql")
def test_the_record_is_written_in_the_usual_encoding(project: Project) -> None:
    change = "SET client_encoding = 'LATIN1';"
    project.write(V1__é=f"CREATE TABLE a (t text);\n{change}\nINSERT INTO a VALUES ('é');")
    project.write(V2__日本=f"{change}\nSELECT 1;\nINSERT INTO a VALUES ('ß');")
    project.call("upgrade")
    assert project.applied() == ["V1__é.sql", "V2__日本.sql"]
    if project.connection.Database.__name__ != "psycopg":
        return  # to psycopg2 a text is in the encoding that it has set itself
    assert sorted(project.query("SELECT t FROM a")) == [("ß",), ("é",)]
    project.write(V3__c=f"{change}\nSELECT 1;\nINSERT INTO a VALUES ('日');")
    with pytest.raises(
        CommandError, match=r"V3__c\.sql:3:24: the connection sends text in latin-1"
    ):
        project.call("upgrade")
    assert project.query("SHOW client_encoding") == [("UTF8",)]


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize(
    "pragma",
    [
        "case_sensitive_like = on",
        "journal_mode = memory",
        "journal_size_limit = 100",
        "cache_spill = 0",
        "analysis_limit = 5",
        "threads = 2",
    ],
)
def test_pragmas(project: Project, pragma: str) -> None:
    name = pragma.partition(" ")[0]
    look = {"case_sensitive_like": "SELECT 'A' LIKE 'a'"}.get(name, f"PRAGMA {name}")
    before = project.query(look)
    project.write(V1__a=f"{OFF}PRAGMA {pragma};")
    project.call("upgrade")
    assert project.query(look) == before


@pytest.mark.engines("sqlite")
def test_a_temporary_table_and_query_only(project: Project) -> None:
    project.write(V1__a="CREATE TEMP TABLE t (id);\nPRAGMA query_only = on;")
    project.call("upgrade")
    assert project.query("PRAGMA query_only") == [(0,)]
    assert project.query("SELECT * FROM sqlite_temp_master") == []


@pytest.mark.engines("mysql")
def test_the_seeds_of_random_numbers(project: Project) -> None:
    seeds = "SET rand_seed1 = 1, rand_seed2 = 2;"
    other = project.another()
    other.query(seeds)
    ((seeded,),) = other.query("SELECT RAND()")
    project.write(V1__a=seeds, V2__b="CREATE TABLE seen AS SELECT RAND() AS found;")
    project.call("upgrade")
    assert project.query("SELECT found FROM seen") != [(seeded,)]


@pytest.mark.engines("sqlite")
def test_a_journal_mode_of_the_database_stays(project: Project) -> None:
    project.write(V1__a=f"{OFF}PRAGMA journal_mode = wal;")
    project.call("upgrade")
    assert project.query("PRAGMA journal_mode") == [("wal",)]


@pytest.mark.engines("mysql")
@pytest.mark.parametrize(
    ("leave", "look"),
    [
        ("CREATE TABLE c AS SELECT f();", "@leak"),
        ("(SELECT f());", "@leak"),
        ("BEGIN NOT ATOMIC DO f(); END;", "@leak"),
        ("SELECT DISTINCT@leak:=7;", "@leak"),
        ("SELECT 1 FROM dual WHERE@leak:=7;", "@leak"),
        ("/*!50003 SET @leak = 1 */;", "@leak"),
        ("SET @`leak` = 1;", "@leak"),
        ("SELECT NEXT VALUE FOR sq;", "LASTVAL(sq)"),
        ("SELECT NEXTVAL(sq);", "LASTVAL(sq)"),
        ("SET SESSION gtid_domain_id = 9;", "NULLIF(@@gtid_domain_id, @@GLOBAL.gtid_domain_id)"),
        ("SET SESSION server_id = 77;", "NULLIF(@@server_id, @@GLOBAL.server_id)"),
    ],
)
def test_what_a_file_of_mariadb_leaves(project: Project, leave: str, look: str) -> None:
    if not project.connection.mysql_is_mariadb and any(
        word in leave for word in ("sq", "ATOMIC", "gtid", "server_id")
    ):
        pytest.skip("MySQL has none")
    project.query("CREATE FUNCTION f() RETURNS INT NO SQL BEGIN SET @leak = 5; RETURN 5; END")
    if project.connection.mysql_is_mariadb:
        project.query("CREATE SEQUENCE sq")
    project.write(V1__a=leave, V2__b=f"CREATE TABLE seen AS SELECT {look} AS found;")
    project.call("upgrade")
    assert project.query("SELECT found FROM seen") == [(None,)]


@pytest.mark.engines("mysql")
def test_a_variable_that_a_trigger_sets(project: Project) -> None:
    project.query("CREATE TABLE a (id INT)")
    project.query("CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @last = NEW.id")
    project.write(V1__a="INSERT INTO a VALUES (7);", V2__b="CREATE TABLE seen AS SELECT @last;")
    project.call("upgrade")
    assert project.query("SELECT * FROM seen") == [(None,)]
    assert project.query("SELECT @last") == [(None,)]


@pytest.mark.engines("mysql")
def test_the_last_id_is_none_at_the_beginning(project: Project) -> None:
    project.write(
        V1__a="CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, n INT);",
        V2__b="INSERT INTO a (n) VALUES (1), (2);",
        V3__c="INSERT INTO a (n) SELECT LAST_INSERT_ID();",
        V4__d="CREATE TABLE seen AS SELECT LAST_INSERT_ID() AS id;",
    )
    project.call("upgrade")
    assert project.query("SELECT n FROM a ORDER BY id") == [(1,), (2,), (0,)]
    assert project.query("SELECT * FROM seen") == [(0,)]


@pytest.mark.engines("mysql")
def test_a_session_made_anew_is_as_django_makes_it(project: Project) -> None:
    """Its number stays, which the lock has; whoever prepares connections does so again."""
    options = project.connection.settings_dict["OPTIONS"] | {
        "init_command": "SET @own = 5, SESSION max_join_size = 4711",
        "isolation_level": "serializable",
        "charset": "latin1",
    }
    twin = project.another(OPTIONS=options)
    prepared: list[Any] = []

    def prepare(connection: Any, **kwargs: Any) -> None:
        if connection.alias == twin.alias:
            prepared.append(connection.connection.thread_id())
            connection.cursor().execute("SET SESSION group_concat_max_len = 8888")

    look = (
        "SELECT @own, @a, @@max_join_size, @@group_concat_max_len, @@character_set_client,"
        " @@collation_connection, CONNECTION_ID()"
    )
    connection_created.connect(prepare)
    try:
        before = twin.query(look)
        project.write(
            V1__a="SET @a = 1; SET SESSION group_concat_max_len = 10;",
            V2__b=f"CREATE TABLE seen AS {look};",
        )
        twin.connection.close()
        twin.call("upgrade")
    finally:
        connection_created.disconnect(prepare)
    assert len(set(prepared[1:])) == 1
    assert len(prepared) > 2
    ((*after, session),) = twin.query(look)
    assert after == list(before[0][:-1])
    ((*seen, seen_session),) = twin.query("SELECT * FROM seen")
    assert [str(value) for value in seen] == [str(value) for value in after]
    assert seen_session == session
    assert twin.query("SELECT @@autocommit") == [(1,)]
    isolation = (
        "SELECT @@transaction_isolation"
        if not twin.connection.mysql_is_mariadb
        else "SELECT @@tx_isolation"
    )
    assert twin.query(isolation) == [("SERIALIZABLE",)]


def test_in_a_script_too(project: Project) -> None:
    own = {
        "postgresql": "PREPARE p AS SELECT 1; LISTEN c; SELECT pg_advisory_lock(7);",
        "mysql": "PREPARE p FROM 'SELECT 1'; PREPARE q FROM 'SELECT 1'; DEALLOCATE PREPARE q;"
        " SET @v = 1, @'a b' = 2; SELECT DISTINCT@w:=7; "
        f"SELECT GET_LOCK('own{PID}', 0);",
        "sqlite": "ATTACH ':memory:' AS [other one]; CREATE TEMP VIEW \"w w\" AS SELECT 1;",
    }[project.vendor]
    project.write(V1__a=f"{OFF}{STAGING}\n{own}", V2__b=f"{OFF}{STAGING}\n{own}")
    lock = f"IS_USED_LOCK('own{PID}')"
    seen = f"CREATE TABLE own AS SELECT coalesce(@v, @'a b', @w, {lock}) AS found;"
    project.write(V3__c=f"{REAL}\n{seen if project.vendor == 'mysql' else ''}")
    if project.vendor == "mysql":  # whose statement nothing has prepared
        project.write(V4__d="CREATE PROCEDURE p() BEGIN PREPARE inside FROM 'SELECT 1'; END;")
    project.run_script(project.call("upgrade", sql=True)).check_returncode()
    assert project.query("SELECT * FROM staging") == [(42,)]
    assert project.applied()[:3] == ["V1__a.sql", "V2__b.sql", "V3__c.sql"]
    if project.vendor == "mysql":
        assert project.query("SELECT found FROM own") == [(None,)]
        assert project.applied()[3:] == ["V4__d.sql"]


@pytest.mark.engines("mysql")
def test_where_the_user_is_not_in_the_settings_it_is_said(project: Project, tmp_path: Path) -> None:
    given = project.connection.settings_dict
    hidden = tmp_path / "my.cnf"
    hidden.write_text(f"[client]\nuser={given['USER']}\npassword={given['PASSWORD']}\n")
    options = given["OPTIONS"] | {"read_default_file": str(hidden)}
    twin = project.another(USER="", PASSWORD="", OPTIONS=options)
    project.write(V1__a="SET @a = 1;", V2__b="CREATE TABLE seen AS SELECT @a AS found;")
    twin.call("upgrade")
    if project.connection.Database.__name__ == "MySQLdb":  # PyMySQL can do without
        assert "to clear it takes PyMySQL, or mysqlclient with a user" in twin.said
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]
