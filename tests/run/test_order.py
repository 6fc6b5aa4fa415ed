"""Repeatable files that need each other run in an order that works."""

import json

import pytest
from django.core.management.base import CommandError

from django_jetbase import upgrade
from django_jetbase.exceptions import TargetError

from ..conftest import Project

A = "CREATE TABLE a (id INTEGER, n INTEGER);"
# A view or, on SQLite, whose views are not looked at before they are used, a table of its rows.
MAKE = {
    "postgresql": "CREATE OR REPLACE VIEW {} AS SELECT id FROM {};",
    "mysql": "CREATE OR REPLACE VIEW {} AS SELECT id FROM {};",
    "sqlite": "DROP TABLE IF EXISTS {0};\nCREATE TABLE {0} AS SELECT id FROM {1};",
}
OFF = "-- jetbase: transaction=off\n"


def view(project: Project, name: str, source: str) -> str:
    return MAKE[project.vendor].format(name, source)


def ran(said: str) -> list[str]:
    return [line.split()[1] for line in said.splitlines()]


@pytest.mark.parametrize("head", ["", OFF])
def test_one_that_comes_too_early_by_its_name_waits(project: Project, head: str) -> None:
    project.write(
        V1__a=A,
        ROC__a_last=head + view(project, "last_one", "second"),
        ROC__b_second=head + view(project, "second", "first"),
        ROC__c_first=head + view(project, "first", "a"),
        RA__z="SELECT id FROM last_one;",
    )
    said = project.call("upgrade")
    order = ["V1__a.sql", "ROC__c_first.sql", "ROC__b_second.sql", "ROC__a_last.sql", "RA__z.sql"]
    assert ran(said) == order
    assert project.said.count("it waits for others") == 3
    assert project.applied() == order
    assert not [event for event in project.events() if event["event"] == "failed"]
    project.call("upgrade")
    assert "waits" not in project.said


def test_one_that_drops_before_it_makes_waits_as_well(project: Project) -> None:
    """On MariaDB and MySQL that commits the drop."""
    drop = "DROP {} IF EXISTS second;\n".format("TABLE" if project.vendor == "sqlite" else "VIEW")
    project.write(
        V1__a=A,
        ROC__b_second=drop + view(project, "second", "first"),
        ROC__c_first=view(project, "first", "a"),
    )
    assert ran(project.call("upgrade"))[1:] == ["ROC__c_first.sql", "ROC__b_second.sql"]
    states = json.loads(project.call("status", json=True))["migrations"]
    assert {entry["state"] for entry in states} == {"applied"}


def test_where_nothing_moves_the_first_is_the_error(project: Project) -> None:
    project.write(
        V1__a=A,
        ROC__a=view(project, "first_one", "second_one"),
        ROC__b=view(project, "second_one", "first_one"),
        ROC__c=view(project, "third_one", "a"),
    )
    with pytest.raises(CommandError, match=r"ROC__a\.sql:\d:\d+: .*second_one") as caught:
        project.call("upgrade")
    assert "ROC__b.sql seems to make what is missing" in str(caught.value)
    assert "needs=ROC__b.sql" in str(caught.value)
    assert project.applied() == ["V1__a.sql", "ROC__c.sql"]
    assert [event["path"] for event in project.events() if event["event"] == "failed"] == [
        "ROC__a.sql"
    ]


def test_another_error_does_not_wait(project: Project) -> None:
    project.write(V1__a=A, ROC__a="SELECT FROM FROM;", ROC__b=view(project, "b", "a"))
    with pytest.raises(CommandError, match=r"ROC__a\.sql:1:"):
        project.call("upgrade")
    assert project.applied() == ["V1__a.sql"]


def test_a_versioned_file_does_not_wait_and_is_told_who_makes_it(project: Project) -> None:
    project.write(V1__a=A, V2__b="INSERT INTO second_one SELECT 1;", V3__c=A.replace("a ", "c "))
    project.write(ROC__second=view(project, "second_one", "a"))
    with pytest.raises(CommandError, match=r"V2__b\.sql:1:") as caught:
        project.call("upgrade")
    assert "ROC__second.sql seems to make what is missing: -- jetbase: needs=" in str(caught.value)
    assert project.applied() == ["V1__a.sql"]
    project.write(V2__b="INSERT INTO c SELECT 1, 2;")
    with pytest.raises(CommandError, match=r"V3__c\.sql seems to make what is missing\."):
        project.call("upgrade")


def test_what_a_file_needs_runs_before_it(project: Project) -> None:
    """On every database in the same order, also where the run stops at a version."""
    project.write(
        V1__a=A,
        V2__b="-- jetbase: needs=ROC__b.sql\nCREATE TABLE kept AS SELECT id FROM b;",
        V3__c="CREATE TABLE c (id INTEGER);",
        ROC__a=view(project, "v", "a"),
        ROC__b="-- jetbase: needs=ROC__z.sql\n" + view(project, "b", "z"),
        ROC__z=view(project, "z", "a"),
        RA__r="-- jetbase: needs=RA__s.sql needs=ROC__a.sql\nSELECT 1;",
        RA__s="SELECT 1;",
    )
    said = project.call("upgrade", to_version="2")
    assert ran(said)[:4] == ["V1__a.sql", "ROC__z.sql", "ROC__b.sql", "V2__b.sql"]
    assert "stay pending; other runs-on-change and runs-always files did not run." in said
    assert ran(project.call("upgrade")) == [
        *("V3__c.sql", "ROC__a.sql", "RA__s.sql", "RA__r.sql"),
    ]
    project.write(V4__d="-- jetbase: needs=ROC__b.sql\nSELECT 1;")
    assert ran(project.call("upgrade"))[0] == "V4__d.sql"
    assert "waits" not in project.said


