"""What is secret in SQL and in messages, and that finding it takes time linear in their length."""

import pytest

from django_jetbase import Statement, split
from django_jetbase.backends import lexicon_of
from django_jetbase.display import shown
from django_jetbase.sql.redaction import (
    blanked,
    message_without,
    with_names,
    without_secrets,
    without_values,
)

from ..growth import FACTOR, assert_linear

ANY = ["postgresql", "mysql", "sqlite"]
SECRET = {
    "postgresql": [
        "ALTER ROLE a PASSWORD 'hunter'",
        "ALTER ROLE a PASSWORD E'hun\\'hunter'",
        "ALTER ROLE a PASSWORD $$hunter$$",
        "ALTER ROLE a PASSWORD 'a\nhunter\nb'",
        "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'a', password 'hunter')",
        "CREATE SUBSCRIPTION s CONNECTION 'host=h password=hunter user=u' PUBLICATION p",
        "CREATE SUBSCRIPTION s CONNECTION 'host=h password=hun;hunter' PUBLICATION p",
        "CREATE SUBSCRIPTION s CONNECTION 'postgresql://me:hunter@h/db' PUBLICATION p",
        "DO $x$ BEGIN EXECUTE format('ALTER ROLE a PASSWORD %L', 'hunter'); END $x$",
        "DO $x$ BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''hunter'''; END $x$",
        "DO $x$ BEGIN EXECUTE $y$ALTER ROLE a PASSWORD 'hunter'$y$; END $x$",
        "SELECT set_config('app.password', 'hunter', false)",
        "INSERT INTO settings VALUES ('db_password', 'hunter')",
        "INSERT INTO u (name, password) VALUES ('a', 'hunter'), ('b', 'hunter')",
        "UPDATE u SET \"password\" = 'hunter'",
        "UPDATE u SET password = 12345678901234 WHERE name = 'a'",
        "/* password 'hunter' */ SELECT 1",
        "ALTER ROLE a PASSWORD 'hunter",
        "ALTER ROLE a PASSWORD $x$hunter",
        "COPY u (name, password) FROM STDIN;\na\thunter\n\\.\n",
        "COPY u (name, password) FROM STDIN;\na\thunter\n",
        "SET standard_conforming_strings = off; ALTER ROLE a PASSWORD 'x\\'hunter'",
        "SET standard_conforming_strings = off; ALTER ROLE a PASSWORD 'hunter",
        "SELECT $a$x$a$$b$ PASSWORD 'hunter' $b$",
        "CREATE SUBSCRIPTION s CONNECTION 'host=h sslpassword=hunter' PUBLICATION p",
        "-- db_password=hunter\nSELECT 1",
        "SELECT 'postgresql://me:hunter@h/db",
        "SELECT 'postgresql://me:hun@hunter@h/db'",
        "COPY t FROM STDIN;\npostgresql://me:hunter@h/db\n\\.\n",
    ],
    "mysql": [
        "CREATE USER a IDENTIFIED BY 'hunter'",
        'CREATE USER a IDENTIFIED BY "hunter"',
        "CREATE USER a IDENTIFIED WITH x AS 'hunter'",
        "CREATE USER a IDENTIFIED VIA x USING PASSWORD('hunter')",
        "CREATE USER a IDENTIFIED WITH x AS 0x12345678901234",
        "SET PASSWORD FOR a = PASSWORD('hunter')",
        "/*!50000 CREATE USER a IDENTIFIED BY 'hunter' */",
        "CREATE TABLE t (a INT) CONNECTION='mysql://u:hunter@h/db/t'",
        "DELIMITER //\nCREATE USER a IDENTIFIED BY 'hunter'//\nDELIMITER ;\n",
        "-- jetbase: delimiter=~\nCREATE USER a IDENTIFIED BY 'hunter'~",
        "SET sql_mode = 'NO_BACKSLASH_ESCAPES'; CREATE USER 'a\\' IDENTIFIED BY 'hunter'",
        "-- it's the password: 'hunter'\nSELECT 1",
        "CREATE USER a IDENTIFIED BY /*! 'hunter' */",
        "CREATE USER a /*! IDENTIFIED BY */ 'hunter'",
        "CREATE TABLE t (a INT) CONNECTION='mysql://u:hun''hunter@h/db/t'",
        "SET sql_mode = 'ANSI'; CREATE USER a IDENTIFIED BY 'hunter",
    ],
    "sqlite": [
        "PRAGMA key = 'hunter'",
        "INSERT INTO u (password) VALUES ('hunter')",
    ],
}
CASES = [(vendor, sql) for vendor, given in SECRET.items() for sql in given]


