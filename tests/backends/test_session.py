"""What a file does to the session does not outlast it, nor reach the history."""

import pytest
from django.core.management.base import CommandError

from ..conftest import Project

PG = pytest.mark.engines("postgresql")
MYSQL = pytest.mark.engines("mysql")
SQLITE = pytest.mark.engines("sqlite")


@PG
@pytest.mark.parametrize("transaction", ["on", "off"])
def test_postgresql(project: Project, transaction: str) -> None:
    project.query("CREATE ROLE jetbase_other") if not project.query(
        "SELECT 1 FROM pg_roles WHERE rolname = 'jetbase_other'"
    ) else None
    show = (
        "SELECT current_setting('search_path'), current_setting('TimeZone'), current_user,"
        " current_setting('statement_timeout'), current_setting('default_transaction_read_only'),"
        " current_setting('client_encoding')"
    )
    project.query("SET statement_timeout = '77s'")
    before = project.query(show)
    project.write(
        V1__x=(
            f"-- jetbase: transaction={transaction}\n"
            "CREATE SCHEMA s; SELECT pg_catalog.set_config('search_path', '', false);"
            "SET TIME ZONE 'Asia/Tokyo'; SET statement_timeout = 5000;"
            "SET client_encoding = 'LATIN1'; SET ROLE jetbase_other;"
            "SET default_transaction_read_only = on;"
        ),
        V2__y="CREATE TABLE here (id int);",
    )
    project.call("upgrade")
    assert project.query(show) == before
    assert project.query("SELECT schemaname FROM pg_tables WHERE tablename = 'here'") == [
        ("public",)
    ]
    assert len(project.applied()) == 2


@PG
def test_session_authorization_and_assumed_role(project: Project) -> None:
    twin = project.another(OPTIONS={"assume_role": "postgres"})
    twin.write(V1__x="SET SESSION AUTHORIZATION pg_monitor;", V2__y="CREATE TABLE here (id int);")
    twin.call("upgrade")
    assert twin.query("SELECT current_user, session_user") == [("postgres", "postgres")]


@PG
def test_an_alias_with_a_schema_of_its_own_has_its_own_history(project: Project) -> None:
    project.write(V1__x="CREATE TABLE here (id int);")
    project.call("upgrade")
    project.query("CREATE SCHEMA tenant")
    twin = project.another(OPTIONS={"options": "-c search_path=tenant"})
    twin.call("upgrade")
    assert project.query("SELECT count(*) FROM pg_tables WHERE tablename = 'here'") == [(2,)]
    project.query("CREATE SCHEMA second")
    another = project.another("second", OPTIONS={"options": "-c search_path=second,public"})
    another.call("upgrade")
    assert project.query("SELECT count(*) FROM pg_tables WHERE tablename = 'here'") == [(3,)]


@MYSQL
def test_mysql(project: Project) -> None:
    show = (
        "SELECT @@sql_mode, @@foreign_key_checks, @@autocommit, @@time_zone, DATABASE(),"
        " @@character_set_client, @@character_set_results, @@collation_connection, @@sql_notes,"
        " @@lock_wait_timeout"
    )
    before = project.query(show)
    project.write(
        V1__x=(
            "CREATE TABLE a (id INT); SET sql_mode = 'ANSI_QUOTES'; SET foreign_key_checks = 0;"
            "SET NAMES latin1; SET time_zone = '+09:00'; SET @@lock_wait_timeout = 7;"
            "/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */; SET autocommit = 0;"
            "INSERT INTO a VALUES (1); USE mysql; LOCK TABLES help_topic READ;"
        ),
        V2__é="CREATE TABLE here (id INT);",
    )
    project.call("upgrade")
    assert project.query(show) == before
    assert project.tables() == {"a", "here"}
    assert project.another().query("SELECT id FROM a") == [(1,)]
    assert project.applied() == ["V1__x.sql", "V2__é.sql"]


@MYSQL
def test_mysql_after_a_failure(project: Project) -> None:
    project.write(V1__x="SET sql_mode = 'ANSI_QUOTES'; SET autocommit = 0; SELECT * FROM nowhere;")
    before = project.query("SELECT @@sql_mode, @@autocommit")
    with pytest.raises(CommandError, match="nowhere"):
        project.call("upgrade")
    assert project.query("SELECT @@sql_mode, @@autocommit") == before


@SQLITE
@pytest.mark.parametrize("transaction", ["on", "off"])
def test_sqlite(project: Project, transaction: str) -> None:
    names = "legacy_alter_table", "recursive_triggers", "foreign_keys", "query_only"
    before = [project.query(f"PRAGMA {name}") for name in names]
    off = "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF;" if transaction == "off" else ""
    project.write(
        V1__x=(
            f"-- jetbase: transaction={transaction}\n{off}CREATE TABLE a (id);"
            "PRAGMA legacy_alter_table = ON; PRAGMA recursive_triggers = ON; PRAGMA query_only = 1;"
        )
    )
    project.call("upgrade")
    assert [project.query(f"PRAGMA {name}") for name in names] == before
    assert project.applied() == ["V1__x.sql"]
