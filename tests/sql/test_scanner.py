"""Every trap of SQL text as a case: what `split` makes of it, and where the rollback marker is."""

import pytest

from django_jetbase import split
from django_jetbase.backends.mysql.lexicon import MySQLLexicon
from django_jetbase.backends.postgresql.lexicon import PostgreSQLLexicon
from django_jetbase.backends.sqlite.lexicon import SQLiteLexicon
from django_jetbase.sql.lexicon import Lexicon
from django_jetbase.sql.scanner import scan

LEXICONS = {
    "postgresql": PostgreSQLLexicon(),
    "mysql": MySQLLexicon(),
    "sqlite": SQLiteLexicon(),
    "oracle": Lexicon(),
}
VENDORS = list(LEXICONS)


def texts(sql, vendor):
    return [statement.text for statement in split(sql, vendor)]


def flaws(sql, vendor):
    return [(item.text, *item.flaw[1:]) for item in split(sql, vendor) if item.flaw]


def cases(table):
    return [pytest.param(*values, id=name.replace(" ", "-")) for name, *values in table]


EVERYWHERE = [
    ("empty file", "", []),
    ("blank file", " \r\n\t\f\n", []),
    ("only comments", "-- a\n/* b; */\n-- c", []),
    ("only delimiters", ";;\n;", []),
    ("one without delimiter", "SELECT 1", ["SELECT 1"]),
    ("blank before the delimiter", "SELECT 1 \n ; SELECT 2", ["SELECT 1", "SELECT 2"]),
    ("CRLF", "SELECT 1;\r\nSELECT\r\n2;\r\n", ["SELECT 1", "SELECT\r\n2"]),
    ("CR only", "SELECT 1;\rSELECT 2;\r", ["SELECT 1", "SELECT 2"]),
    ("byte order mark", "\ufeffSELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
    ("vertical tab", "SELECT 1\v;", ["SELECT 1\v"]),
    ("NUL", "SELECT '\0;\0'; SELECT\0 2", ["SELECT '\0;\0'", "SELECT\0 2"]),
    ("no-break space is no blank", "SELECT 1;\xa0SELECT 2", ["SELECT 1", "\xa0SELECT 2"]),
    (
        "letters beyond ASCII",
        "SELECT 'é;ß' AS ö; SELECT '😀;'",
        ["SELECT 'é;ß' AS ö", "SELECT '😀;'"],
    ),
    ("doubled quote", "SELECT 'it''s; so'; SELECT 2", ["SELECT 'it''s; so'", "SELECT 2"]),
    ("empty string", "SELECT ''; SELECT '';", ["SELECT ''", "SELECT ''"]),
    ("quoted name", 'SELECT "a;""b"; SELECT 2', ['SELECT "a;""b"', "SELECT 2"]),
    ("string over lines", "SELECT 'a\n;\nb'; SELECT 2", ["SELECT 'a\n;\nb'", "SELECT 2"]),
    ("comment inside", "SELECT 1 -- a; 'b\n+ 1; SELECT 2", ["SELECT 1 -- a; 'b\n+ 1", "SELECT 2"]),
    ("block comment inside", "SELECT /* ; ' */ 1; SELECT 2", ["SELECT /* ; ' */ 1", "SELECT 2"]),
    ("comment of stars", "/***;***/SELECT /**/ 1;/****/", ["SELECT /**/ 1"]),
    ("comment between", "SELECT 1; -- it's\n/* it's */ SELECT 2", ["SELECT 1", "SELECT 2"]),
    ("comment behind the last", "SELECT 1 -- end", ["SELECT 1 -- end"]),
    ("quote in a comment's place", "SELECT '--'; SELECT '/*';", ["SELECT '--'", "SELECT '/*'"]),
    ("single dash and slash", "SELECT 4-1/2; SELECT 2", ["SELECT 4-1/2", "SELECT 2"]),
    ("placeholders mean nothing", "SELECT '%s' % 1, {}, ?, :n;", ["SELECT '%s' % 1, {}, ?, :n"]),
    ("lower case", "select 1; begin; commit;", ["select 1", "begin", "commit"]),
]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("sql", "expected"), cases(EVERYWHERE))
def test_every_dialect(vendor, sql, expected):
    assert texts(sql, vendor) == expected


