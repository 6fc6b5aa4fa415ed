"""Scratch databases, and whether rollback sections take back what the upgrade did."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections, transaction

from django_jetbase.exceptions import JetbaseError
from django_jetbase.scratch.database import scratch_database
from django_jetbase.scratch.reversibility import assert_reversible

from ..conftest import Project

TABLE = "CREATE TABLE a (id INTEGER PRIMARY KEY);"
DROP = "\n-- rollback\nDROP TABLE a;"


@pytest.fixture(autouse=True)
def _without_apps(project: Project, settings: object) -> Iterator[None]:
    """Building a scratch database is then quick."""
    project.connection.settings_dict["TEST"]["MIGRATE"] = False
    yield
    assert project.tables() == set()


def findings(project: Project, **options: object) -> list[str]:
    """The first line of each."""
    with pytest.raises(AssertionError) as caught:
        assert_reversible(project.alias, **options)
    return [finding.splitlines()[0] for finding in str(caught.value).split("\n\n")]


def test_what_can_be_rolled_back(project: Project) -> None:
    project.write(
        V1__a=f"{TABLE}{DROP}",
        V2__b="ALTER TABLE a ADD COLUMN b INTEGER;\n-- rollback\nALTER TABLE a DROP COLUMN b;",
        ROC__v="DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id FROM a;",
        RA__r="INSERT INTO a (id) SELECT COUNT(*) + 1 FROM a;",
    )
    assert_reversible(project.alias)


def test_what_cannot(project: Project) -> None:
    project.write(
        V1__a=f"{TABLE}\n-- rollback\nSELECT 1;",
        V2__b="CREATE TABLE b (id INTEGER);\n-- rollback\nDROP TABLE b;",
        V3__c="CREATE TABLE c (id INTEGER);\n-- rollback\nDROP TABLE d;",
        V4__d="CREATE TABLE d (id INTEGER);",
        V5__e="CREATE TABLE e (id INTEGER);\n-- rollback\nDROP TABLE e; DROP TABLE b;",
        ROC__v="SELECT * FROM nowhere;",
    )
    with pytest.raises(AssertionError) as caught:
        assert_reversible(project.alias)
    said = str(caught.value)
    assert [part.splitlines()[0].partition(": ")[0] for part in said.split("\n\n")] == [
        "V1__a.sql",
        "V3__c.sql:3:1" if project.vendor != "sqlite" else "V3__c.sql:3:12",
        "V4__d.sql",
        "V5__e.sql",
        "ROC__v.sql:1:15" if project.vendor == "postgresql" else "ROC__v.sql:1:1",
    ] or said
    assert "V1__a.sql: its rollback does not take back what it did\n    +" in said
    assert "has no rollback section" in said
    assert re.search(r"\n    -table (public\.)?b\b", said)


def test_what_is_not_asked_for(project: Project) -> None:
    project.write(
        V1__a=TABLE,
        V2__b=TABLE.replace("a (", "b ("),
        V3__c=TABLE.replace("a (", "c (") + DROP.replace("a;", "c;"),
    )
    assert [line[:9] for line in findings(project)] == ["V1__a.sql", "V2__b.sql"]
    assert [line[:9] for line in findings(project, above="1")] == ["V2__b.sql"]
    assert_reversible(project.alias, above="2")
    assert_reversible(project.alias, except_for=["1", "2.0"])


def test_what_cannot_be_applied(project: Project) -> None:
    project.write(V1__a=f"{TABLE}{DROP}", V2__b="SELECT * FROM nowhere;", V3__c="", V4__d="")
    (first, second) = findings(project)
    assert first.startswith("V2__b.sql:1:")
    assert second == "2 later ones were not looked at, since one cannot be applied."


@pytest.mark.engines("postgresql")
def test_another_effect_the_second_time(project: Project) -> None:
    body = "IF EXISTS (SELECT FROM seen) THEN CREATE TABLE b (); ELSE INSERT INTO seen VALUES (1)"
    project.write(
        V1__a="CREATE TABLE seen (id int);\n-- rollback\nDROP TABLE seen;",
        V2__b=f"DO $$ BEGIN {body}; END IF; END $$;\n-- rollback\nDROP TABLE IF EXISTS b;",
    )
    assert findings(project) == ["V2__b.sql: applied again, it does not do the same"]


def test_a_scratch_database(project: Project) -> None:
    project.write(
        V1__a=f"{TABLE}{DROP}",
        V2__b="CREATE TABLE b (id INTEGER); INSERT INTO b SELECT id FROM a;"
        "\n-- rollback\nDROP TABLE b;",
    )
    before = connections[project.alias]
    with scratch_database(project.alias) as scratch:
        name = scratch.connection.settings_dict["NAME"]
        assert name.endswith("_scratch")
        scratch.migrate_to("1")
        scratch.execute("INSERT INTO a VALUES (%s)", (7,))
        scratch.migrate_to("2")
        assert scratch.execute("SELECT id FROM b") == [(7,)]
        scratch.migrate_to("1")
        assert not any("table b" in line for line in scratch.schema())
        scratch.migrate_to("zero")
        scratch.migrate_to(None)
        with pytest.raises(JetbaseError, match="There is no version 3"):
            scratch.migrate_to("3")
    assert connections[project.alias] is before
    assert before.settings_dict["NAME"] != name
    if project.vendor == "sqlite":
        assert not Path(name).exists()
    with scratch_database(project.alias) as scratch:
        assert scratch.execute("SELECT 1") == [(1,)]


def test_inside_a_transaction(project: Project) -> None:
    project.write(V1__a=f"{TABLE}{DROP}")
    with transaction.atomic(using=project.alias):
        project.query("CREATE TABLE mine (id INTEGER)")
        if project.vendor != "sqlite":
            assert_reversible(project.alias)
        with scratch_database(project.alias) as scratch:
            scratch.migrate_to("1")
    project.query("DROP TABLE mine")


def test_after_a_failure_everything_is_as_before(project: Project) -> None:
    before = connections[project.alias]
    project.write(V1__a="SELECT * FROM nowhere;")
    with pytest.raises(JetbaseError), scratch_database(project.alias) as scratch:
        scratch.migrate_to("1")
    assert connections[project.alias] is before


@pytest.mark.engines("postgresql")
def test_other_sessions_do_not_keep_it(project: Project) -> None:
    with scratch_database(project.alias) as scratch:
        twin = project.another("straggler", NAME=scratch.connection.settings_dict["NAME"])
        twin.query("SELECT 1")
    assert connections[project.alias].settings_dict["NAME"] != twin.connection.settings_dict["NAME"]


def test_a_failure_at_the_end_gives_the_alias_back(project: Project) -> None:
    before = connections[project.alias]
    with scratch_database(project.alias) as scratch:
        name = str(scratch.connection.settings_dict["NAME"])
        scratch.connection.close()
        if project.vendor == "sqlite":
            Path(name).unlink()
    assert connections[project.alias] is before
    assert project.query("SELECT 1") == [(1,)]