@pytest.mark.parametrize("command", ["upgrade", "validate_files", "status"])
def test_what_cannot_be_had(project: Project, command: str) -> None:
    project.write(
        V1__a=f"\n-- jetbase: needs=ROC__nowhere.sql\n{A}",
        ROC__b="-- jetbase: needs=ROC__c.sql\nSELECT 1;",
        ROC__c="-- jetbase: needs=ROC__b.sql\nSELECT 1;",
    )
    try:
        said = project.call(command) + project.said
    except CommandError as error:
        said = str(error)
    if command != "validate_files":
        assert "V1__a.sql:2:1: needs ROC__nowhere.sql, and there is no such file" in said
        assert "ROC__c.sql:1:1: needs ROC__b.sql, which needs this file itself" in said
    assert project.tables() == set()


def test_a_file_of_a_folder_by_its_path_or_its_name(project: Project) -> None:
    (project.folder / "views").mkdir()
    (project.folder / "views" / "ROC__z.sql").write_text(view(project, "z", "a"))
    for number, path in enumerate(["views/ROC__z.sql", "ROC__z.sql"], 2):
        project.write(V1__a=A)
        project.write(**{f"V{number}__b": f"-- jetbase: needs={path}\nSELECT id FROM z;"})
    assert ran(project.call("upgrade"))[1] == "views/ROC__z.sql"
    (project.folder / "others").mkdir()
    (project.folder / "others" / "ROC__z.sql").write_text("SELECT 1;")
    project.write(V4__b="-- jetbase: needs=ROC__z.sql\nSELECT 1;")
    with pytest.raises(CommandError, match=r"V4__b\.sql:1:1: needs ROC__z\.sql, and there are"):
        project.call("upgrade")


def test_what_one_needs_that_needs_a_later_version(project: Project) -> None:
    project.write(
        V1__a=A,
        V2__b="-- jetbase: needs=ROC__z.sql\nSELECT 1;",
        V3__c=A.replace("a ", "c "),
        ROC__z=f"{A.replace('a ', 'd ')}\nINSERT INTO c SELECT 1, 2;",
    )
    with pytest.raises(CommandError, match=r"V3__c\.sql seems to make what is missing: no"):
        project.call("upgrade")


@pytest.mark.parametrize("value", ["V1__a.sql", "ROC__x", "x.sql", ""])
def test_what_is_no_repeatable_file(project: Project, value: str) -> None:
    project.write(V1__a=f"-- jetbase: needs={value}\n{A}")
    with pytest.raises(CommandError, match=r"V1__a\.sql:1:1: .*is no directive"):
        project.call("upgrade")


def test_one_is_repeated(project: Project) -> None:
    (project.folder / "views").mkdir()
    (project.folder / "views" / "ROC__z.sql").write_text("INSERT INTO a VALUES (2, 2);")
    project.write(V1__a=A, ROC__b="INSERT INTO a VALUES (1, 1);", RA__r="SELECT 1;")
    project.call("upgrade")
    assert ran(project.call("upgrade", repeat=["ROC__z.sql"])) == ["views/ROC__z.sql", "RA__r.sql"]
    assert ran(project.call("upgrade", repeat=["ROC__b.sql", "views/ROC__z.sql"]))[:2] == [
        *("ROC__b.sql", "views/ROC__z.sql"),
    ]
    assert ran(project.call("upgrade", repeat=["all"])) == [
        *("ROC__b.sql", "views/ROC__z.sql", "RA__r.sql"),
    ]
    assert sorted(project.query("SELECT id FROM a")) == [(1,)] * 3 + [(2,)] * 4
    assert ran(project.call("upgrade")) == ["RA__r.sql"]
    assert upgrade(project.alias, repeat="all").done[0].step.path == "ROC__b.sql"
    assert upgrade(project.alias, repeat="ROC__b.sql").done[0].step.path == "ROC__b.sql"
    dry = project.call("upgrade", repeat=["all"], dry_run=True)
    assert "Would run ROC__b.sql" in dry


def test_what_cannot_be_repeated(project: Project) -> None:
    project.write(V1__a=A, ROC__b="SELECT 1;")
    for name in ("V1__a.sql", "ROC__c.sql", ""):
        with pytest.raises(CommandError, match="There is no repeatable file"):
            project.call("upgrade", repeat=[name])
    with pytest.raises(TargetError, match="repeats no files"):
        upgrade(project.alias, 1, repeat=["ROC__b.sql"])
    assert project.tables() == set()
