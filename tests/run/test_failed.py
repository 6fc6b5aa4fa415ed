"""A migration whose last run has failed is shown as that until something else happens to it."""

import json
from typing import Any

import pytest
from django.core.management.base import CommandError

from ..conftest import Project

A = "CREATE TABLE a (id INTEGER);"
WRONG = "SELECT * FROM nowhere;"


def states(project: Project) -> dict[str, Any]:
    found = json.loads(project.call("status", json=True))["migrations"]
    return {entry["path"]: entry for entry in found}


def fails(project: Project, command: str = "upgrade", **options: Any) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        project.call(command, **options)


def test_a_file_that_failed_is_not_merely_pending(project: Project) -> None:
    project.write(V1__a=A, V2__b=f"SELECT 1;\n{WRONG}", V3__c=WRONG)
    fails(project)
    found = states(project)
    assert [found[path]["state"] for path in found] == ["applied", "failed", "pending"]
    assert found["V1__a.sql"]["failure"] is None
    failure = found["V2__b.sql"]["failure"]
    assert failure["message"].startswith("V2__b.sql:2:")
    assert "Nothing of this file was kept" in failure["message"]
    assert failure["at"] == project.events()[-1]["at"]
    text = project.call("status")
    line, below = text[text.index("failed") :].splitlines()[:2]
    assert line.split() == ["failed", "V2__b.sql"]
    assert below.lstrip().startswith("failed 2")
    assert "V2__b.sql:2:" in below
    project.write(V2__b="SELECT 1;", V3__c="SELECT 1;")
    assert states(project)["V2__b.sql"]["state"] == "failed"  # so far
    project.call("upgrade")
    assert {entry["state"] for entry in states(project).values()} == {"applied"}
    assert {entry["failure"] for entry in states(project).values()} == {None}


def test_repeatable_files_that_failed(project: Project) -> None:
    project.write(ROC__v="SELECT 1;", RA__r="SELECT 1;")
    project.call("upgrade")
    project.write(ROC__v=WRONG)
    fails(project)
    found = states(project)
    assert (found["ROC__v.sql"]["state"], found["RA__r.sql"]["state"]) == ("failed", "applied")
    project.write(ROC__v="SELECT 1;", RA__r=WRONG)
    fails(project)
    found = states(project)
    assert found["ROC__v.sql"]["failure"]  # its last run, though it is as it was applied
    assert (found["ROC__v.sql"]["state"], found["RA__r.sql"]["state"]) == ("applied", "failed")
    assert project.call("status").count("nowhere") == 1


def test_a_rollback_that_failed(project: Project) -> None:
    """The migration is still applied."""
    project.write(V1__a=f"{A}\n-- rollback\n{WRONG}")
    project.call("upgrade")
    fails(project, "rollback")
    found = states(project)["V1__a.sql"]
    assert "nowhere" in found["failure"]["message"]
    assert found["state"] in ("applied", "incomplete")
    assert project.call("status").count("nowhere") == 1
    project.call("rollback", fake=True)
    assert states(project)["V1__a.sql"]["state"] == "pending"


def test_one_that_stopped_half_way(project: Project) -> None:
    project.write(V1__a=f"-- jetbase: transaction=off\n{A}\n{WRONG}")
    fails(project)
    found = states(project)["V1__a.sql"]
    assert found["state"] == "incomplete"
    assert "Committed are 1 of 2" in found["failure"]["message"]
    project.call("resolve", "1", rolled_back=True)
    found = states(project)["V1__a.sql"]
    assert (found["state"], found["failure"]) == ("pending", None)


def test_another_file_of_its_version_has_not_failed(project: Project) -> None:
    project.write(V1__a=WRONG)
    fails(project)
    (project.folder / "V1__a.sql").rename(project.folder / "V1__b.sql")
    found = states(project)["V1__b.sql"]
    assert (found["state"], found["failure"]) == ("pending", None)


@pytest.mark.engines("postgresql")
def test_the_log_tells_even_where_the_state_is_gone(project: Project) -> None:
    project.write(V1__a=A, V2__b=WRONG)
    fails(project)
    project.query("DROP TABLE django_jetbase_migration")
    assert states(project)["V2__b.sql"]["state"] == "failed"


def test_it_is_one_query(project: Project, django_assert_max_num_queries: Any) -> None:
    project.write(**{f"V{number}__x": "SELECT 1;" for number in range(1, 9)}, V9__y=WRONG)
    fails(project)
    count = {"sqlite": 6, "postgresql": 12, "mysql": 10}[project.vendor]
    with django_assert_max_num_queries(count, connection=project.connection):
        project.call("status")


@pytest.mark.parametrize("name", ["ROC__r", "RA__r"])
def test_a_second_failure_does_not_deny_what_the_first_has_kept(
    project: Project, name: str
) -> None:
    project.write(V1__a="CREATE TABLE a (id INTEGER PRIMARY KEY);")
    text = f"-- jetbase: transaction=off\nINSERT INTO a VALUES (7);\n{WRONG}"
    project.write(**{name: text})
    fails(project)
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    said = str(caught.value)
    assert "This run has kept nothing of it, but what an earlier one has committed" in said
    assert "Nothing of this file" not in said
    assert project.query("SELECT id FROM a") == [(7,)]