POSTGRESQL = [
    ("backslash in a plain string", r"SELECT '\'; SELECT 2", [r"SELECT '\'", "SELECT 2"]),
    ("escape string", r"SELECT E'\';'; SELECT 2", [r"SELECT E'\';'", "SELECT 2"]),
    ("escape string in lower case", r"SELECT e'\\'; SELECT 2", [r"SELECT e'\\'", "SELECT 2"]),
    ("escape string with both", r"SELECT E'\''';'; SELECT 2", [r"SELECT E'\''';'", "SELECT 2"]),
    ("name that ends in e", r"SELECT type'\'; SELECT 2", [r"SELECT type'\'", "SELECT 2"]),
    (
        "escape string that goes on in the next line",
        "SELECT E'a' -- c\n  '\\';'; SELECT 2",
        ["SELECT E'a' -- c\n  '\\';'", "SELECT 2"],
    ),
    ("unicode string", r"SELECT U&'\0061;\'; SELECT 2", [r"SELECT U&'\0061;\'", "SELECT 2"]),
    ("unicode name", r'SELECT U&"d\0061;"; SELECT 2', [r'SELECT U&"d\0061;"', "SELECT 2"]),
    ("dollar quotes", "SELECT $$a;'b$$; SELECT 2", ["SELECT $$a;'b$$", "SELECT 2"]),
    ("tagged dollar quotes", "DO $x$ ;$$;$y$; $x$; SELECT 2", ["DO $x$ ;$$;$y$; $x$", "SELECT 2"]),
    ("tag beyond ASCII", "DO $é1$ ; $é$ ; $é1$; SELECT 2", ["DO $é1$ ; $é$ ; $é1$", "SELECT 2"]),
    ("tags differ by case", "DO $a$ ; $A$ ; $a$; SELECT 2", ["DO $a$ ; $A$ ; $a$", "SELECT 2"]),
    ("dollar quotes right after text", "SELECT(1)$$;$$; SELECT 2", ["SELECT(1)$$;$$", "SELECT 2"]),
    ("dollar quotes after a number", "SELECT 1$$;$$; SELECT 2", ["SELECT 1$$;$$", "SELECT 2"]),
    ("dollar quotes after a parameter", "SELECT $1$$;$$; SELECT 2", ["SELECT $1$$;$$", "SELECT 2"]),
    ("dollar quotes twice", "SELECT $$;$$$$;$$; SELECT 2", ["SELECT $$;$$$$;$$", "SELECT 2"]),
    (
        "comment inside dollar quotes",
        "DO $$ /* -- ; $$; SELECT 2",
        ["DO $$ /* -- ; $$", "SELECT 2"],
    ),
    ("parameters", "PREPARE p AS SELECT $1; SELECT $2", ["PREPARE p AS SELECT $1", "SELECT $2"]),
    ("name with dollars", "SELECT a$b$c; SELECT d$b$e", ["SELECT a$b$c", "SELECT d$b$e"]),
    ("name that ends in dollars", "SELECT a$$; SELECT b$$", ["SELECT a$$", "SELECT b$$"]),
    (
        "nested comments",
        "/* a /* ; */ ; */ SELECT 1 /* /* ; */ ; */; SELECT 2",
        ["SELECT 1 /* /* ; */ ; */", "SELECT 2"],
    ),
    (
        "deeply nested comments",
        "/*" * 50 + ";" + "*/" * 50 + "SELECT 1;SELECT 2",
        ["SELECT 1", "SELECT 2"],
    ),
    (
        "comment opener in a line comment",
        "-- /*\nSELECT 1; -- */\nSELECT 2",
        ["SELECT 1", "SELECT 2"],
    ),
    ("line comment in a comment", "/* -- */ SELECT 1;", ["SELECT 1"]),
    ("comment that a CR ends", "SELECT 1; -- c\rSELECT 2;", ["SELECT 1", "SELECT 2"]),
    ("operator with a slash and a star", "SELECT 1 */ 2; SELECT 2", ["SELECT 1 */ 2", "SELECT 2"]),
    (
        "planner hint",
        "/*+ SeqScan(a) */ SELECT 1; SELECT 2",
        ["/*+ SeqScan(a) */ SELECT 1", "SELECT 2"],
    ),
    ("brackets and backticks mean nothing", "SELECT a[1]; SELECT 2", ["SELECT a[1]", "SELECT 2"]),
    (
        "atomic body",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; SELECT 3",
        ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END", "SELECT 3"],
    ),
    (
        "atomic body with a CASE",
        "create or replace procedure p()\nbegin atomic\n  SELECT CASE WHEN a THEN 1 END;\n"
        "  SELECT CASE 1 WHEN 1 THEN 2 END AS x;\nend; SELECT 3",
        [
            "create or replace procedure p()\nbegin atomic\n  SELECT CASE WHEN a THEN 1 END;\n"
            "  SELECT CASE 1 WHEN 1 THEN 2 END AS x;\nend",
            "SELECT 3",
        ],
    ),
    (
        "atomic body with a column named end",
        'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT t.end, "end" FROM t;'
        " SELECT 1 AS end; END; SELECT 3",
        [
            'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT t.end, "end" FROM t;'
            " SELECT 1 AS end; END",
            "SELECT 3",
        ],
    ),
    (
        "atomic body with comments",
        "CREATE /* /* ; */ */ FUNCTION f() BEGIN -- ;\nATOMIC /* ; */ ; /* ; */ END; SELECT 3",
        ["CREATE /* /* ; */ */ FUNCTION f() BEGIN -- ;\nATOMIC /* ; */ ; /* ; */ END", "SELECT 3"],
    ),
    (
        "parameters named begin and atomic",
        "CREATE FUNCTION f(begin int, atomic int) RETURNS int LANGUAGE sql RETURN 1; SELECT 2",
        ["CREATE FUNCTION f(begin int, atomic int) RETURNS int LANGUAGE sql RETURN 1", "SELECT 2"],
    ),
    (
        "function with a body in quotes",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'BEGIN ATOMIC; SELECT 1'; SELECT 2",
        ["CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'BEGIN ATOMIC; SELECT 1'", "SELECT 2"],
    ),
    (
        "rule of several statements",
        "CREATE RULE r AS ON INSERT TO t DO (INSERT INTO l VALUES (')'); DELETE FROM m;); SELECT 2",
        [
            "CREATE RULE r AS ON INSERT TO t DO (INSERT INTO l VALUES (')'); DELETE FROM m;)",
            "SELECT 2",
        ],
    ),
    (
        "rule of one statement",
        "CREATE OR REPLACE RULE r AS ON INSERT TO t DO INSTEAD NOTHING; SELECT 2",
        ["CREATE OR REPLACE RULE r AS ON INSERT TO t DO INSTEAD NOTHING", "SELECT 2"],
    ),
    ("unbalanced closing parenthesis", "SELECT 1); SELECT (2)", ["SELECT 1)", "SELECT (2)"]),
    ("transaction", "BEGIN; SELECT 1; END; SELECT 2", ["BEGIN", "SELECT 1", "END", "SELECT 2"]),
    ("guard of pg_dump", "\\restrict aB3\nSELECT 1;\n\\unrestrict aB3\n", ["SELECT 1"]),
    (
        "backslash strings switched on",
        r"SET standard_conforming_strings = off; SELECT '\';'; SELECT B'\', U&'\'; "
        r"SET standard_conforming_strings TO 'on'; SELECT '\'; SELECT 2",
        [
            "SET standard_conforming_strings = off",
            r"SELECT '\';'",
            r"SELECT B'\', U&'\'",
            "SET standard_conforming_strings TO 'on'",
            r"SELECT '\'",
            "SELECT 2",
        ],
    ),
    (
        "backslash strings by set_config and back by RESET",
        r"SELECT set_config('standard_conforming_strings', 'off', false); SELECT '\';'; RESET ALL;"
        r"SELECT '\'; SELECT 2",
        [
            "SELECT set_config('standard_conforming_strings', 'off', false)",
            r"SELECT '\';'",
            "RESET ALL",
            r"SELECT '\'",
            "SELECT 2",
        ],
    ),
]


