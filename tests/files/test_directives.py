"""The table of directives, and what a file says by them."""

from pathlib import Path

import pytest
from django.core.management.base import CommandError

from django_jetbase.backends.base.features import Features
from django_jetbase.files.directives import KNOWN, ROWS, Directives
from django_jetbase.files.script import parse
from django_jetbase.problems import Rule
from django_jetbase.sql.lexicon import Lexicon

from ..conftest import Project

PAGE = Path(__file__).parents[2] / "docs" / "files.md"
VALUES = {
    "delimiter": ("~", "~"),
    "transaction": ("off", False),
    "foreign_keys": ("on", True),
    "lock_timeout": ("2min", 120.0),
    "statement_timeout": ("500ms", 0.5),
    "role": ("Clerk-1", "Clerk-1"),
    "other_markers": ("ignore", "ignore"),
    "after": ("shop.0003", ("shop.0003",)),
    "needs": ("views/RA__x.sql", ("views/RA__x.sql",)),
    "was": ("views/ROC__x.sql", "views/ROC__x.sql"),
    "django": ("shop.0003", "shop.0003"),
}


@pytest.mark.parametrize("name", ROWS)
def test_each_is_read_documented_and_said_to_be_known(name: str) -> None:
    text, value = VALUES[name]
    given = Directives().given(name, text, in_head=True)
    assert getattr(given, name) == value
    assert f"`-- jetbase: {name}=" in PAGE.read_text() or f" {name}=" in PAGE.read_text()
    assert f"{name}=" in KNOWN


@pytest.mark.parametrize("name", ROWS)
def test_what_it_needs_is_known_of_every_database(name: str) -> None:
    needed = ROWS[name].needs
    assert not needed or getattr(Features, needed) is False  # until a database says that it has it


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("text", ["", "'", '"x"', "a\tb"])
def test_bad_values(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"\A\Z"):
        Directives().given(name, text, in_head=True)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("transaction", "OFF", False),
        ("foreign_keys", "On", True),
        ("lock_timeout", "5S", 5),
        ("statement_timeout", "1Min", 60),
        ("other_markers", "Ignore", "ignore"),
    ],
)
def test_the_case_of_a_word_does_not_matter(name: str, text: str, value: object) -> None:
    assert getattr(Directives().given(name, text, in_head=True), name) == value


@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        ("-- jetbase: lock_timeout=-1", "'lock_timeout=-1' is no", "as lock_timeout=5s, without"),
        ("-- jetbase: lock_timeout=\u0665s", "is no directive", "write it as lock_timeout=5s"),
        ("-- jetbase: transaction = off", "'transaction' is no", "transaction=on|off, without bl"),
        ("-- jetbase: role=a role=b", "'role=b': a section has one role", "keep one"),
        ("-- jetbase lock_timeout=5s", "nearly a directive, and holds", "-- jetbase: name=value"),
        ("-- Jetbase : transaction=off", "nearly a directive", "name=value"),
        ("-- jetbase-transaction=off", "nearly a directive", "name=value"),
        ("/* jetbase: transaction=off */", "nearly a directive", "name=value"),
    ],
)
def test_what_is_nearly_a_directive(line: str, said: str, hint: str) -> None:
    script = parse("V1__a.sql", f"{line}\nSELECT 1;\n", Lexicon())
    problem = (*script.problems, *script.lookalikes)[0]
    assert (problem.id, problem.line) == (Rule.UNKNOWN_DIRECTIVE, 1)
    assert said in problem.message
    assert hint in problem.hint


def test_prose_about_the_tool_is_no_directive() -> None:
    text = "-- jetbase runs this\n/* see jetbase: the tool */\n-- by jetbase (x=1)\nSELECT 1;"
    script = parse("V1__a.sql", text, Lexicon())
    assert (script.problems, script.lookalikes) == ((), ())


def test_an_applied_file_with_such_a_comment_stays_valid(project: Project) -> None:
    """It is refused while it is pending, and can be rolled back where it has run before."""
    text = "/* jetbase: role=a */\nSELECT 1;\n-- rollback\nSELECT 2;\n"
    project.write(V1__a=text)
    with pytest.raises(CommandError, match=r"V1__a\.sql:1:1: the comment is nearly a directive"):
        project.call("upgrade")
    project.write(V1__a="SELECT 1;")
    project.call("upgrade", fake=True)
    project.write(V1__a=text)  # the same statements
    assert project.call("upgrade") == "Nothing to do.\n"
    assert project.call("rollback").startswith("Rolled back V1__a.sql")


def test_the_shortest_time_is_not_none() -> None:
    assert Directives().given("statement_timeout", "0.4ms", in_head=True).statement_timeout == 0.001
    assert Directives().given("statement_timeout", "0", in_head=True).statement_timeout == 0


def test_a_time_that_no_database_takes() -> None:
    (problem,) = parse("V1__a.sql", "-- jetbase: lock_timeout=9999h\n;", Lexicon()).problems
    assert (problem.id, problem.line) == (Rule.UNKNOWN_DIRECTIVE, 1)
    assert "'lock_timeout=9999h': no time is longer than 24 days" in problem.message


def test_those_of_the_rollback_section_replace_those_of_the_head() -> None:
    text = (
        "-- jetbase: role=a lock_timeout=1\nSELECT 1;\n-- rollback\n-- jetbase: role=b\nSELECT 2;\n"
    )
    script = parse("V1__a.sql", text, Lexicon())
    assert script.rollback
    above, below = script.upgrade, script.rollback
    assert (above.directives.role, below.directives.role) == ("a", "b")
    assert below.directives.lock_timeout == 1
    assert above.place(above.places["role"]) == (1, 1)
    assert below.place(below.places["role"]) == (4, 1)
    assert below.place(below.places["lock_timeout"]) == (1, 1)


def test_one_too_many_does_not_show_the_value_of_a_placeholder() -> None:
    text = "-- jetbase: django=shop.0001\n-- jetbase: django=${NAME}\nSELECT 1;\n"
    values = {"NAME": "secret.0002"}
    (problem,) = parse("V1__a.sql", text, Lexicon(), values).problems
    assert (problem.line, problem.hint) == (2, "keep one")
    assert "'django=${NAME}': a file has one django" in problem.message


def test_those_of_the_file_stand_in_its_head_only() -> None:
    text = "SELECT 1;\n-- rollback\n-- jetbase: after=shop.0001\nSELECT 2;\n"
    (problem,) = parse("V1__a.sql", text, Lexicon()).problems
    assert (problem.id, problem.line) == (Rule.UNKNOWN_DIRECTIVE, 3)
    assert problem.hint == (
        "known are delimiter=…, transaction=on|off, foreign_keys=on|off, lock_timeout=5s,"
        " statement_timeout=5min, role=NAME and, above the upgrade, other_markers=ignore,"
        " after=app.0001_name, needs=ROC__x.sql, was=ROC__old.sql, django=app.0001_name"
    )
