import pytest
from django.core.management.base import CommandError

import django_jetbase
from django_jetbase.exceptions import AtomicError, StatementError

from ..conftest import Project

USERS = "CREATE TABLE users (id INTEGER PRIMARY KEY);\n-- rollback\nDROP TABLE users;\n"
ITEMS = "CREATE TABLE items (id INTEGER PRIMARY KEY);\n-- rollback\nDROP TABLE items;\n"


def test_applies_versions_in_order_and_once(project: Project) -> None:
    project.write(V2__b="CREATE TABLE b (id INTEGER);", V10__c="CREATE TABLE c (id INTEGER);")
    project.write(V1__a="CREATE TABLE a (id INTEGER);")
    assert project.call("upgrade").count("Applied") == 3
    assert project.applied() == ["V1__a.sql", "V2__b.sql", "V10__c.sql"]
    assert project.tables() == {"a", "b", "c"}
    assert project.call("upgrade") == "Nothing to do.\n"
    assert project.call("current") == "10\n"


def test_repeatables_run_after_versions_roc_before_ra(project: Project) -> None:
    project.write(
        RA__always="INSERT INTO log VALUES ('ra');",
        ROC__changes="INSERT INTO log VALUES ('roc');",
        V1__log="CREATE TABLE log (what VARCHAR(10));",
    )
    project.call("upgrade")
    assert project.query("SELECT what FROM log") == [("roc",), ("ra",)]
    project.call("upgrade")
    assert project.query("SELECT what FROM log") == [("roc",), ("ra",), ("ra",)]
    project.write(ROC__changes="INSERT INTO log VALUES ('new');")
    project.call("upgrade")
    assert project.query("SELECT what FROM log")[3:] == [("new",), ("ra",)]


def test_a_runs_on_change_file_ignores_its_rollback_section(project: Project) -> None:
    project.write(V1__log="CREATE TABLE log (id INTEGER);", ROC__x="INSERT INTO log VALUES (1);")
    project.call("upgrade")
    project.write(ROC__x="INSERT INTO log VALUES (1);\r\n\r\n-- rollback\nDELETE FROM log;")
    project.call("upgrade")
    assert project.query("SELECT * FROM log") == [(1,)]


def test_same_name_in_two_folders(project: Project) -> None:
    for folder in ("a", "b"):
        (project.folder / folder).mkdir()
        (project.folder / folder / "ROC__view.sql").write_text(
            f"CREATE TABLE {folder} (id INTEGER)"
        )
    project.call("upgrade")
    assert project.applied() == ["a/ROC__view.sql", "b/ROC__view.sql"]
    assert project.call("upgrade") == "Nothing to do.\n"


def test_every_statement_runs_with_or_without_semicolon_and_comments(project: Project) -> None:
    project.write(
        V1__x=(
            "-- upgrade\nCREATE TABLE a (id INTEGER); -- trailing comment\n"
            "/* block ; */ CREATE TABLE b (id INTEGER) -- ; end\n;\n"
            "INSERT INTO a VALUES (1); INSERT INTO a VALUES (2);\nINSERT INTO b VALUES (3)"
        )
    )
    project.call("upgrade")
    assert project.query("SELECT id FROM a ORDER BY 1") == [(1,), (2,)]
    assert project.query("SELECT id FROM b") == [(3,)]


def test_placeholders_of_drivers_mean_nothing(project: Project) -> None:
    text = "50% %s %(x)s :name ? {} {{x}} ${y} %%"
    project.write(V1__x=f"CREATE TABLE a (t VARCHAR(99)); INSERT INTO a VALUES ('{text}');")
    project.call("upgrade")
    assert project.query("SELECT t FROM a") == [(text,)]


def test_text_arrives_byte_for_byte(project: Project) -> None:
    text = "é — 日本 🐘\n\tline two -- no comment; /* no comment */"
    project.write(V1__x=f"\ufeffCREATE TABLE a (t TEXT); INSERT INTO a VALUES ('{text}');".encode())
    project.call("upgrade")
    assert project.query("SELECT t FROM a") == [(text,)]


def test_an_empty_upgrade_section_is_recorded(project: Project) -> None:
    project.write(V1__nothing="-- nothing to do\n", V2__empty="", V3__only_down="-- rollback\n")
    project.call("upgrade")
    assert len(project.applied()) == 3


