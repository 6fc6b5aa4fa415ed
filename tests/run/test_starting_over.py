"""A repeatable file that stopped half-way is run again, from its beginning."""

import pytest
from django.core.management.base import CommandError

from ..conftest import Project

OFF = "-- jetbase: transaction=off\n"
BROKEN = f"{OFF}INSERT INTO log VALUES (1);\nSELECT * FROM nowhere;"
SOUND = f"{OFF}INSERT INTO log VALUES (1);\nINSERT INTO log VALUES (2);"


@pytest.fixture(params=["ROC", "RA"])
def name(request: pytest.FixtureRequest) -> str:
    return f"{request.param}__b"


@pytest.fixture
def stopped(project: Project, name: str) -> Project:
    project.write(V1__a="CREATE TABLE log (n INTEGER);", **{name: BROKEN})
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert str(caught.value).splitlines()[-1] == (
        "Committed are 1 of 2 statements, up to line 2; not those from line 3 on. Correct it and"
        " run jetbase_upgrade again, which runs it from its beginning."
    )
    return project


def log(project: Project) -> list[int]:
    return [n for (n,) in project.query("SELECT n FROM log ORDER BY n")]


def test_as_it_is(stopped: Project) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        stopped.call("upgrade")
    assert log(stopped) == [1, 1]
    assert stopped.applied() == ["V1__a.sql"]


def test_once_it_is_corrected(stopped: Project, name: str) -> None:
    stopped.write(**{name: SOUND})
    assert f"Applied {name}.sql" in stopped.call("upgrade")
    assert f"{name}.sql: has not come to its end" in stopped.said
    assert log(stopped) == [1, 1, 2]
    assert stopped.applied() == ["V1__a.sql", f"{name}.sql"]
    kinds = [event["event"] for event in stopped.events() if event["path"] == f"{name}.sql"]
    assert kinds == ["started", "failed", "started", "applied"]
    again = stopped.call("upgrade")
    assert (again == "Nothing to do.\n") is name.startswith("ROC")


def test_once_it_is_one_transaction(stopped: Project, name: str) -> None:
    stopped.write(**{name: "INSERT INTO log VALUES (3);"})
    stopped.call("upgrade")
    assert log(stopped) == [1, 3]
    assert stopped.applied() == ["V1__a.sql", f"{name}.sql"]


def test_with_what_comes_after_it(stopped: Project, name: str) -> None:
    stopped.write(V2__c="INSERT INTO log VALUES (7);", **{name: SOUND})
    stopped.call("upgrade")
    assert log(stopped) == [1, 1, 2, 7]


def test_it_was_applied_before(project: Project) -> None:
    project.write(V1__a="CREATE TABLE log (n INTEGER);", ROC__b=SOUND)
    project.call("upgrade")
    project.write(ROC__b=BROKEN)
    with pytest.raises(CommandError, match="nowhere"):
        project.call("upgrade")
    project.write(ROC__b=SOUND)
    project.call("upgrade")
    assert log(project) == [1, 1, 1, 2, 2]
    assert project.applied() == ["V1__a.sql", "ROC__b.sql"]


@pytest.mark.parametrize("name", ["ROC__b"])
def test_without_its_file_it_is_to_be_resolved(stopped: Project, name: str) -> None:
    (stopped.folder / f"{name}.sql").unlink()
    with pytest.raises(CommandError, match=r"jetbase_resolve ROC__b\.sql"):
        stopped.call("upgrade")
    stopped.call("resolve", "ROC__b.sql", rolled_back=True)
    assert stopped.call("upgrade") == "Nothing to do.\n"


@pytest.mark.parametrize("name", ["ROC__b"])
def test_a_check_finds_it_pending(stopped: Project, name: str) -> None:
    with pytest.raises(CommandError) as caught:
        stopped.call("upgrade", check=True)
    assert caught.value.returncode == 3


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("name", ["ROC__b"])
def test_or_goes_on_where_that_is_asked_for(stopped: Project, name: str) -> None:
    stopped.write(**{name: SOUND})
    stopped.call("upgrade", resume=True)
    assert log(stopped) == [1, 2]


@pytest.mark.parametrize("name", ["ROC__b"])
@pytest.mark.parametrize("mode", ["", OFF])
def test_in_a_script_too(stopped: Project, name: str, mode: str) -> None:
    stopped.write(**{name: f"{mode}INSERT INTO log VALUES (5);"})
    stopped.run_script(stopped.call("upgrade", sql=True)).check_returncode()
    assert log(stopped) == [1, 5]
    assert stopped.applied() == ["V1__a.sql", f"{name}.sql"]
    assert stopped.call("upgrade") == "Nothing to do.\n"
