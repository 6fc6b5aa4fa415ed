"""What somebody did to the session before a run, and what becomes of it."""

import threading
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError, connections
from django.db.backends.signals import connection_created

from django_jetbase import upgrade

from ..conftest import Project
from ..waiting import until

UNLISTED = {
    "postgresql": "SELECT current_setting('my.tenant', true), session_user, current_user",
    "mysql": "SELECT @tenant, CURRENT_USER(), @@sql_mode",
}


@pytest.fixture
def role(project: Project) -> Any:
    name = "jetbase_caller"
    project.query(f"DROP ROLE IF EXISTS {name}")
    project.query(f"CREATE ROLE {name} LOGIN SUPERUSER")
    yield name
    project.another("dropping").query(f"DROP OWNED BY {name}")
    project.another("dropping").query(f"DROP ROLE {name}")


def test_files_do_not_see_its_temporary_tables(project: Project) -> None:
    project.query("CREATE TABLE a (id INTEGER)")
    project.query("CREATE TEMPORARY TABLE a (id INTEGER)")
    project.write(V1__a="INSERT INTO a VALUES (1); ALTER TABLE a ADD COLUMN b INTEGER;")
    project.call("upgrade")
    assert project.another().query("SELECT * FROM a") == [(1, None)]
    assert project.query("SELECT * FROM a") == []


@pytest.mark.engines("postgresql", "mysql")
def test_what_cannot_be_listed_stays(project: Project) -> None:
    """Settings of no extension, and user variables, are to be lost by nobody."""
    own = {"postgresql": "SET my.tenant = '42'", "mysql": "SET @tenant = '42'"}
    project.query(own[project.vendor])
    before = project.query(UNLISTED[project.vendor])
    project.write(V1__a="CREATE TABLE a (id INTEGER);")
    project.call("upgrade")
    project.write(V2__b="SELECT * FROM nowhere;")
    with pytest.raises(CommandError):
        project.call("upgrade")
    assert project.query(UNLISTED[project.vendor]) == before


@pytest.mark.engines("postgresql")
def test_its_authorization_holds(project: Project, role: str) -> None:
    project.query(f"SET SESSION AUTHORIZATION {role}")
    store = "INSERT INTO seen SELECT session_user;"
    project.write(V1__a="CREATE TABLE seen (who text);", V2__b=store, V3__c=store)
    project.call("upgrade")
    assert project.query("SELECT who FROM seen") == [(role,), (role,)]
    assert project.query("SELECT session_user") == [(role,)]


@pytest.mark.engines("postgresql")
def test_the_role_of_the_settings_is_that_of_no_other_thread(project: Project, role: str) -> None:
    """Django's settings of an alias are those of every thread."""
    user = project.query("SELECT current_user")
    project.configure(ROLE=role)
    project.write(V1__a="CREATE TABLE started (id int);", V2__b="SELECT pg_sleep(2);")
    seen: list[Any] = []

    def look() -> None:
        connection = connections[project.alias]
        with connection.cursor() as cursor:
            while True:
                cursor.execute("SELECT to_regclass('started')")
                if cursor.fetchone() != (None,):
                    break
            cursor.execute("SELECT current_user")
            seen.extend(cursor.fetchall())
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    project.call("upgrade")
    thread.join()
    assert seen == user


@pytest.mark.engines("postgresql")
def test_nothing_of_it_comes_into_the_pool(project: Project) -> None:
    if project.connection.Database.__name__ != "psycopg":
        pytest.skip("psycopg2 has no pool")
    twin = project.another(OPTIONS={"pool": {"min_size": 1, "max_size": 2}})
    twin.query("SET search_path = public, pg_catalog")
    twin.query("SET work_mem = '77MB'")
    project.write(V1__a="CREATE TABLE seen AS SELECT current_setting('work_mem') AS kept;")
    twin.call("upgrade")
    assert twin.query("SELECT kept FROM seen") == [("77MB",)]
    seen: list[Any] = []

    def look() -> None:
        seen.extend(twin.query("SHOW work_mem"))
        twin.connection.close()

    for _number in range(2):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert "77MB" not in str(seen)
    assert twin.connection.pool.get_stats()["pool_size"] <= 2