@pytest.mark.parametrize(("vendor", "sql"), CASES)
def test_it_is_not_shown(vendor: str, sql: str) -> None:
    text = shown(f"SELECT 'kept before';\n{sql};\n", lexicon_of(vendor))
    assert "hunter" not in text
    assert "12345678901234" not in text
    assert "kept before" in text
    assert text.count("\n") == sql.count("\n") + 2


@pytest.mark.parametrize("vendor", ANY)
def test_all_else_is_shown_as_it_is(vendor: str) -> None:
    text = (
        "-- the user's table\nCREATE TABLE u (\n    name TEXT,\n    password VARCHAR(99)\n);\n"
        "INSERT INTO t VALUES (1, 'a', 'it''s');\n\n-- rollback\nDROP TABLE u;\n"
    )
    assert shown(text, lexicon_of(vendor)) == text


@pytest.mark.parametrize("sql", ["SELECT $a$x$a$$longer$y$longer$", "SELECT $$a$$$x$b$x$"])
def test_quotes_behind_each_other_are_shown_as_they_are(sql: str) -> None:
    assert shown(sql, lexicon_of("postgresql")) == sql


def test_every_kind_of_line_break_stays() -> None:
    text = shown("ALTER ROLE a PASSWORD 'a\rb\r\nc\nd';", lexicon_of("postgresql"))
    assert text == "ALTER ROLE a PASSWORD '***\r\r\n\n';"


def test_names_that_are_their_own_values() -> None:
    values = [("${app_owner}", "app_owner")] * 40 + [("${app}", "app_")]
    assert with_names('role "app_owner"', values) == 'role "${app_owner}"'


def test_text_that_turns_its_direction_is_shown_as_an_escape() -> None:
    assert shown("SELECT '\u202eabc'", lexicon_of("sqlite")) == "SELECT '\\u202eabc'"


@pytest.mark.parametrize(
    ("message", "sql"),
    [
        (
            "syntax error near 'BYY 'hunterhunterhun' at line 1",
            "IDENTIFIED BYY 'hunterhunterhunter'",
        ),
        (
            "DETAIL: Failing row contains (a, hunter2).",
            "INSERT INTO u (password) VALUES ('hunter2')",
        ),
        ('near "hunter\'2"', "ALTER ROLE a PASSWORD 'hunter''2'"),
        ("Duplicate entry 'hunter' for key 'x'", "INSERT INTO u (password) VALUES ('hunter')"),
    ],
)
def test_a_message_does_not_repeat_it(message: str, sql: str) -> None:
    lexicon = lexicon_of("mysql")
    statement = next(iter(split(sql, "mysql")))
    assert "hunter" not in message_without(message, statement, lexicon)


def test_a_message_keeps_what_is_like_a_short_secret() -> None:
    said = "Failing row contains (1, a, secret)."
    statement = next(iter(split("INSERT INTO u (password) VALUES ('a', 'user')", "mysql")))
    assert message_without(said, statement, lexicon_of("mysql")) == said
    said = 'relation "users" does not exist'
    assert message_without(said, statement, lexicon_of("mysql")) == said


@pytest.mark.parametrize(
    "message",
    [
        "Field 'password' doesn't have a default value",
        "Unknown column 'password' in 'field list'",
        'null value in column "password" of relation "u" violates not-null constraint',
        'password authentication failed for user "u"',
    ],
)
def test_a_message_about_a_column_is_left_as_it_is(message: str) -> None:
    assert message_without(message) == message


