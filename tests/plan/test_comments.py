"""Comments between the statements of an applied file may change; those inside them may not."""

import pytest
from django.core.management.base import CommandError

from ..conftest import Project

A = "CREATE TABLE a (id INTEGER);\nINSERT INTO a VALUES (1);\n"
OFF = "-- jetbase: transaction=off\n"
SAME = [
    f"-- what it does\n{A}",
    f"/* what it does */\n\n\n{A}-- the end\n",
    "CREATE TABLE a (id INTEGER); -- of letters\n\n  INSERT INTO a VALUES (1)",
    f"-- jetbase: lock_timeout=7s\n{A}",
    f"{A}-- rollback\nDROP TABLE a;",
    f"-- why\r\n{A}".replace("\n", "\r\n"),
]
OTHER = [
    "CREATE TABLE a (id INTEGER /* of letters */);\nINSERT INTO a VALUES (1);",
    "CREATE TABLE a (id  INTEGER);\nINSERT INTO a VALUES (1);",
    "CREATE TABLE a (id INTEGER);\n/*+ SeqScan(a) */ INSERT INTO a VALUES (1);",
    f"{A}INSERT INTO a VALUES (2);",
    "CREATE TABLE a (id INTEGER);",
    "-- jetbase: delimiter=~\nCREATE TABLE a (id INTEGER)~\nINSERT INTO a VALUES (1)~",
]


@pytest.mark.parametrize("text", SAME)
def test_between_statements(project: Project, text: str) -> None:
    project.write(V1__a=A, ROC__b="SELECT 1;\nSELECT 2;")
    project.call("upgrade")
    project.write(V1__a=text, ROC__b="-- of no use\nSELECT 1;\n\n-- why\nSELECT 2;")
    assert project.call("upgrade") == "Nothing to do.\n"
    assert "E014" not in project.call("status") + project.said
    assert project.call("validate_checksums") == "All is well.\n"
    project.call("rollback") if "rollback" in text else None
    events = [event["event"] for event in project.events()]
    assert events.count("applied") == 2


@pytest.mark.parametrize("text", OTHER)
def test_inside_them(project: Project, text: str) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.write(V1__a=text)
    with pytest.raises(CommandError, match=r"V1__a\.sql: was changed after it was applied"):
        project.call("upgrade")


def test_a_repeatable_runs_again_when_a_statement_changes(project: Project) -> None:
    project.write(ROC__a="SELECT 1;")
    project.call("upgrade")
    project.write(ROC__a="SELECT /* one */ 1;")
    assert project.call("upgrade").startswith("Applied ROC__a.sql")


def test_placeholders_are_compared_as_they_are_written(project: Project) -> None:
    project.configure(PLACEHOLDERS={"n": "1"})
    project.write(V1__a="SELECT ${n};")
    project.call("upgrade")
    project.configure(PLACEHOLDERS={"n": "2"})
    project.write(V1__a="-- a number\nSELECT ${n};")
    assert project.call("upgrade") == "Nothing to do.\n"
    project.write(V1__a="SELECT 2;")
    with pytest.raises(CommandError, match="was changed after it was applied"):
        project.call("upgrade")


def edits_comments(project: Project) -> None:
    """And then more than those."""
    project.write(V1__a=f"-- why\n{A}")
    assert project.call("upgrade") == "Nothing to do.\n"
    project.call("fix_checksums")
    assert project.call("upgrade") == "Nothing to do.\n"
    project.write(V1__a=f"{A}\nSELECT 1;")
    with pytest.raises(CommandError, match="was changed after it was applied"):
        project.call("upgrade")


def test_without_the_text_that_ran_the_checksum_of_its_statements_tells(project: Project) -> None:
    project.configure(HISTORY_TEXT_LIMIT=0)
    project.write(V1__a=A, ROC__b="SELECT 1;")
    project.call("upgrade")
    applied = [event for event in project.events() if event["event"] == "applied"]
    assert {event["detail"][:18] for event in applied} == {"sha256-statements:"}
    edits_comments(project)
    project.call("fix_checksums")
    assert project.events()[-1]["detail"].count("sha256") == 2
    project.write(V1__a=f"{A}\n-- why\nSELECT 1;", ROC__b="-- why\nSELECT 1;\n")
    assert project.call("upgrade") == "Nothing to do.\n"
    project.write(ROC__b="SELECT 1 ;SELECT 2;")
    assert "Applied ROC__b.sql" in project.call("upgrade")


@pytest.mark.parametrize("way", ["fake", "resolved", "off"])
def test_however_it_came_into_the_history(project: Project, way: str) -> None:
    project.configure(HISTORY_TEXT_LIMIT=0)
    if way == "resolved":
        project.write(V1__a=f"{OFF}{A}\nSELECT * FROM nowhere;")
        with pytest.raises(CommandError, match="nowhere"):
            project.call("upgrade")
        project.write(V1__a=A)
        project.call("resolve", "1", applied=True)
    else:
        project.write(V1__a=OFF * (way == "off") + A)
        project.call("upgrade", fake=way == "fake")
    edits_comments(project)


def test_a_history_of_before_has_neither_text_nor_checksum(project: Project) -> None:
    """Then any change is one, as it was."""
    project.configure(HISTORY_TEXT_LIMIT=0)
    project.write(V1__a=A)
    project.call("upgrade")
    project.query("UPDATE django_jetbase_event SET detail = ''")
    project.write(V1__a=f"-- why\n{A}")
    with pytest.raises(CommandError, match="was changed after it was applied"):
        project.call("upgrade")


def test_the_text_must_be_the_one_that_ran(project: Project) -> None:
    """Who can write to the history could make any text look like it."""
    project.write(V1__a=A, V2__b="SELECT 1;")
    project.call("upgrade")
    project.query(
        "UPDATE django_jetbase_migration SET text ="
        " (SELECT text FROM (SELECT text FROM django_jetbase_migration WHERE version = '2') AS t)"
        " WHERE version = '1'"
    )
    project.write(V1__a="-- why\nSELECT 1;")
    with pytest.raises(CommandError, match=r"V1__a\.sql: was changed after it was applied"):
        project.call("upgrade")


def test_reading_writes_nothing(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    rows = project.query("SELECT * FROM django_jetbase_migration")
    project.write(V1__a=f"-- why\n{A}")
    for command in ("status", "upgrade", "validate_files", "fix_checksums"):
        project.call(command)
    assert project.query("SELECT * FROM django_jetbase_migration") == rows


@pytest.mark.parametrize("word", ["JETBASE: DELIMITER=|", "Jetbase: Delimiter=|"])
def test_directives_in_any_case(project: Project, word: str) -> None:
    project.write(V1__a=f"-- {word}\nCREATE TABLE a (id INTEGER)|\nSELECT 1|")
    project.call("upgrade")
    assert project.tables() == {"a"}