@pytest.mark.parametrize(("sql", "expected"), cases(POSTGRESQL))
def test_postgresql(sql, expected):
    assert texts(sql, "postgresql") == expected


def test_server_with_backslash_strings():
    lexicon = PostgreSQLLexicon(backslash_escapes=True)
    items = scan(r"SELECT '\';'; RESET ALL; SELECT '\';'; SELECT 2", lexicon)
    assert [item.text for item in items] == [
        r"SELECT '\';'",
        "RESET ALL",
        r"SELECT '\';'",
        "SELECT 2",
    ]


COPY = [
    ("rows", "COPY t (a, b) FROM stdin", ";\n", "1\t;\n2\t'\n"),
    ("no rows", 'COPY public."T;" FROM STDIN', ";\n", ""),
    ("CRLF", "COPY t FROM STDIN", ";\r\n", "1\r\n"),
    ("rows with escapes", "COPY t FROM STDIN", ";\n", "\\N\t\\.x\n\\\\.\n \\.\n"),
    ("options", "COPY t FROM STDIN WITH (FORMAT csv, QUOTE ';')", ";\n", "a;b\n"),
    ("old syntax", "copy binary t from stdin delimiters ';'", " ;\n", "x\n"),
    ("comments", 'COPY /* ; */ t -- ;\n("a)", b) FROM STDIN', "; -- rows\n", "x\n"),
    ("marker in the rows", "COPY t FROM STDIN", ";\n", "-- rollback\n"),
    ("open quotes in the rows", "COPY t FROM STDIN", ";\n", "$$ ' /*\n"),
    ("names with dollars", "COPY t (a$b, c$$) FROM STDIN", ";\n", "1\t2\n"),
    ("stdout means stdin", "COPY t FROM STDOUT", ";\n", "1\n"),
]


