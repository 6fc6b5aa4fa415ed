"""Commands over several databases, the role of a run, and a schema of its own."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from django_jetbase.conf import aliases_in_use

from . import engines
from .conftest import Project
from .test_json import assert_fits

A = "CREATE TABLE a (id INTEGER);"


@pytest.fixture
def second(project: Project, tmp_path: Any) -> Project:
    """An SQLite database besides the one under test."""
    config = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "second.sqlite3"}
    engines.use("second", config)
    folder = tmp_path / "second"
    folder.mkdir()
    twin = Project("second", folder, engines.SQLite(""), project.settings)
    databases = project.settings.JETBASE["DATABASES"] | {"second": {"MIGRATIONS_DIR": folder}}
    project.settings.JETBASE = {"DATABASES": databases, "MIGRATIONS_DIR": folder}
    return twin


def call(project: Project, command: str, *args: str) -> str:
    project.call("current")  # for the streams
    streams = {"stdout": project.out, "stderr": project.err}
    project.out.truncate(0)
    project.out.seek(0)
    call_command(f"jetbase_{command}", *args, **streams)
    return project.out.getvalue()


BOTH = ("--database", "under_test", "--database", "second")


def test_one_after_the_other(project: Project, second: Project) -> None:
    project.write(V1__a=A)
    second.write(V1__b="CREATE TABLE b (id INTEGER);", V2__c="CREATE TABLE c (id INTEGER);")
    lines = [line.split(" (")[0] for line in call(project, "upgrade", *BOTH).splitlines()]
    assert lines == [
        "under_test:",
        "Applied V1__a.sql",
        "second:",
        "Applied V1__b.sql",
        "Applied V2__c.sql",
    ]
    assert call(project, "current", *BOTH).splitlines() == ["under_test:", "1", "second:", "2"]
    assert call(project, "upgrade", *BOTH, *BOTH).splitlines() == [
        *("under_test:", "Nothing to do.", "second:", "Nothing to do."),
    ]


def test_one_that_fails_hides_no_other(project: Project, second: Project) -> None:
    project.write(V1__a="SELECT * FROM nowhere;")
    second.write(V1__b=A)
    with pytest.raises(CommandError) as caught:
        call(project, "upgrade", *BOTH)
    assert caught.value.returncode == 1
    assert str(caught.value).startswith("under_test: V1__a.sql:1:")
    assert "second" not in str(caught.value)
    assert second.applied() == ["V1__b.sql"]


def test_the_worst_exit_status(project: Project, second: Project) -> None:
    project.write(V1__a=A)
    second.write(V1__a=A)
    with pytest.raises(CommandError) as caught:
        call(project, "upgrade", "--check", *BOTH)
    assert caught.value.returncode == 3
    assert str(caught.value).splitlines() == [
        *("under_test: Pending:", "  V1__a.sql", "second: Pending:", "  V1__a.sql"),
    ]
    second.call("upgrade")
    second.write(V1__a="SELECT 2;")
    with pytest.raises(CommandError) as caught:
        call(project, "upgrade", "--check", *BOTH)
    assert caught.value.returncode == 4
    project.write(bad="SELECT 1;")
    with pytest.raises(CommandError) as caught:
        call(project, "upgrade", *BOTH)
    assert caught.value.returncode == 1


def test_one_document(project: Project, second: Project) -> None:
    project.write(V1__a=A)
    second.write(V1__b="SELECT * FROM nowhere;")
    with pytest.raises(CommandError):
        call(project, "upgrade", "--json", *BOTH)
    document = json.loads(project.out.getvalue())
    assert_fits(document, "databases")
    found = {
        alias: (len(value["steps"]), value["error"] and value["error"]["path"])
        for alias, value in document["databases"].items()
    }
    assert found == {"under_test": (1, None), "second": (0, "V1__b.sql")}


def test_a_database_that_is_down(project: Project, second: Project) -> None:
    engines.use("down", {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/db.sqlite3"})
    databases = project.settings.JETBASE["DATABASES"] | {"down": {"MIGRATIONS_DIR": second.folder}}
    project.settings.JETBASE = project.settings.JETBASE | {"DATABASES": databases}
    second.write(V1__b=A)
    with pytest.raises(CommandError, match="down: Database 'down': unable to open database file"):
        call(project, "upgrade", "--database", "down", "--database", "second")
    assert second.applied() == ["V1__b.sql"]


def test_every_database_that_has_migrations(project: Project, second: Project) -> None:
    del project.settings.JETBASE["MIGRATIONS_DIR"]  # and the default alias has no directory
    assert aliases_in_use() == ["under_test", "second"]
    second.write(V1__b=A)
    call(project, "upgrade", "--all-databases")
    assert second.applied() == ["V1__b.sql"]
    with pytest.raises(CommandError, match="not allowed with argument"):
        call(project, "upgrade", "--all-databases", "--database", "second")


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("new", ["x"]),
        ("baseline", ["1"]),
        ("resolve", ["1", "--applied"]),
        ("unlock", []),
        ("import", ["flyway"]),
        ("upgrade", ["--sql"]),
    ],
)
def test_what_is_for_one_database(
    project: Project, second: Project, command: str, args: list[str]
) -> None:
    with pytest.raises(CommandError, match="for one database at a time") as caught:
        call(project, command, *args, *BOTH)
    assert caught.value.returncode == 2


def test_wrong_settings(project: Project) -> None:
    project.settings.JETBASE = {"DATABASES": {"nosuch": {}}, "BAD": 1}
    with pytest.raises(CommandError, match="is not a setting"):
        call(project, "upgrade", "--all-databases")


# ---- the role


@pytest.fixture
def owner(project: Project) -> Any:
    """A role that may create tables, and a user that is a member of it and may do nothing else."""
    project.query("CREATE ROLE jetbase_owner NOLOGIN")
    project.query("CREATE ROLE jetbase_deployer LOGIN NOINHERIT IN ROLE jetbase_owner")
    project.query("GRANT ALL ON SCHEMA public TO jetbase_owner")
    yield project.another("deployer", USER="jetbase_deployer")
    engines.forget("deployer")
    project.query("DROP OWNED BY jetbase_owner")
    project.query("DROP ROLE jetbase_deployer")
    project.query("DROP ROLE jetbase_owner")


OWNERS = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"


@pytest.mark.engines("postgresql")
def test_a_run_has_the_role(project: Project, owner: Project) -> None:
    owner.write(
        V1__a=f"{A} CREATE TABLE who AS SELECT current_user AS name;",
        V2__b="-- jetbase: transaction=off\n"
        "INSERT INTO who SELECT current_user FROM pg_sleep(1.5);",
        V3__c="RESET ROLE; SELECT 1;",
    )
    with pytest.raises(CommandError, match="permission denied"):
        owner.call("upgrade")
    owner.configure(ROLE="jetbase_owner")
    owner.call("upgrade")
    assert project.query(OWNERS) == [("jetbase_owner",)]
    assert project.query("SELECT DISTINCT name FROM who") == [("jetbase_owner",)]
    assert project.query("SELECT COUNT(*) FROM who") == [(2,)]
    assert owner.query("SELECT current_user") == [("jetbase_deployer",)]
    assert "assume_role" not in owner.connection.settings_dict["OPTIONS"]
    assert "applied" in owner.call("status")  # which the deployer alone could not read
    assert owner.query("SELECT current_user") == [("jetbase_deployer",)]


@pytest.mark.engines("postgresql")
def test_the_role_is_put_back_after_a_failure(project: Project, owner: Project) -> None:
    owner.configure(ROLE="jetbase_owner")
    owner.write(V1__a="SELECT * FROM nowhere;")
    with pytest.raises(CommandError, match=r"V1__a\.sql:1:"):
        owner.call("upgrade")
    assert owner.query("SELECT current_user") == [("jetbase_deployer",)]


@pytest.mark.engines("postgresql")
def test_a_script_sets_the_role(project: Project, owner: Project) -> None:
    owner.configure(ROLE="jetbase_owner")
    owner.write(V1__a=A)
    assert 'SET ROLE "jetbase_owner";' in owner.call("upgrade", sql=True)


@pytest.mark.engines("postgresql")
def test_a_role_that_is_not_there(project: Project) -> None:
    project.configure(ROLE="jetbase_nobody")
    project.write(V1__a=A)
    with pytest.raises(CommandError, match='role "jetbase_nobody" does not exist'):
        project.call("upgrade")


@pytest.mark.engines("sqlite", "mysql")
def test_a_role_elsewhere(project: Project) -> None:
    project.configure(ROLE="owner")
    project.write(V1__a=A)
    with pytest.raises(CommandError, match=r'JETBASE\["ROLE"\] is for PostgreSQL'):
        project.call("upgrade")


@pytest.mark.engines("postgresql")
def test_a_schema_of_its_own(project: Project) -> None:
    project.query("CREATE SCHEMA tenant")
    tenant = project.another("tenant", OPTIONS={"options": "-c search_path=tenant"})
    project.write(V1__a=A)
    project.call("upgrade")
    assert tenant.call("upgrade").startswith("Applied V1__a.sql")
    found = "SELECT schemaname FROM pg_tables WHERE tablename = 'django_jetbase_migration'"
    assert sorted(project.query(found)) == [("public",), ("tenant",)]
    assert tenant.call("upgrade") == "Nothing to do.\n"


def test_every_database_is_one_document_even_for_one(project: Project) -> None:
    databases = {project.alias: {"MIGRATIONS_DIR": project.folder}}
    project.settings.JETBASE = {"DATABASES": databases}
    assert json.loads(call(project, "current", "--all-databases", "--json")) == {
        "databases": {project.alias: {"current": None}}
    }


def test_no_database_at_all(project: Project) -> None:
    project.settings.JETBASE = {}
    with pytest.raises(CommandError, match="No database has migrations"):
        call_command("jetbase_upgrade", "--all-databases")
