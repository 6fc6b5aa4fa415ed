"""Comments that look like the rollback marker, and are none."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from django_jetbase.backends import lexicon_of
from django_jetbase.files.script import parse

from ..conftest import Project

A = "CREATE TABLE a (id INTEGER);\n"
NEARLY = [
    "-- rollback:",
    "-- rollback;",
    "--rollback.",
    "  -- rollback -",
    "-- rollback section",
    "-- ROLLBACK SQL",
    "--- rollback",
    "-- == rollback ==",
    "------ Roll back ------",
    "/* rollback */",
    "/* Down */",
    "-- [rollback]",
    "-- migrate:down",
    "-- migrate:down transaction:false",
    "-- +goose Down",
    "-- +migrate Down",
    "-- +migrate Down notransaction",
    "-- Down Migration",
    "-- rambler down",
    "--//@UNDO",
    "-- //@UNDO",
    "-- @DOWN",
    "-- !Downs",
    "-- undo",
    "-- downgrade",
    "---- create above / drop below ----",
    "-- \u2500\u2500\u2500 rollback \u2500\u2500\u2500",
    "-- \u2014 rollback \u2014",
    "-- rollback\tsection",
    "-- rollback_section",
    "-- rollback-section",
    "-- rollback: section",
    "-- rollback (section)",
    "-- _rollback_",
    "-- |rollback|",
    "-- rollback?",
    "-- rollback\u2026",
    "-- SQL rollback",
    "-- begin rollback",
    "-- rollback commands",
    "-- down / rollback",
    "-- migrate-down",
    "-- migrate:rollback",
    "-- revert",
    "-- roll\xa0back",
    "-- roll\u2011back",
    "-- \xadrollback",
    "--\xa0rollback",
    "-- rollback\u200b",
    "-- \ufeffrollback",
    "-- rollback\u2028",
    '-- "rollback"',
    "-- `rollback`",
    "/*\n rollback\n*/",
    "/*\n * Down migration\n */",
    "/****\n** ROLLBACK **\n****/",
]
PROSE = [
    "-- rollback makes updated_at inaccurate but nobody reads it",
    "-- Rollback is not possible",
    "-- Revert defaults",
    "-- undo the mess of V3",
    "-- down to earth",
    "-- slow down",
    "/* rollback */ SELECT 2;",
    "-- rollback of V3 in a section of its own",
    "-- revert to the old section",
    "SELECT 'a\n-- rollback:\n';",
    "/* what to do:\n-- rollback:\n*/",
    "SELECT 1\n-- rollback:\n+ 1;",
    "/* rollback\n   is what this is about */",
    "/* what to do: /* first */\n-- rollback:\n*/",
]


def lines(text: str, vendor: str) -> list[int | None]:
    script = parse("V1__a.sql", text, lexicon_of(vendor))
    assert script.problems == ()
    return [problem.line for problem in script.lookalikes]


# To MySQL two dashes begin a comment only with a blank behind them.
WRITTEN = [
    (comment, vendor)
    for vendor in ("postgresql", "mysql", "sqlite")
    for comment in NEARLY
    if vendor != "mysql" or comment.lstrip().startswith(("-- ", "/*"))
]


@pytest.mark.parametrize(("comment", "vendor"), WRITTEN)
def test_a_comment_that_is_nearly_a_marker(comment: str, vendor: str) -> None:
    text = f"SELECT 1;\n{comment}\nDROP TABLE a;\n"
    assert lines(text, vendor) == [2]
    assert lines(text.replace("\n", "\r\n"), vendor) == [2]
    assert lines(f"{text}-- rollback\nSELECT 2;", vendor) == [2]
    assert lines(f"{comment}\nDROP TABLE a;\n", vendor) == [1]
    if not comment.startswith(" "):  # behind a statement, where the marker itself would hold
        assert lines(f"SELECT 1; {comment}\nDROP TABLE a;\n", vendor) == [1]
    # Nothing runs below it that is meant to be above, or the other way round.
    assert lines(f"SELECT 1;\n-- rollback\n{comment}\nDROP TABLE a;\n", vendor) == []
    assert lines(f"SELECT 1;\n{comment}\n-- rollback\nDROP TABLE a;\n", vendor) == []
    assert lines(f"SELECT 1;\n{comment}\n", vendor) == []
    assert lines(f"-- jetbase: other_markers=ignore\n{text}", vendor) == []


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_none(text: str) -> None:
    assert lines(f"SELECT 1;\n{text}\nDROP TABLE a;\n", "postgresql") == []


@pytest.mark.parametrize(
    "comment", ["--//@UNDO", "--rollback:", "--+goose Down", "---- rollback --"]
)
def test_dashes_without_a_blank_on_mysql(comment: str) -> None:
    """To MySQL a statement, and to who wrote it a marker."""
    assert lines(f"SELECT 1;\n{comment}\nDROP TABLE a;\n", "mysql") == [2]


@pytest.mark.parametrize("vendor", ["postgresql", "mysql", "sqlite"])
def test_a_comment_without_an_end_hides_no_marker(vendor: str) -> None:
    """SQLite takes it for one up to the end of the text."""
    text = f"SELECT 1;\n/* note\n{A}-- rollback\nDROP TABLE a;\n"
    (problem,) = parse("V1__a.sql", text, lexicon_of(vendor)).problems
    assert (problem.id, problem.line) == ("jetbase.E009", 2)
    assert "the comment that begins here has no end" in problem.message


def test_also_behind_a_sharp() -> None:
    for vendor in ("mysql", "sqlite"):
        assert lines("SELECT 1;\n# --- !Downs\nDROP TABLE a;\n", vendor) == [2]
        text = "SELECT 1;\n# see a/*.sql\n-- rollback:\nDROP TABLE a;\n# b*/\n"
        assert lines(text, vendor) == [3]
        assert lines(f"SELECT 1;\n# /* b */ rollback:\n{A}", vendor) == []


def test_lines_that_end_as_on_an_old_mac() -> None:
    """Where a comment ends there."""
    assert lines("SELECT 1;\r-- undo\rDROP TABLE a;\r", "postgresql") == [1]
    assert lines("SELECT 1;\r-- undo\rDROP TABLE a;\r", "sqlite") == []


def test_a_pending_file_is_refused(project: Project) -> None:
    text = "CREATE TABLE a (id INTEGER);\n-- migrate:down\nDROP TABLE a;\n"
    project.write(V1__a="SELECT 1;", V2__b=text, RA__c=text)
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert (
        str(caught.value).splitlines()[0].startswith("V2__b.sql:2:1: the comment is another tool")
    )
    assert "RA__c.sql:2:1: " in str(caught.value)
    assert "(jetbase.E017)" in str(caught.value)
    assert project.tables() == set()
    project.write(V2__b=f"-- jetbase: other_markers=ignore\n{text}")
    project.write(RA__c=text.replace("migrate:down", "rollback"))
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql", "RA__c.sql"]


def test_an_applied_one_stays_valid(project: Project) -> None:
    ignored = "-- jetbase: other_markers=ignore\n"
    text = "CREATE TABLE a (id INTEGER);\n-- undo\nDROP TABLE a;\n-- rollback\nSELECT 1;\n"
    project.write(V1__a=ignored + text, RA__b=ignored + text)
    project.call("upgrade")
    for path in ("V1__a", "RA__b"):  # as if it had been applied before there was such a rule
        project.write(**{path: text})
    project.query("DELETE FROM django_jetbase_migration")
    project.call("upgrade", fake=True)
    project.call("upgrade")
    assert "jetbase.E017" not in project.call("status")
    said = StringIO()
    call_command("check", databases=[project.alias], stderr=said, fail_level="ERROR")
    assert said.getvalue().count("(jetbase.E017)") == 2
    assert project.call("rollback").startswith("Rolled back V1__a.sql")
