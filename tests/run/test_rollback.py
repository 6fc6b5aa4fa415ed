import pytest
from django.core.management.base import CommandError

from ..conftest import Project

FILES = {
    f"V{n}__t{n}": f"CREATE TABLE t{n} (id INTEGER);\n-- rollback\nDROP TABLE t{n};\n"
    for n in (1, 2, 3)
}


@pytest.fixture
def upgraded(project: Project) -> Project:
    project.write(**FILES)
    project.call("upgrade")
    return project


def test_undoes_the_newest_by_default(upgraded: Project) -> None:
    assert "Rolled back V3__t3.sql" in upgraded.call("rollback")
    assert upgraded.tables() == {"t1", "t2"}
    upgraded.call("upgrade")
    assert upgraded.tables() == {"t1", "t2", "t3"}


def test_count_and_version(upgraded: Project) -> None:
    upgraded.call("rollback", count=2)
    assert upgraded.tables() == {"t1"}
    upgraded.call("upgrade")
    upgraded.call("rollback", to_version="1.0")
    assert upgraded.tables() == {"t1"}
    assert "Nothing to do." in upgraded.call("rollback", to_version="1")
    upgraded.call("rollback", to_version="zero")
    assert upgraded.tables() == set()


def test_goes_by_the_order_in_which_they_ran(project: Project) -> None:
    project.write(V2__t2=FILES["V2__t2"])
    project.call("upgrade")
    project.write(V1__t1=FILES["V1__t1"])
    project.query(
        "UPDATE django_jetbase_migration SET version = '0.5', "
        + project.connection.ops.quote_name("key")
        + " = '0.5'"
    )
    (project.folder / "V2__t2.sql").rename(project.folder / "V0.5__t2.sql")
    project.call("upgrade")
    project.call("rollback")
    assert project.tables() == {"t2"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "at least 1"),
        ({"count": 4}, "Cannot roll back 4: 3 versions are applied"),
        ({"to_version": "9"}, "no version 9"),
    ],
)
def test_bad_targets_are_refused(upgraded: Project, options: dict[str, str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        upgraded.call("rollback", **options)
    assert len(upgraded.applied()) == 3


def test_without_a_rollback_section_nothing_is_rolled_back(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id INTEGER);", V2__t2=FILES["V2__t2"])
    project.call("upgrade")
    with pytest.raises(CommandError, match=r"V1__a.sql: has no rollback section"):
        project.call("rollback", count=2)
    assert project.tables() == {"a", "t2"}


def test_an_empty_rollback_section_is_rolled_back(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id INTEGER);\n-- rollback\n")
    project.call("upgrade")
    project.call("rollback")
    assert project.applied() == []
    assert project.tables() == {"a"}


def test_runs_on_change_files_are_due_again(project: Project) -> None:
    project.write(
        V1__t="CREATE TABLE t (id INTEGER);\n-- rollback\nDROP VIEW v; DROP TABLE t;",
        ROC__v="CREATE VIEW v AS SELECT id FROM t;",
    )
    project.call("upgrade")
    project.call("rollback")
    assert project.applied() == []
    project.call("upgrade")
    assert project.query("SELECT * FROM v") == []


def test_a_missing_file_is_rolled_back_from_the_history(upgraded: Project) -> None:
    (upgraded.folder / "V3__t3.sql").unlink()
    upgraded.call("rollback")
    assert upgraded.tables() == {"t1", "t2"}


def test_a_missing_file_whose_text_was_not_kept_is_an_error(project: Project) -> None:
    project.configure(HISTORY_TEXT_LIMIT=0)
    project.write(**FILES)
    project.call("upgrade")
    (project.folder / "V3__t3.sql").unlink()
    with pytest.raises(CommandError, match="put the file back"):
        project.call("rollback")
    assert len(project.applied()) == 3


def test_dry_run(upgraded: Project) -> None:
    said = upgraded.call("rollback", dry_run=True)
    assert "DROP TABLE t3" in said
    assert "CREATE" not in said
    assert upgraded.tables() == {"t1", "t2", "t3"}


def test_nothing_applied(project: Project) -> None:
    with pytest.raises(CommandError, match="0 versions are applied"):
        project.call("rollback")
    assert project.connection.introspection.table_names() == []


def test_events_stay_visible(upgraded: Project) -> None:
    upgraded.call("rollback")
    upgraded.call("upgrade")
    events = [(event["event"], event["path"]) for event in upgraded.events()]
    events = [event for event in events if event[0] != "started"]
    assert events[-2:] == [("rolled back", "V3__t3.sql"), ("applied", "V3__t3.sql")]


@pytest.mark.engines("mysql")
def test_a_rollback_that_stops_half_way_is_incomplete(project: Project) -> None:
    project.write(
        V1__a="CREATE TABLE a (id INT); CREATE TABLE b (id INT);\n"
        "-- rollback\nDROP TABLE a;\nDROP TABLE nowhere;\nDROP TABLE b;"
    )
    project.call("upgrade")
    with pytest.raises(CommandError, match=r"V1__a.sql:4:.*\n.*\nCommitted are 1 of 3"):
        project.call("rollback")
    with pytest.raises(CommandError, match="its rollback has not come to its end"):
        project.call("rollback")
    project.query("DROP TABLE b")
    project.call("resolve", "1", rolled_back=True)
    assert project.applied() == []
