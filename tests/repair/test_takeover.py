"""Taking over the history of another tool: what is recorded, said and refused."""

import json
import platform
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from ..conftest import Project
from ..interop.test_foreign import flyway_rows, jetbase_rows, on_sqlite

A = "CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;\n"
B = "CREATE TABLE b (id INTEGER);\n"


def jetbase_sum(text: str) -> str:
    return on_sqlite("jetbase").checksum(text)


def crc(text: str) -> str:
    return on_sqlite("flyway").checksum(text)


def states(project: Project) -> dict[str, str]:
    entries = json.loads(project.call("status", json=True))["migrations"]
    return {entry["path"]: entry["state"] for entry in entries}


def test_dates_and_order_are_kept(project: Project) -> None:
    project.write(V1__a=A, V2__b=B)
    zone = "2025-07-01 12:00:00"
    jetbase_rows(
        project,
        ("'2'", "V2__b.sql", "VERSIONED", f"'{zone}'", jetbase_sum(B)),
        ("'1'", "V1__a.sql", "VERSIONED", f"'{zone}'", jetbase_sum(A)),
    )
    project.call("import", "jetbase")
    assert project.applied() == ["V2__b.sql", "V1__a.sql"]
    at = json.loads(project.call("status", json=True))["migrations"][0]["applied_at"]
    assert abs(datetime.fromisoformat(at) - datetime(2025, 7, 1, 12, tzinfo=UTC)).days < 1
    events = project.events()
    assert [event["event"] for event in events] == ["imported", "imported"]
    assert events[0]["detail"] == "from jetbase_migrations"
    assert events[0]["at"] > at
    assert events[0]["host"] == platform.node()


def test_a_changed_file_is_reported_until_it_is_accepted(project: Project) -> None:
    project.write(V1__a=A, ROC__v="SELECT 1;")
    at = "CURRENT_TIMESTAMP"
    jetbase_rows(
        project,
        ("'1'", "V1__a.sql", "VERSIONED", at, jetbase_sum("CREATE TABLE a (n INTEGER);")),
        ("NULL", "ROC__v.sql", "RUNS_ON_CHANGE", at, jetbase_sum("SELECT 2;")),
    )
    project.call("import", "jetbase")
    assert "V1__a.sql: was changed after it was applied" in project.said
    assert states(project) == {"V1__a.sql": "changed", "ROC__v.sql": "pending"}
    with pytest.raises(CommandError, match=r"jetbase\.E014"):
        project.call("upgrade")
    project.call("fix_checksums")
    assert "Applied ROC__v.sql" in project.call("upgrade")
    assert project.tables() == {"jetbase_migrations"}


def test_a_repeatable_is_found_by_its_path_or_else_by_its_name(project: Project) -> None:
    for path in ("ROC__v.sql", "deep/ROC__v.sql", "deep/ROC__w.sql"):
        (project.folder / path).parent.mkdir(exist_ok=True)
        (project.folder / path).write_text("SELECT 1;")
    at, checksum = "CURRENT_TIMESTAMP", jetbase_sum("SELECT 1;")
    jetbase_rows(
        project,
        ("NULL", "ROC__v.sql", "RUNS_ON_CHANGE", at, checksum),
        ("NULL", "ROC__w.sql", "RUNS_ON_CHANGE", at, checksum),
    )
    project.call("import", "jetbase")
    assert project.applied() == ["ROC__v.sql", "deep/ROC__w.sql"]


def test_a_file_that_is_gone_is_missing(project: Project) -> None:
    project.write(V2__b=B)
    at = "CURRENT_TIMESTAMP"
    jetbase_rows(
        project,
        ("'1'", "V1__a.sql", "VERSIONED", at, jetbase_sum(A)),
        ("'2'", "V2__b.sql", "VERSIONED", at, jetbase_sum(B)),
    )
    project.call("import", "jetbase")
    assert "V1__a.sql: is applied but its file is missing" in project.said
    assert states(project) == {"V1__a.sql": "missing", "V2__b.sql": "applied"}