@pytest.mark.parametrize("count", [1, 2])
def test_count_leaves_the_rest_and_the_repeatables(project: Project, count: int) -> None:
    project.write(
        V1__a=USERS, V2__b=ITEMS, V3__c="SELECT 1;", ROC__x="SELECT 1;", RA__x="SELECT 1;"
    )
    said = project.call("upgrade", count=count)
    assert len(project.applied()) == count
    assert f"{3 - count} versioned migrations stay pending" in said


def test_count_that_covers_all_versions_runs_repeatables(project: Project) -> None:
    project.write(V1__a=USERS, ROC__x="SELECT 1;", RA__x="SELECT 1;")
    project.call("upgrade", count=5)
    assert project.applied() == ["V1__a.sql", "ROC__x.sql", "RA__x.sql"]


def test_to_version(project: Project) -> None:
    project.write(V1__a=USERS, V1_5__b=ITEMS, V2__c="SELECT 1;", RA__x="SELECT 1;")
    project.call("upgrade", to_version="1.5.0")
    assert project.applied() == ["V1__a.sql", "V1_5__b.sql"]
    assert "Nothing to do." in project.call("upgrade", to_version="1")
    project.call("upgrade", to_version="2")
    assert project.applied()[-1] == "RA__x.sql"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "at least 1"),
        ({"count": -1}, "at least 1"),
        ({"to_version": "7"}, "no version 7"),
        ({"to_version": "x"}, "is no version"),
    ],
)
def test_bad_targets_are_refused(project: Project, options: dict[str, str], message: str) -> None:
    project.write(V1__a=USERS)
    with pytest.raises(CommandError, match=message):
        project.call("upgrade", **options)
    assert project.tables() == set()


def test_dry_run_shows_the_sql_and_writes_nothing(project: Project) -> None:
    project.write(V1__a=USERS)
    said = project.call("upgrade", dry_run=True)
    assert "V1__a.sql" in said
    assert "CREATE TABLE users" in said
    assert "DROP TABLE" not in said
    assert project.connection.introspection.table_names() == []


def test_check_tells_pending_from_wrong(project: Project) -> None:
    project.write(V1__a=USERS, RA__x="SELECT 1;")
    with pytest.raises(CommandError, match=r"V1__a\.sql") as caught:
        project.call("upgrade", check=True)
    assert caught.value.returncode == 3
    assert project.connection.introspection.table_names() == []
    project.call("upgrade")
    assert project.call("upgrade", check=True) == "Nothing is pending.\n"
    project.write(V1__a=ITEMS)
    with pytest.raises(CommandError, match="changed after") as caught:
        project.call("upgrade", check=True)
    assert caught.value.returncode == 4


@pytest.mark.engines("postgresql", "sqlite")
def test_a_failing_file_leaves_nothing_and_stops_the_run(project: Project) -> None:
    project.write(V1__a=USERS, V2__b="CREATE TABLE b (id INTEGER);\nSELECT * FROM nowhere;\n")
    project.write(V3__c=ITEMS)
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert str(caught.value).startswith("V2__b.sql:2:")
    assert "nowhere" in str(caught.value)
    assert "Nothing of this file was kept" in str(caught.value)
    assert project.tables() == {"users"}
    project.write(V2__b="CREATE TABLE b (id INTEGER);")
    project.call("upgrade")
    assert project.tables() == {"users", "b", "items"}
    assert [event["event"] for event in project.events()] == [
        "applied",
        "failed",
        "applied",
        "applied",
    ]


@pytest.mark.engines("mysql")
def test_where_ddl_commits_a_failure_tells_what_is_committed(project: Project) -> None:
    project.write(
        V1__a="CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1);\nSELECT * FROM nowhere;"
    )
    project.write(V2__b="SELECT 1;")
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert str(caught.value).startswith("V1__a.sql:3:")
    assert "Committed are 2 of 3 statements, up to line 2; not those from line 3 on" in str(
        caught.value
    )
    assert "incomplete V1__a.sql" in project.call("status")
    with pytest.raises(CommandError, match="jetbase_resolve 1 --applied"):
        project.call("upgrade")
    project.query("DROP TABLE a")
    project.call("resolve", "1", rolled_back=True)
    project.write(V1__a="CREATE TABLE a (id INT);")
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]