@pytest.mark.parametrize(("sql", "between", "rows"), cases(COPY))
def test_copy(sql, between, rows):
    copy, after = split(f"{sql}{between}{rows}\\.\n\nSELECT 2;\n", "postgresql")
    assert copy.text == f"{sql}{between}{rows}\\."
    assert (copy.keyword, copy.sql, copy.rows, copy.flaw) == ("COPY", sql, rows, None)
    assert (after.text, after.sql, after.rows) == ("SELECT 2", "SELECT 2", None)


def test_copy_that_reads_no_rows():
    sql = "COPY t TO STDOUT; COPY t FROM '/x'; COPY (SELECT 1) TO STDIN; COPY t FROM PROGRAM 'x'"
    assert [item.rows for item in split(sql, "postgresql")] == [None] * 4


SQLITE = [
    (
        "quotes of all kinds",
        'SELECT [a;\'], `b;"`, "c;`"; SELECT 2',
        ['SELECT [a;\'], `b;"`, "c;`"', "SELECT 2"],
    ),
    ("backslash means nothing", r"SELECT '\'; SELECT 2", [r"SELECT '\'", "SELECT 2"]),
    ("comments do not nest", "/* /* */ SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
    ("comment that never ends", "SELECT 1; /* SELECT 2;", ["SELECT 1"]),
    (
        "trigger",
        "CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE t SET a = 1; DELETE FROM u; END; SELECT 2",
        [
            "CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE t SET a = 1; DELETE FROM u; END",
            "SELECT 2",
        ],
    ),
    (
        "trigger with a CASE",
        "create temp trigger x insert on t begin\n select case when a then 1\n end; end;select 2",
        [
            "create temp trigger x insert on t begin\n select case when a then 1\n end; end",
            "select 2",
        ],
    ),
    (
        "trigger with comments",
        "CREATE /* ; */ TEMPORARY -- ;\nTRIGGER x INSERT ON t BEGIN SELECT 1 -- ; END;\n;"
        " /* ; */ END\n -- ;\n; SELECT 2",
        [
            "CREATE /* ; */ TEMPORARY -- ;\nTRIGGER x INSERT ON t BEGIN SELECT 1 -- ; END;\n;"
            " /* ; */ END\n -- ;",
            "SELECT 2",
        ],
    ),
    (
        "trigger as the last",
        "CREATE TRIGGER x INSERT ON t BEGIN SELECT 1; END",
        ["CREATE TRIGGER x INSERT ON t BEGIN SELECT 1; END"],
    ),
    (
        "trigger with a column named end",
        'CREATE TRIGGER x INSERT ON t BEGIN SELECT "end" AS "a;"; SELECT NEW.end; end ; SELECT 2',
        [
            'CREATE TRIGGER x INSERT ON t BEGIN SELECT "end" AS "a;"; SELECT NEW.end; end',
            "SELECT 2",
        ],
    ),
    (
        "explained trigger",
        "EXPLAIN QUERY PLAN CREATE TRIGGER x INSERT ON t BEGIN SELECT 1; END; SELECT 2",
        ["EXPLAIN QUERY PLAN CREATE TRIGGER x INSERT ON t BEGIN SELECT 1; END", "SELECT 2"],
    ),
    (
        "names that begin like it",
        "CREATE TABLE trigger_ (a); CREATE VIEW trigger AS SELECT 1; END;",
        ["CREATE TABLE trigger_ (a)", "CREATE VIEW trigger AS SELECT 1", "END"],
    ),
    ("transaction", "BEGIN; SELECT 1; END; SELECT 2", ["BEGIN", "SELECT 1", "END", "SELECT 2"]),
]


@pytest.mark.parametrize(("sql", "expected"), cases(SQLITE))
def test_sqlite(sql, expected):
    assert texts(sql, "sqlite") == expected


def test_line_column_offsets_and_keyword():
    sql = "\n  select 1;;/* a\n b */ Update t\r\nSET é = 1 ;\n\n(SELECT 2)"
    assert [item[1:6] for item in split(sql, "postgresql")] == [
        (2, 3, 3, 11, "SELECT"),
        (3, 7, 24, 43, "UPDATE"),
        (6, 1, 47, 57, ""),
    ]


def test_scan_from_an_offset_counts_from_the_start_of_the_text():
    sql = "SELECT 1;\nSELECT 2; SELECT 3;\nSELECT 4"
    assert [item[:3] for item in scan(sql, Lexicon(), 19)] == [
        ("SELECT 3", 2, 11),
        ("SELECT 4", 3, 1),
    ]
