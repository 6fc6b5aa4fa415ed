"""What `migrate` and `flush` do to the SQL migrations of a database that is no test database."""

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from django_jetbase.receivers import is_test_database

from .conftest import Project

TABLE = "CREATE TABLE a (id INTEGER PRIMARY KEY);"


def migrate(project: Project, *args: str) -> str:
    call_command("migrate", *args, database=project.alias, stdout=project.out, verbosity=1)
    return str(project.out.getvalue())


@pytest.fixture(autouse=True)
def _output(project: Project) -> None:
    project.call("current")  # for the streams


def test_migrate_leaves_sql_migrations_alone(project: Project) -> None:
    project.write(V1__a=TABLE)
    migrate(project)
    assert not is_test_database(project.alias)
    assert "a" not in project.tables()


def test_upgrade_after_migrate(project: Project) -> None:
    project.configure(UPGRADE_AFTER_MIGRATE=True)
    project.write(V1__a=TABLE)
    assert "Applied V1__a.sql" in migrate(project)
    assert project.applied() == ["V1__a.sql"]
    assert "Applied" not in migrate(project).partition("Applied V1__a.sql")[2]


def test_a_failure_after_migrate(project: Project) -> None:
    project.configure(UPGRADE_AFTER_MIGRATE=True)
    project.write(V1__a="CREATE TABLE a (id INTEGER);\nSELECT * FROM nowhere;")
    with pytest.raises(CommandError, match=r"Database 'under_test': V1__a\.sql:2:"):
        migrate(project)
    assert project.tables() >= {"django_migrations", "catalog_book"}


@pytest.mark.parametrize(
    ("before", "to"), [([], "0001"), (["catalog", "0004"], "0002"), (["catalog", "0001"], "zero")]
)
def test_a_migrate_that_is_no_deployment(project: Project, before: list[str], to: str) -> None:
    if before:
        migrate(project, *before)
    project.configure(UPGRADE_AFTER_MIGRATE=True)
    project.write(V1__a=TABLE)
    said = migrate(project, "catalog", to)
    assert "SQL migrations are not applied, since " in said
    assert "a" not in project.tables()


def test_flush_keeps_what_sql_made(project: Project) -> None:
    project.write(V1__a=f"{TABLE} INSERT INTO a VALUES (1);")
    migrate(project)
    project.call("upgrade")
    call_command("flush", database=project.alias, interactive=False, verbosity=0)
    assert project.query("SELECT id FROM a") == [(1,)]
    assert project.call("upgrade") == "Nothing to do.\n"


def test_after(project: Project, settings: Any) -> None:
    project.write(V1__a=f"-- jetbase: after=catalog.0001 after=auth.0001_initial\n{TABLE}")
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert str(caught.value).splitlines() == [
        "V1__a.sql:1:1: must run after Django's catalog.0001, which is not applied; run migrate"
        " catalog 0001 first (jetbase.E010)",
        "V1__a.sql:1:1: must run after Django's auth.0001_initial, which is not applied; run"
        " migrate auth 0001_initial first (jetbase.E010)",
        "Nothing was run.",
    ]
    recorder = MigrationRecorder(connections[project.alias])
    recorder.ensure_schema()
    recorder.record_applied("auth", "0001_initial")
    settings.MIGRATION_MODULES = {"catalog": None}  # so its tables are made from its models
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql"]
    recorder.record_unapplied("auth", "0001_initial")
    project.write(V2__b="")
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]


@pytest.mark.parametrize("named", ["nosuch.0001", "catalog.9999", "catalog.0001_other"])
def test_after_what_there_is_not(project: Project, named: str) -> None:
    project.write(V1__a="SELECT 1;", V2__b=f"-- old\n  -- jetbase: after={named}\n{TABLE}")
    for command in ("upgrade", "status", "validate_files", "fix_files"):
        try:
            said = project.call(command) + project.said
        except CommandError as error:
            said = str(error)
        if command in ("upgrade", "status"):
            assert f"V2__b.sql:2:3: must run after Django's {named}, which there is not" in said
    assert project.tables() == set()


@pytest.mark.parametrize("value", ["a..", "a.a.a.", "a", ".a", "a.", "a.b.c"])
def test_after_what_names_no_migration(project: Project, value: str) -> None:
    project.write(V1__a=f"-- jetbase: after={value}\n{TABLE}")
    with pytest.raises(CommandError, match=r"V1__a\.sql:1:1: 'after=.*' is no directive"):
        project.call("upgrade")


def test_a_file_for_a_migration_of_an_app_that_is_gone(project: Project) -> None:
    project.write(V1__a=f"-- jetbase: django=gone.0001_initial\n{TABLE}")
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql"]


def test_after_does_not_keep_from_rolling_back(project: Project) -> None:
    project.write(V1__a=f"-- jetbase: after=catalog.0001\n{TABLE}\n-- rollback\nDROP TABLE a;")
    migrate(project, "catalog", "0001")
    project.call("upgrade")
    migrate(project, "catalog", "zero")
    project.call("rollback")
    assert project.applied() == []


def test_after_below_the_marker(project: Project) -> None:
    project.write(V1__a=f"{TABLE}\n-- rollback\n-- jetbase: after=catalog.0001\nDROP TABLE a;")
    with pytest.raises(CommandError, match=r"'after=catalog\.0001' is no directive"):
        project.call("upgrade")


@pytest.mark.engines("sqlite")
def test_a_repeated_upgrade_reads_nothing_of_django(project: Project) -> None:
    project.write(V1__a=f"-- jetbase: after=catalog.0001\n{TABLE}")
    migrate(project)
    project.call("upgrade")
    project.query("DROP TABLE django_migrations")
    assert project.call("upgrade") == "Nothing to do.\n"


def test_wrong_settings(project: Project) -> None:
    project.settings.JETBASE = {"NONSENSE": 1}
    with pytest.raises(CommandError, match="is not a setting"):
        call_command("migrate", database=project.alias, skip_checks=True, verbosity=0)
