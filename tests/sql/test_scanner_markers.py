"""Where the rollback marker is, which delimiters count, and what is flawed."""

import pytest

from django_jetbase import split
from django_jetbase.sql.scanner import Marker, scan

from .test_scanner import LEXICONS, VENDORS, cases


def sections(sql, vendor="oracle"):
    """The statements before the first marker, those behind it, and the lines of the markers."""
    items = list(scan(sql, LEXICONS[vendor]))
    markers = [item for item in items if isinstance(item, Marker)]
    statements = [item for item in items if not isinstance(item, Marker)]
    first = markers[0].start if markers else len(sql)
    return (
        [item.text for item in statements if item.start < first],
        [item.text for item in statements if item.start > first],
        [marker.line for marker in markers],
    )


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    "marker",
    ["-- rollback", "--ROLLBACK", "--\tRollBack  ", "--   rollback\t", "-- rollback\r"],
)
def test_marker_in_any_case_and_spacing(vendor, marker):
    sql = f"SELECT 1;\n{marker}\nSELECT 2;"
    assert sections(sql, vendor) == (["SELECT 1"], ["SELECT 2"], [2])


MARKERS = [
    ("none", "SELECT 1; -- a comment\n", (["SELECT 1"], [], [])),
    ("first", "-- rollback\nSELECT 2", ([], ["SELECT 2"], [1])),
    ("last", "SELECT 1;\n-- rollback", (["SELECT 1"], [], [2])),
    ("alone", "-- rollback", ([], [], [1])),
    ("indented", "SELECT 1;\n\t -- rollback\nSELECT 2", (["SELECT 1"], ["SELECT 2"], [2])),
    ("behind a statement", "SELECT 1; -- rollback\nSELECT 2", (["SELECT 1"], ["SELECT 2"], [1])),
    ("in a statement", "SELECT 1\n-- rollback\nSELECT 2", (["SELECT 1"], ["SELECT 2"], [2])),
    ("in brackets", "SELECT (1\n-- rollback\n2)", (["SELECT (1"], ["2)"], [2])),
    ("twice", "-- rollback\nSELECT 1;\n\n-- rollback\n", ([], ["SELECT 1"], [1, 4])),
    (
        "with more text",
        "SELECT 1;\n-- rollback it\n-- rollback;\n-- rollback: x\nSELECT 2",
        (["SELECT 1", "SELECT 2"], [], []),
    ),
    (
        "in a string",
        "SELECT '\n-- rollback\n'; SELECT 2",
        (["SELECT '\n-- rollback\n'", "SELECT 2"], [], []),
    ),
    ("in a name", 'SELECT "\n-- rollback\n"', (['SELECT "\n-- rollback\n"'], [], [])),
    ("in a block comment", "/*\n-- rollback\n*/ SELECT 2", (["SELECT 2"], [], [])),
    ("in a line comment", "-- - -- rollback\nSELECT 2", (["SELECT 2"], [], [])),
    (
        "below an upgrade line",
        "-- upgrade\nSELECT 1;\n-- rollback\nSELECT 2",
        (["SELECT 1"], ["SELECT 2"], [3]),
    ),
]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("sql", "expected"), cases(MARKERS))
def test_marker(vendor, sql, expected):
    assert sections(sql, vendor) == expected


BODIES = [
    ("dollar quotes", "postgresql", "DO $$\n-- rollback\n$$"),
    ("nested comment", "postgresql", "SELECT /* /* */\n-- rollback\n*/ 1"),
    (
        "atomic body",
        "postgresql",
        "CREATE FUNCTION f() BEGIN ATOMIC\n-- rollback\nSELECT 1;\n-- rollback\nEND",
    ),
    (
        "sqlite trigger",
        "sqlite",
        "CREATE TRIGGER x INSERT ON t BEGIN\n-- rollback\nSELECT 1;\n-- rollback\nEND",
    ),
    (
        "procedure",
        "mysql",
        "CREATE PROCEDURE p() BEGIN\n-- rollback\nROLLBACK; IF a\n-- rollback\nTHEN SELECT 1;"
        " END IF;\n-- rollback\nEND",
    ),
    ("version comment", "mysql", "/*! SELECT\n-- rollback\n1 */"),
]


@pytest.mark.parametrize(("vendor", "body"), cases(BODIES))
def test_marker_in_a_body_is_none_and_behind_it_is_one(vendor, body):
    line = body.count("\n") + 2
    assert sections(f"{body}\n-- rollback\nSELECT 2", vendor) == ([body], ["SELECT 2"], [line])


def test_markers_that_mysql_reads_its_own_way():
    two_sections = (["SELECT 1"], ["SELECT 2"], [2])
    assert sections("SELECT 1;\n--rollback\nSELECT 2", "mysql") == two_sections
    assert sections("SELECT 1;\n# rollback\nSELECT 2", "mysql") == two_sections
    assert sections("SELECT 1 --rollback\n;", "mysql") == (["SELECT 1 --rollback"], [], [])


def test_marker_between_the_parts_of_an_escape_string():
    sql = "SELECT E'a'\n-- rollback\n'b'"
    assert sections(sql, "postgresql") == (["SELECT E'a'"], ["'b'"], [2])


DIRECTIVE = [
    ("at the end of a line", "a;b\nc~\nd ~\n", ["a;b\nc", "d"]),
    ("not in a line", "a ~ b~\nc ~= d", ["a ~ b", "c ~= d"]),
    ("before a comment", "a~ -- b~\nc~\t\r\nd~", ["a", "c", "d"]),
    ("in a string", "a '~\n'~\nb", ["a '~\n'", "b"]),
]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("sql", "expected"), cases(DIRECTIVE))
def test_delimiter_of_the_directive_counts_at_the_end_of_a_line(vendor, sql, expected):
    lexicon = type(LEXICONS[vendor])(delimiter="~", at_line_end=True)
    assert [item.text for item in scan(sql, lexicon)] == expected