def test_a_history_that_says_otherwise_is_left_alone(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    jetbase_rows(
        project,
        ("'1'", "V1__a.sql", "VERSIONED", "CURRENT_TIMESTAMP", jetbase_sum(A)),
    )
    assert "Nothing to import" in project.call("import", "jetbase")
    project.query(
        "INSERT INTO jetbase_migrations (version, description, filename, migration_type, checksum)"
        " VALUES ('2', 'b', 'V2__b.sql', 'VERSIONED', 'x')"
    )
    with pytest.raises(CommandError, match=r"not empty and lacks V2__b\.sql"):
        project.call("import", "jetbase")
    assert project.applied() == ["V1__a.sql"]


def test_without_the_other_tools_table_nothing_is_written(project: Project) -> None:
    project.write(V1__a=A)
    with pytest.raises(CommandError, match=r"The table jetbase_migrations.* is not in"):
        project.call("import", "jetbase")
    with pytest.raises(CommandError, match=r"The table flyway_schema_history.* is not in"):
        project.call("import", "flyway")
    assert project.connection.introspection.table_names() == []


def test_wrong_files_are_refused(project: Project) -> None:
    project.write(V1__a=A, V01__b=B)
    jetbase_rows(project)
    with pytest.raises(CommandError, match=r"jetbase\.E005[\s\S]*Nothing was imported"):
        project.call("import", "jetbase")


@pytest.fixture
def flyway(project: Project) -> Project:
    """A database at version 2 of Flyway's, with a repeatable migration."""
    project.write(V1__a=A, V2__b=B, R__v="SELECT 1;")
    true = "1" if project.vendor == "sqlite" else "true"
    flyway_rows(
        project,
        f"'0' BASELINE flyway__baseline NULL {true}",
        f"'1' SQL V1__a.sql {crc(A)} {true}",
        f"NULL SQL R__v.sql {crc('SELECT 1;')} {true}",
        f"'2' SQL V2__b.sql {crc(B)} {true}",
    )
    return project


def test_flyway_without_rename(flyway: Project) -> None:
    flyway.call("import", "flyway")
    assert "R__v.sql is recorded as ROC__v.sql: rename it" in flyway.said
    assert (flyway.folder / "R__v.sql").exists()
    with pytest.raises(CommandError, match=r"R__v\.sql: the name is none of"):
        flyway.call("upgrade")


@pytest.mark.parametrize("first", [True, False])
def test_flyway_with_rename(flyway: Project, first: bool) -> None:
    flyway.call("import", "flyway", rename=first)
    if not first:
        assert "Renamed R__v.sql to ROC__v.sql" in flyway.call("import", "flyway", rename=True)
    assert sorted(path.name for path in flyway.folder.iterdir()) == [
        "ROC__v.sql",
        "V1__a.sql",
        "V2__b.sql",
    ]
    assert flyway.call("upgrade") == "Nothing to do.\n"
    assert states(flyway) == {
        "": "applied",
        "V1__a.sql": "applied",
        "V2__b.sql": "applied",
        "ROC__v.sql": "applied",
    }
    (flyway.folder / "ROC__v.sql").write_text("SELECT 2;")
    assert "Applied ROC__v.sql" in flyway.call("upgrade")


def test_flyway_rename_overwrites_nothing(flyway: Project) -> None:
    flyway.write(ROC__v="SELECT 3;")
    with pytest.raises(CommandError, match=r"jetbase\.E003"):
        flyway.call("import", "flyway", rename=True)
    assert (flyway.folder / "ROC__v.sql").read_text() == "SELECT 3;"
    assert (flyway.folder / "R__v.sql").exists()


def test_a_file_that_cannot_be_renamed(flyway: Project) -> None:
    """The history is imported, and running it again mends the rest."""
    Path(flyway.folder / "ROC__v.sql").mkdir()
    with pytest.raises(CommandError, match=r"R__v\.sql: cannot be renamed: .*by hand"):
        flyway.call("import", "flyway", rename=True)
    assert flyway.applied()[-1] == "V2__b.sql"
    (flyway.folder / "ROC__v.sql").rmdir()
    flyway.call("import", "flyway", rename=True)
    assert flyway.call("upgrade") == "Nothing to do.\n"


def test_the_stored_text_of_an_imported_file_can_be_rolled_back(project: Project) -> None:
    project.write(V1__a=A)
    project.query("CREATE TABLE a (id INTEGER)")
    jetbase_rows(project, ("'1'", "V1__a.sql", "VERSIONED", "CURRENT_TIMESTAMP", jetbase_sum(A)))
    project.call("import", "jetbase")
    (data,) = project.query("SELECT text FROM django_jetbase_migration")[0]
    assert zlib.decompress(data).decode() == A
    (project.folder / "V1__a.sql").unlink()
    project.call("rollback")
    assert "a" not in project.tables()


def test_files_below_flyways_baseline_are_part_of_it(project: Project) -> None:
    project.write(V1__a=A, V2__b=B, V3__c="SELECT 1;")
    true = "1" if project.vendor == "sqlite" else "true"
    flyway_rows(project, f"'2' BASELINE flyway__baseline NULL {true}")
    assert "Imported V1__a.sql" in project.call("import", "flyway")
    assert states(project) == {
        "V1__a.sql": "applied",
        "V2__b.sql": "applied",
        "V3__c.sql": "pending",
    }
    assert project.call("upgrade").startswith("Applied V3__c.sql (")
    assert "Nothing to import" in project.call("import", "flyway")


def test_two_rows_that_are_one_migration_here(project: Project) -> None:
    project.write(V1__a=A)
    at, checksum = "CURRENT_TIMESTAMP", jetbase_sum(A)
    jetbase_rows(
        project,
        ("'1'", "V1__a.sql", "VERSIONED", at, checksum),
        ("'1.0'", "V1.0__b.sql", "VERSIONED", at, checksum),
    )
    with pytest.raises(CommandError, match=r"V1__a\.sql and V1\.0__b\.sql.*same migration here"):
        project.call("import", "jetbase")
    assert "django_jetbase_migration" not in project.tables()
    assert not project.connection.introspection.table_names() or project.applied() == []


def test_a_file_that_is_put_back_after_the_import_is_what_ran(project: Project) -> None:
    project.write(V1__a=A + "-- edited", ROC__v="SELECT 2;")
    at = "CURRENT_TIMESTAMP"
    jetbase_rows(
        project,
        ("'1'", "V1__a.sql", "VERSIONED", at, jetbase_sum(A)),
        ("'2'", "V2__b.sql", "VERSIONED", at, jetbase_sum(B)),
        ("NULL", "ROC__v.sql", "RUNS_ON_CHANGE", at, jetbase_sum("SELECT 1;")),
    )
    project.write(V1__a=A.replace("id", "number"))
    project.call("import", "jetbase")
    assert "V1__a.sql: was changed after it was applied" in project.said
    project.write(V1__a=A, V2__b=B, ROC__v="SELECT 1;")
    assert project.call("upgrade", check=True) == "Nothing is pending.\n"
    assert project.call("validate_checksums") == "All is well.\n"


def test_a_repeatable_with_placeholders_that_is_put_back_runs_again(project: Project) -> None:
    flyway_rows(project, "NULL SQL R__p.sql 12345 true")
    project.call("import", "flyway")
    project.write(ROC__p="SELECT '${foo}';")
    assert project.call("upgrade").startswith("Applied ROC__p.sql")
    assert project.call("upgrade") == "Nothing to do.\n"