@pytest.mark.parametrize(
    "message",
    [
        "DETAIL: Key (password)=(hunter) already exists.",
        "DETAIL: Key (name, password)=(a, hunter) is duplicated.",
        "near PASSWORD 'hunter",
        "connection to postgresql://me:hunter@h/db failed",
    ],
)
def test_a_message_by_itself(message: str) -> None:
    assert "hunter" not in message_without(message)


def test_a_message_does_not_repeat_the_rows_of_a_copy() -> None:
    statement = next(iter(split("COPY u (password) FROM STDIN;\nhunter\n\\.\n", "postgresql")))
    said = 'invalid input syntax: "hunter"\nCONTEXT: COPY u, column password: "hunter"'
    assert "hunter" not in message_without(said, statement, lexicon_of("postgresql"))


def test_a_message_names_a_placeholder_for_its_value() -> None:
    values = [("${schema}", "sales"), ("${token}", "hunter2"), ("${sales}", "${schema}")]
    said = 'relation "sales.t" does not exist near hunter2; presales'
    expected = 'relation "${schema}.t" does not exist near ${token}; presales'
    assert with_names(said, values) == expected


VALUELESS = {
    "postgresql": [
        ("UPDATE \"t1\" SET a = 'hunter''s', b = -5.5", "UPDATE \"t1\" SET a = '***', b = -***"),
        ("UPDATE t SET a = E'\\'hunter' -- it's hunter\nWHERE i = $1", "UPDATE t SET a = E'***'"),
        ("SELECT $x$hunter$x$ /* hunter */, 'hunter", "SELECT '***'  , ***"),
    ],
    "mysql": [
        ('UPDATE `t1` SET a = "hunter", b = 0x41', "UPDATE `t1` SET a = '***', b = ***"),
        ("SELECT 'it\\'s hunter' # hunter\n, \"hunter", "SELECT '***'  \n, ***"),
    ],
}


@pytest.mark.parametrize("vendor", VALUELESS)
def test_what_another_session_runs_is_shown_without_values(vendor: str) -> None:
    for sql, expected in VALUELESS[vendor]:
        shown = without_values(sql, lexicon_of(vendor))
        assert shown.startswith(expected)
        assert "hunter" not in shown


HOSTILE = {
    "word characters": ("INSERT INTO t (a, b) VALUES ('{}', 'a; b')", "ab"),
    "the word": ("SELECT '{}'", "PASSWORD "),
    "the word in code": ("{}", "PASSWORD "),
    "the word in a comment": ("/* {} */ SELECT 1", "PASSWORD "),
    "blanks behind the word": ("SELECT {}", "password   "),
    "an address": ("SELECT '{}'", "://a:"),
    "quotes": ("ALTER ROLE a PASSWORD {}", "'a' "),
    "open quotes": ("ALTER ROLE a PASSWORD '{}", "a'b'"),
    "numbers": ("UPDATE t SET password = 1, {}", "a = 1,"),
    "key": ("{}", "PRAGMA  "),
    "comments that never end": ("/* {}", " /* "),
}


def search(text: str) -> None:
    """All that looks for secrets."""
    for vendor in ANY:
        blanked(text, lexicon_of(vendor))
    without_secrets(text)
    statement = Statement(text, 1, 1, 0, len(text))
    message_without(text[:20_000], statement, lexicon_of("postgresql"))


@pytest.mark.parametrize("name", HOSTILE)
def test_the_time_is_linear(name: str) -> None:
    template, piece = HOSTILE[name]
    count = 2_000 // len(piece)
    short, long = (template.format(piece * (count * factor)) for factor in (1, FACTOR))
    assert_linear(search, short, long)


def test_quotes_in_each_other_without_end() -> None:
    levels = range(3_000)
    text = "".join(f"$t{n}$ ; " for n in levels) + "PASSWORD 'hunter'"
    text += "".join(f"$t{n}$" for n in reversed(levels))
    assert "hunter" not in shown(f"DO {text}", lexicon_of("postgresql"))
