"""SQL migrations as a step of one of Django's own."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db.migrations import Migration
from django.db.migrations.exceptions import IrreversibleError

from django_jetbase.exceptions import AtomicError
from django_jetbase.operations import JetbaseUpgrade

from .conftest import Project
from .interop.test_django_migrations import catalog as catalog
from .interop.test_django_migrations import migrate, shown

REFERS = (
    "CREATE TABLE a"
    " (id INTEGER PRIMARY KEY, author BIGINT NOT NULL REFERENCES catalog_author (id));"
)


@pytest.fixture
def operation(
    catalog: type[Migration], project: Project, monkeypatch: pytest.MonkeyPatch
) -> type[Migration]:
    monkeypatch.setattr(catalog, "operations", [JetbaseUpgrade(to="2", back_to="zero")])
    monkeypatch.setattr(catalog, "atomic", False)
    monkeypatch.setattr(catalog, "dependencies", [("catalog", "0004_unique_names")])
    project.write(
        V1__a=f"{REFERS}\n-- rollback\nDROP TABLE a;",
        V2__b="CREATE TABLE b (id INTEGER);\n-- rollback\nDROP TABLE b;",
        V3__c="CREATE TABLE c (id INTEGER);",
    )
    return catalog


def test_it_goes_to_the_version_and_back(project: Project, operation: type[Migration]) -> None:
    migrate(project, "catalog", "0005")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]
    assert "0005_irreversible" in shown(project)
    migrate(project, "catalog", "0001")
    assert project.applied() == []
    migrate(project, "catalog", "0005")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]


def test_what_is_applied_already(project: Project, operation: type[Migration]) -> None:
    migrate(project, "catalog", "0001")
    project.call("upgrade")
    migrate(project, "catalog", "0005")
    assert project.applied() == ["V1__a.sql", "V2__b.sql", "V3__c.sql"]


def test_an_atomic_migration_is_refused(
    project: Project, operation: type[Migration], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "atomic", True)
    with pytest.raises(AtomicError, match="needs `atomic = False`"):
        migrate(project, "catalog", "0005")
    assert project.tables() >= {"catalog_book"}
    assert "a" not in project.tables()


def test_without_a_way_back(
    project: Project, operation: type[Migration], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "operations", [JetbaseUpgrade(to="2")])
    migrate(project, "catalog", "0005")
    with pytest.raises(IrreversibleError):
        migrate(project, "catalog", "0001")


def test_a_failure_leaves_the_migration_unapplied(
    project: Project, operation: type[Migration]
) -> None:
    project.write(V2__b="SELECT * FROM nowhere;")
    with pytest.raises(Exception, match=r"V2__b\.sql:1:"):
        migrate(project, "catalog", "0005")
    assert "0005_irreversible" not in shown(project)
    project.write(V2__b="SELECT 1;")
    migrate(project, "catalog", "0005")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]


def test_an_alias_without_sql_migrations(
    project: Project, operation: type[Migration], settings: Any
) -> None:
    settings.JETBASE = {"MIGRATIONS_DIR": project.folder}
    migrate(project, "catalog", "0005")
    assert "a" not in project.tables()


def test_sqlmigrate_runs_nothing(project: Project, operation: type[Migration]) -> None:
    migrate(project, "catalog", "0001")
    project.call("current")
    call_command("sqlmigrate", "catalog", "0005", database=project.alias, stdout=project.out)
    assert "THIS OPERATION CANNOT BE WRITTEN AS SQL" in project.out.getvalue()
    assert "a" not in project.tables()


@pytest.mark.engines("sqlite")
def test_foreign_keys_are_enforced_meanwhile(project: Project, operation: type[Migration]) -> None:
    project.write(V2__b="INSERT INTO a VALUES (1, 999);")
    with pytest.raises(Exception, match="FOREIGN KEY constraint failed"):
        migrate(project, "catalog", "0005")


@pytest.mark.engines("sqlite")
def test_it_can_be_written(project: Project) -> None:
    operation = JetbaseUpgrade(to="1.5", back_to="1")
    name, _args, kwargs = operation.deconstruct()
    assert (name, kwargs) == ("JetbaseUpgrade", {"to": "1.5", "back_to": "1"})
    assert operation.describe() == "Apply SQL migrations up to version 1.5"
    assert operation.migration_name_fragment == "jetbase_1_5"
