"""The directive `role`: in which role of PostgreSQL a section runs."""

import os
from collections.abc import Iterator

import pytest
from django.core.management.base import CommandError
from django.db import connections

from ..conftest import Project

pytestmark = pytest.mark.engines("postgresql")
ROLE = f"Jetbase role {os.getpid()}".replace(" ", "-")
OWNERS = "SELECT tablename, tableowner FROM pg_tables WHERE tablename IN ('a', 'b') ORDER BY 1"
MODES = pytest.mark.parametrize("mode", ["on", "off"])


@pytest.fixture
def role(project: Project) -> Iterator[str]:
    project.query(f'DROP ROLE IF EXISTS "{ROLE}"')
    project.query(f'CREATE ROLE "{ROLE}"; GRANT CREATE ON SCHEMA public TO "{ROLE}"')
    yield ROLE
    project.query(f'DROP OWNED BY "{ROLE}" CASCADE; DROP ROLE "{ROLE}"')


def file(role: str, mode: str, *statements: str) -> str:
    return "\n".join([f"-- jetbase: role={role} transaction={mode}", *statements])


TABLE = ("CREATE TABLE a (who text);", "INSERT INTO a SELECT current_user;")
BACK = ("-- rollback", "DROP TABLE a;")


def assert_it_ran_so(project: Project, role: str) -> None:
    assert project.query(OWNERS) == [("a", role), ("b", "postgres")]
    assert project.query("SELECT who FROM a") == [(role,)]
    assert project.query("SELECT current_user, current_setting('role')") == [("postgres", "none")]
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'django_jetbase_migration'"
    assert project.query(owner) == [("postgres",)]


@MODES
def test_the_section_runs_in_it_and_the_next_file_does_not(
    project: Project, role: str, mode: str
) -> None:
    project.write(V1__a=file(role, mode, *TABLE, *BACK), V2__b="CREATE TABLE b (n int);")
    project.call("upgrade")
    assert_it_ran_so(project, role)
    project.write(V2__b="CREATE TABLE b (n int);\n-- rollback\nDROP TABLE b;")
    project.call("rollback", to_version="zero")
    assert project.query(OWNERS) == []


@MODES
def test_so_it_does_in_a_script(project: Project, role: str, mode: str) -> None:
    project.write(V1__a=file(role, mode, *TABLE, *BACK), V2__b="CREATE TABLE b (n int);")
    done = project.run_script(project.call("upgrade", sql=True))
    assert done.returncode == 0, done
    assert_it_ran_so(project, role)
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]


@MODES
def test_it_may_be_less_than_may_write_the_history(project: Project, role: str, mode: str) -> None:
    """A deferred constraint is checked as the role; the record is not written as it."""
    project.write(
        V1__a=file(
            role,
            mode,
            "CREATE TABLE a (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);",
            "INSERT INTO a VALUES (1), (1);",
        )
    )
    with pytest.raises(CommandError, match="unique constraint"):
        project.call("upgrade")
    assert project.query("SELECT current_user") == [("postgres",)]
    assert project.applied() == []


def test_rows_of_a_copy_and_another_isolation_level(project: Project, role: str) -> None:
    project.write(
        V1__a=file(
            role,
            "on",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;",
            "CREATE TABLE a (who text DEFAULT current_user, n int);",
            "COPY a (n) FROM STDIN;\n1\n\\.",
        )
    )
    project.call("upgrade")
    assert project.query("SELECT who, n FROM a") == [(role, 1)]


def test_what_goes_on_has_it_again(project: Project, role: str) -> None:
    broken = file(role, "off", *TABLE, "SELECT 1 / 0;", "INSERT INTO a SELECT current_user;")
    project.write(V1__a=broken)
    with pytest.raises(CommandError, match="--resume"):
        project.call("upgrade")
    assert project.query("SELECT current_user") == [("postgres",)]
    project.write(V1__a=broken.replace("1 / 0", "1"))
    project.call("upgrade", resume=True)
    assert project.query("SELECT who FROM a") == [(role,)] * 2