@pytest.mark.parametrize("delimiter", ["//", "$$", "||", "@@", "GO", "--", "%", ";;", "#"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_delimiters_of_any_kind(vendor, delimiter):
    lexicon = type(LEXICONS[vendor])(delimiter=delimiter, at_line_end=True)
    sql = f"a; 'b{delimiter}\n' {delimiter}\n/* c */ d{delimiter}\n{delimiter}\n"
    assert [item.text for item in scan(sql, lexicon)] == [f"a; 'b{delimiter}\n'", "d"]


OPEN = [
    ("string", "SELECT 'a;\n", VENDORS, 1, 8),
    ("string that only looks closed", "SELECT '''; SELECT 2", VENDORS, 1, 8),
    ("quoted name", 'SELECT 1,\n "a; SELECT 2', VENDORS, 2, 2),
    ("comment", "SELECT 1 /* ; SELECT 2", ["postgresql", "mysql", "oracle"], 1, 10),
    ("comment between", "\n /* ; SELECT 2", ["postgresql", "mysql", "oracle"], 2, 2),
    ("nested comment", "SELECT /* /* ; */ 1; SELECT 2", ["postgresql"], 1, 8),
    ("escape string", r"SELECT E'\'; SELECT 2", ["postgresql"], 1, 9),
    ("dollar quotes", "DO $a$ ; $b$; SELECT 2", ["postgresql"], 1, 4),
    ("atomic body", "CREATE FUNCTION f()\nBEGIN ATOMIC SELECT 1; SELECT 2", ["postgresql"], 2, 1),
    ("rows", "SELECT 1;COPY t FROM STDIN;\n1\n", ["postgresql"], 1, 10),
    ("rows in the same line", "COPY t FROM STDIN; SELECT 1;\n\\.\n", ["postgresql"], 1, 1),
    ("string with a backslash", r"SELECT '\'; SELECT 2", ["mysql"], 1, 8),
    ("backtick", "SELECT `a; SELECT 2", ["mysql", "sqlite"], 1, 8),
    ("version comment", "/*!50000 SELECT 1; SELECT 2", ["mysql"], 1, 1),
    ("string in a version comment", "SELECT /*! '*/ 1; SELECT 2", ["mysql"], 1, 8),
    ("procedure", "CREATE PROCEDURE p()\nBEGIN SELECT 1; SELECT 2;", ["mysql"], 2, 1),
    ("bracket", "SELECT [a; SELECT 2", ["sqlite"], 1, 8),
    ("trigger", "CREATE TRIGGER x INSERT ON t BEGIN SELECT 1; SELECT 2;", ["sqlite"], 1, 1),
]


@pytest.mark.parametrize(("sql", "vendors", "line", "column"), cases(OPEN))
def test_what_never_ends_is_a_flaw_that_reaches_to_the_end(sql, vendors, line, column):
    for vendor in vendors:
        *_, last = split(sql, vendor)
        assert last.flaw is not None
        assert (last.flaw.line, last.flaw.column) == (line, column)
        assert last.text == sql[last.start :].rstrip()


SHELL = [
    (
        "psql",
        "\\i a.sql\nSELECT 1; \\d t; u",
        "postgresql",
        [("\\i a.sql", 1, 1), ("\\d t; u", 2, 11)],
    ),
    ("psql in a statement", "SELECT 1 \\gset x\nSELECT 2", "postgresql", [("\\gset x", 1, 10)]),
    ("source", "  source a.sql\nSELECT 1;", "mysql", [("source a.sql", 1, 3)]),
    ("backslash dot", "\\. a.sql\n", "mysql", [("\\. a.sql", 1, 1)]),
    ("vertical", "SELECT 1\\G SELECT 2", "mysql", [("\\G", 1, 9)]),
    ("read", ".read a.sql\nSELECT 1;", "sqlite", [(".read a.sql", 1, 1)]),
    ("mode", "SELECT 1;\n.mode csv", "sqlite", [(".mode csv", 2, 1)]),
    ("glued delimiter", "DELIMITER$$\nSELECT 1", "mysql", [("DELIMITER$$", 1, 1)]),
    ("delimiter of the mysql client", "delimiter //\n;", "postgresql", [("delimiter //", 1, 1)]),
    ("the same there", " DELIMITER ;;\nSELECT 1;", "sqlite", [("DELIMITER ;;", 1, 2)]),
    ("words of the shell inside SQL", "SELECT 1\nSOURCE; SELECT status;", "mysql", []),
    ("null as a backslash N", r"SELECT \N; SELECT 2", "mysql", []),
    ("number that begins with a dot", "SELECT 1 +\n.5;", "sqlite", []),
    ("backslash in another database", "SELECT a \\ b; SELECT 2", "oracle", []),
]


@pytest.mark.parametrize(("sql", "vendor", "expected"), cases(SHELL))
def test_commands_of_the_shell_are_flaws(sql, vendor, expected):
    flawed = [item for item in split(sql, vendor) if item.flaw]
    assert [(item.text, item.flaw.line, item.flaw.column) for item in flawed] == expected


def test_flaws_say_what_to_write_instead():
    (command,) = split("\\i a.sql\n", "postgresql")
    assert command.flaw.message == (
        "\\i a.sql is a command of the database's shell: put that file's SQL here, or make it a"
        " migration of its own"
    )