@pytest.mark.engines("mysql")
def test_resolve_as_applied(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id INT);\nSELECT * FROM nowhere;")
    with pytest.raises(CommandError):
        project.call("upgrade")
    project.call("resolve", "1", applied=True)
    assert project.call("upgrade") == "Nothing to do.\n"
    with pytest.raises(CommandError, match="not incomplete"):
        project.call("resolve", "1", applied=True)


@pytest.mark.engines("mysql")
def test_what_the_file_rolled_back_itself_is_not_called_committed(project: Project) -> None:
    project.write(
        V1__a=(
            "CREATE TABLE a (id INT);\nSTART TRANSACTION;\nINSERT INTO a VALUES (1);\n"
            "SELECT * FROM nowhere;\nCOMMIT;"
        )
    )
    with pytest.raises(CommandError, match=r"Committed are 1 of 5 statements, up to line 1"):
        project.call("upgrade")
    assert project.query("SELECT * FROM a") == []


@pytest.mark.engines("mysql")
def test_a_first_statement_that_fails_leaves_nothing_incomplete(project: Project) -> None:
    project.write(V1__a="SELECT * FROM nowhere;")
    with pytest.raises(CommandError, match="Nothing of this file was kept"):
        project.call("upgrade")
    project.write(V1__a=USERS)
    project.call("upgrade")
    assert project.tables() == {"users"}


def test_refuses_an_open_atomic_block(project: Project) -> None:
    from django.db import transaction

    project.write(V1__a=USERS)
    with transaction.atomic(project.alias), pytest.raises(AtomicError):
        django_jetbase.upgrade(project.alias)
    assert project.connection.introspection.table_names() == []


def test_python_api(project: Project) -> None:
    project.write(V1__a=USERS, V2__b="SELECT * FROM nowhere;")
    planned = django_jetbase.upgrade(project.alias, dry_run=True)
    assert [item.step.path for item in planned.planned] == ["V1__a.sql", "V2__b.sql"]
    with pytest.raises(StatementError) as caught:
        django_jetbase.upgrade(project.alias)
    error = caught.value
    assert (error.path, error.line, error.version) == ("V2__b.sql", 1, "2")
    assert error.statement == "SELECT * FROM nowhere"
    status = django_jetbase.status(project.alias)
    assert [entry.state for entry in status.entries] == ["applied", "failed"]
    assert str(status.current) == "1"
    result = django_jetbase.rollback(project.alias)
    assert [done.step.path for done in result.done] == ["V1__a.sql"]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE USER x IDENTIFIED BY 'hunter2' PASSWORD 'hunter3' nonsense",
        "CREATE ROLE x PASSWORD E'hunter2' IN ROLE nowhere",
        "CREATE ROLE x PASSWORD $$hunter2$$ IN ROLE nowhere",
        "CREATE ROLE x PASSWORD /* it is */ 'hunter''2' IN ROLE nowhere",
        "DO $$ BEGIN EXECUTE 'CREATE ROLE x PASSWORD ''hunter2'' IN ROLE nowhere'; END $$",
        "SET PASSWORD FOR nope@zz = 'hunter2'",
        "CHANGE MASTER TO MASTER_PASSWORD='hunter2', bad=1",
        "CREATE USER x IDENTIFIED BY _utf8'hunter2' bad",
    ],
)
def test_passwords_do_not_show(project: Project, sql: str) -> None:
    project.write(V1__a=f"{sql};")
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert "hunter" not in str(caught.value)
    assert "hunter" not in str(project.events())


def test_autocommit_off_is_put_back(project: Project) -> None:
    project.write(V1__a=USERS)
    project.connection.set_autocommit(False)
    try:
        project.call("upgrade")
        assert project.connection.get_autocommit() is False
    finally:
        project.connection.set_autocommit(True)
    assert project.another().tables() == {"users"}


def test_the_query_log_does_not_hold_the_text(project: Project, settings: object) -> None:
    project.connection.force_debug_cursor = True
    project.write(V1__a=f"CREATE TABLE a (t TEXT); INSERT INTO a VALUES ('{'x' * 5000}');")
    project.call("upgrade")
    assert sum(len(entry["sql"]) for entry in project.connection.queries_log) < 20_000
    assert "xxxxx" not in str(project.connection.queries_log)