@MODES
@pytest.mark.parametrize("body", ["CREATE TABLE a (n int);", "COPY nowhere FROM STDIN;\n1\n\\."])
def test_one_that_is_not_there(project: Project, mode: str, body: str) -> None:
    project.write(V1__a="-- first\n" + file("nobody", mode, body))
    with pytest.raises(CommandError, match=r'V1__a\.sql:2:1: role "nobody" does not exist') as no:
        project.call("upgrade")
    assert "Nothing of this file was kept" in str(no.value)
    assert project.tables() == set()
    project.write(V1__a="CREATE TABLE a (n int);")
    project.call("upgrade")


@MODES
def test_a_timeout_that_is_refused_has_its_own_line(project: Project, role: str, mode: str) -> None:
    """In whichever order the directives stand."""
    project.write(V1__a=f"-- jetbase: lock_timeout=99999999h\n{file(role, mode, 'SELECT 1;')}")
    with pytest.raises(CommandError, match=r"V1__a\.sql:1:1: .*no time is longer than 24 days"):
        project.call("upgrade")
    project.write(V1__a=f"{file(role, mode)}\n-- jetbase: statement_timeout=99999999h\nSELECT 1;")
    with pytest.raises(CommandError, match=r"V1__a\.sql:2:1: .*no time is longer than 24 days"):
        project.call("upgrade")
    assert project.query("SELECT current_user") == [("postgres",)]


def test_a_statement_that_cannot_be_read_has_its_own_line(project: Project, role: str) -> None:
    project.write(V1__a=file(role, "on", "CREATE TABLE a (n int);", "CREATE TABEL b (n int);"))
    with pytest.raises(CommandError, match=r"V1__a\.sql:3:8: syntax error"):
        project.call("upgrade")


def test_one_that_the_user_may_not_have(project: Project, role: str) -> None:
    user = f"jetbase_user_{os.getpid()}"
    project.query(f"DROP ROLE IF EXISTS {user}")
    project.query(f"CREATE ROLE {user} LOGIN; GRANT CREATE ON SCHEMA public TO {user}")
    twin = project.another(USER=user)
    try:
        twin.write(V1__a=file(role, "on", "CREATE TABLE a (n int);"))
        with pytest.raises(CommandError, match=f'runs: GRANT "{role}" TO "{user}";'):
            twin.call("upgrade")
        project.query(f'GRANT "{role}" TO {user}')
        twin.call("upgrade")
        assert project.query(OWNERS) == [("a", role)]
    finally:
        connections[twin.alias].close()
        project.query(f"DROP OWNED BY {user} CASCADE; DROP ROLE {user}")


@MODES
def test_beside_the_setting(project: Project, role: str, mode: str) -> None:
    """The record is written in the role of the setting."""
    other = f"jetbase_setting_{os.getpid()}"
    project.query(f"DROP ROLE IF EXISTS {other}")
    project.query(f"CREATE ROLE {other}; GRANT CREATE ON SCHEMA public TO {other}")
    try:
        project.configure(ROLE=other)
        project.write(V1__a=file(role, mode, *TABLE), V2__b="CREATE TABLE b (n int);")
        project.call("upgrade")
        assert project.query(OWNERS) == [("a", role), ("b", other)]
    finally:
        project.query(f"DROP OWNED BY {other} CASCADE; DROP ROLE {other}")


@MODES
def test_what_only_the_user_may_set_is_put_back(project: Project, role: str, mode: str) -> None:
    """The session had it before the run took the role of the setting."""
    project.configure(ROLE=role)
    project.query("SET log_min_duration_statement = 12345")
    project.write(
        V1__a=f"-- jetbase: transaction={mode}\nCREATE TABLE a (n int);",
        V2__b="CREATE TABLE b (n int);",
    )
    project.call("upgrade")
    assert project.query(OWNERS) == [("a", role), ("b", role)]
    assert project.query("SHOW log_min_duration_statement") == [("12345ms",)]


def test_its_name_is_quoted(project: Project) -> None:
    project.write(V1__a="-- jetbase: role=a;SELECT(1)\nSELECT 1;")
    with pytest.raises(CommandError, match=r'role "a;SELECT\(1\)" does not exist'):
        project.call("upgrade")