@pytest.mark.engines("postgresql", "mysql")
def test_what_receivers_make_is_there_for_every_file(project: Project) -> None:
    make = {
        "postgresql": [
            "CREATE TEMP TABLE mine (id int)",
            "PREPARE mine AS SELECT 1",
            "SELECT pg_advisory_lock_shared(77)",
        ],
        "mysql": ["CREATE TEMPORARY TABLE mine (id INT)", "SET @mine = 1"],
    }

    def prepare(connection: Any, **kwargs: Any) -> None:
        if connection.alias == twin.alias:
            with connection.cursor() as cursor:
                for statement in make[project.vendor]:
                    cursor.execute(statement)

    twin = project.another()
    use = {
        "postgresql": "INSERT INTO mine VALUES (1); EXECUTE mine; SELECT 1 / count(*) FROM pg_locks"
        " WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND objid = 77;",
        "mysql": "INSERT INTO mine VALUES (@mine);",
    }[project.vendor]
    connection_created.connect(prepare)
    try:
        project.write(V1__a=use, V2__b=use, V3__c=f"-- jetbase: transaction=off\n{use}", V4__d=use)
        for _number in range(2):
            twin.call("upgrade", count=2)
            assert twin.query("SELECT * FROM mine") == []
            twin.connection.close()
    finally:
        connection_created.disconnect(prepare)


@pytest.mark.engines("postgresql")
def test_without_room_for_another_connection(project: Project, role: str) -> None:
    """One that holds nothing serves; else nothing is lost."""
    project.query(f"ALTER ROLE {role} NOSUPERUSER CONNECTION LIMIT 1")
    project.query(f"GRANT CREATE ON SCHEMA public TO {role}")
    twin = project.another(USER=role)
    twin.query("CREATE TEMP TABLE mine (id int)")
    project.write(V1__a="CREATE TABLE a (id int);")
    with pytest.raises(CommandError, match="too many connections"):
        twin.call("upgrade")
    with pytest.raises(OperationalError, match="too many connections"):
        upgrade(twin.alias)
    assert twin.query("SELECT * FROM mine") == []
    assert twin.connection.settings_dict["USER"] == role
    twin.query("DROP TABLE mine")


def test_a_table_that_is_locked_by_it(project: Project) -> None:
    """Not by its transaction, in which a run is refused."""
    project.write(V1__a="CREATE TABLE a (id INTEGER); INSERT INTO a VALUES (1);")
    project.call("upgrade")
    with project.connection.cursor() as cursor:
        cursor.execute("SELECT * FROM a, (SELECT 1 UNION SELECT 2) AS b")
        cursor.fetchone()  # the second row is still to come
        project.write(V2__b="DELETE FROM a;")
        project.call("upgrade")
    assert project.query("SELECT * FROM a") == []


@pytest.mark.engines("postgresql", "mysql")
def test_a_connection_that_the_server_has_closed(project: Project) -> None:
    """As a request would, a run in a process that lives long makes another one."""
    end = {
        "postgresql": "SELECT pg_terminate_backend({})",
        "mysql": "KILL {}",
    }[project.vendor]
    own = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
    other = project.another()
    for number, command in enumerate(("upgrade", "status", "rollback", "history", "lock_status")):
        if command == "upgrade":
            project.write(V1__a="CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;")
        ((session,),) = project.query(own[project.vendor])
        other.query(end.format(session))
        until(lambda: not project.connection.is_usable())
        assert project.call(command) is not None, number
    assert project.tables() == set()


@pytest.mark.engines("postgresql")
def test_receivers_that_fail_do_not_hide_what_a_file_says(project: Project) -> None:
    heard: list[Any] = []

    def prepare(connection: Any, **kwargs: Any) -> None:
        if connection.alias == twin.alias:
            heard.append(connection)
            with connection.cursor() as cursor:
                cursor.execute("CREATE TEMP TABLE mine (id int)" if len(heard) == 1 else "SELECT")
                cursor.execute("SELECT 1" if len(heard) != 2 else "SELECT * FROM lacking")

    twin = project.another()
    project.write(V1__a="SELECT * FROM nowhere;")
    connection_created.connect(prepare)
    try:
        with pytest.raises(CommandError, match=r"V1__a\.sql:1:15: relation \"nowhere\""):
            twin.call("upgrade")
    finally:
        connection_created.disconnect(prepare)
    assert len(heard) > 2
