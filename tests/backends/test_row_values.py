"""What a database says is told without the contents of rows, and with all that helps."""

import json
import logging
import re

import pytest
from django.core.management.base import CommandError
from django.db import DatabaseError

from django_jetbase.backends import message_of
from django_jetbase.backends.mysql.errors import without_rows as mysql_without_rows
from django_jetbase.backends.postgresql.errors import Said
from django_jetbase.backends.postgresql.errors import (
    notice_without_rows as postgresql_notice_without_rows,
)
from django_jetbase.backends.postgresql.errors import without_rows as postgresql_without_rows
from django_jetbase.backends.sqlite.errors import without_rows as sqlite_without_rows

from ..conftest import Project

SECRET = "hunter2secret"
ROWS = f"""
CREATE TABLE t (id INTEGER NOT NULL, note VARCHAR(100), n INTEGER CHECK (n < 100));
INSERT INTO t VALUES (1, '{SECRET}', 1), (2, '{SECRET}', 2);
CREATE TABLE u (note VARCHAR(100), CONSTRAINT u_note UNIQUE (note));
CREATE TABLE p (note VARCHAR(100) PRIMARY KEY)
"""
ROWS_OF = {
    "postgresql": f"""{ROWS};
CREATE TABLE part (note text) PARTITION BY LIST (note);
CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a');
CREATE TABLE loose (LIKE part);
INSERT INTO loose SELECT note FROM t;
CREATE TYPE mood AS ENUM ('ok');
CREATE TYPE pair AS (a int, b int);
CREATE VIEW v AS SELECT * FROM t WHERE note = 'a' WITH CHECK OPTION;
CREATE TABLE w AS SELECT 1 AS a, note FROM t;
CREATE TABLE empty AS TABLE w WITH NO DATA;
CREATE MATERIALIZED VIEW m AS TABLE empty;
CREATE UNIQUE INDEX m_note ON m (a, note);
INSERT INTO empty TABLE w""",
    "mysql": f"""{ROWS};
CREATE TABLE i (a INTEGER, d DATE, j DATETIME);
CREATE TABLE one (id INTEGER PRIMARY KEY, note VARCHAR(100));
INSERT INTO one VALUES (1, '{SECRET}');
CREATE TABLE part (a INTEGER) PARTITION BY RANGE (a) (PARTITION a VALUES LESS THAN (9));
CREATE TABLE parent (note VARCHAR(99) PRIMARY KEY);
CREATE TABLE child (note VARCHAR(99) UNIQUE, CONSTRAINT child_note FOREIGN KEY (note)
    REFERENCES parent (note) ON UPDATE CASCADE);
INSERT INTO parent VALUES ('a'), ('{SECRET}');
INSERT INTO child VALUES ('a'), ('{SECRET}')""",
    "sqlite": f"{ROWS};\nCREATE VIRTUAL TABLE words USING fts4 (word)",
}
POSTGRESQL = [
    ("UPDATE t SET id = NULL", 'null value in column "id" of relation "t"'),
    ("UPDATE t SET n = 100", 'check constraint "t_n_check"'),
    ("ALTER TABLE t ADD CONSTRAINT c CHECK (note < 'a')", 'check constraint "c"'),
    ("INSERT INTO t SELECT NULL, note FROM t", 'null value in column "id"'),
    ("INSERT INTO v SELECT 3, note FROM t", 'check option for view "v"'),
    ("CREATE UNIQUE INDEX k ON t (note)", "Key (note)=(***) is duplicated."),
    (
        "CREATE UNIQUE INDEX k ON t (lower(note), (n / 9))",
        "Key (lower(note::text), (n / 9))=(***) is",
    ),
    ("INSERT INTO u SELECT note || ')=(\"' FROM t", "Key (note)=(***) already exists."),
    ("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (note) REFERENCES p", 'not present in table "p"'),
    ("ALTER TABLE t ADD CONSTRAINT x EXCLUDE USING btree (note WITH =)", 'constraint "x"'),
    ("INSERT INTO part SELECT note FROM t", 'no partition of relation "part" found for row'),
    ("ALTER TABLE part ATTACH PARTITION loose FOR VALUES IN ('b')", 'relation "loose"'),
    ("ALTER TABLE w ALTER note TYPE int USING note::int", 'for type integer: "***"'),
    ("ALTER TABLE w ALTER note TYPE mood USING note::mood", 'for enum mood: "***"'),
    ("SELECT (999994700 + 11 || '0')::int FROM t", '"***" is out of range for type integer'),
    ("SELECT note::date FROM t", 'for type date: "***"'),
    ("SELECT make_date(4700 + 11, 13, 1) FROM t", "date field value out of range: ***"),
    ("SELECT note::int[] FROM t", 'malformed array literal: "***"'),
    ("SELECT note::pair FROM t", 'malformed record literal: "***"'),
    ("SELECT ('{\"a\": ' || note || '}')::jsonb FROM t", "JSON data, line 1"),
    ("SELECT decode(note, 'hex') FROM t", "invalid hexadecimal digit"),
    ("SELECT date_trunc(note, now()) FROM t", "not recognized for type timestamp"),
    ("SELECT (note || ' &')::tsquery FROM t", 'no operand in tsquery: "***"'),
    ("SELECT convert_from((note || E'\\\\344')::bytea, 'UTF8') FROM t", 'encoding "UTF8": ***'),
    ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", 'materialized view "m" contains duplicate rows'),
    (
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM t LOOP"
        " EXECUTE format('SELECT %L, 1/0', r.note); END LOOP; END $$",
        "SELECT '***', 1/0\"\nPL/pgSQL function inline_code_block line 1 at EXECUTE",
    ),
    (f"COPY t (id) FROM STDIN;\n1\n{SECRET}\n\\.\n", "COPY t, line 2, column id"),
    (f"COPY t (id, note) FROM STDIN;\n1\t2\t{SECRET}\n\\.\n", "CONTEXT: COPY t, line 1\n"),
    (f"COPY u FROM STDIN;\n{SECRET}\n{SECRET}\n\\.\n", "COPY u, line 2"),
    (
        f'COPY t (id, note) FROM STDIN (FORMAT csv);\n1,a\n"b: ""\n{SECRET}",a\n\\.\n',
        "COPY t, line 3, column id",
    ),
]
MYSQL = [
    ("CREATE UNIQUE INDEX k ON t (note)", "Duplicate entry '***' for key "),
    ("INSERT INTO u SELECT CONCAT(note, ''' for key ''') FROM t", "'***' for key "),
    ("INSERT INTO i (a) SELECT note FROM t", "Incorrect integer value: '***' for column "),
    ("INSERT INTO i (d) SELECT note FROM t", "Incorrect date value: '***' for column "),
    ("UPDATE t SET n = note + 1", "Truncated incorrect DOUBLE value: '***'"),
    ("ALTER TABLE t MODIFY note INTEGER", " value: '***'"),
    ("UPDATE t SET n = STR_TO_DATE(note, '%Y')", "value: '***' for function str_to_date"),
    ("INSERT INTO part SELECT 4700 + 11 FROM t", "Table has no partition for value ***"),
    (
        "UPDATE parent SET note = (SELECT note FROM t LIMIT 1) WHERE note = 'a'",
        "record '***' would lead to a duplicate entry in table 'child', key 'note'",
    ),
    ("UPDATE t SET n = EXP(9999 * id)", "DOUBLE value is out of range in 'exp("),
]
SQLITE = [
    ("UPDATE t SET id = NULL", "NOT NULL constraint failed: t.id"),
    ("UPDATE t SET n = 100", "CHECK constraint failed: n < 100"),
    ("CREATE UNIQUE INDEX k ON t (note)", "UNIQUE constraint failed: t.note"),
    ("SELECT json_extract('{}', note) FROM t", "path"),
    ("SELECT * FROM words WHERE word MATCH (SELECT note || ' AND' FROM t)", "malformed MATCH"),
    ("SELECT CAST(CAST(note AS BLOB) || x'ff' AS TEXT) AS a FROM t", "column 'a' with text '***'"),
]
FAILING = {"postgresql": POSTGRESQL, "mysql": MYSQL, "sqlite": SQLITE}


def prepare(project: Project) -> None:
    for sql in ROWS_OF[project.vendor].split(";\n"):
        project.query(sql)


def fail(project: Project, sql: str) -> str:
    """All that is said of a file with this SQL, wherever that is."""
    project.write(V1__a=f"{sql};" if not sql.endswith("\n") else sql)
    said = []
    for as_json in (False, True):
        with pytest.raises(CommandError) as caught:
            project.call("upgrade", json=as_json)
        said += [str(caught.value), project.out.getvalue(), project.said]
    assert json.loads(said[4])["error"]["path"] == "V1__a.sql"
    events = project.events()
    assert events[-1]["event"] == "failed"
    return "\n".join([*said, *(event["detail"] for event in events), json.dumps(events)])


def check(project: Project, sql: str, kept: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    prepare(project)
    said = fail(project, sql)
    assert re.search(r"V1__a\.sql:\d:1: ", said)
    assert kept in said
    for value in (SECRET, "4711"):
        assert value not in said
        assert value not in caplog.text


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize(("sql", "kept"), POSTGRESQL)
def test_on_postgresql(
    project: Project, sql: str, kept: str, caplog: pytest.LogCaptureFixture
) -> None:
    check(project, sql, kept, caplog)


@pytest.mark.engines("mysql")
@pytest.mark.parametrize(("sql", "kept"), MYSQL)
def test_on_mysql(project: Project, sql: str, kept: str, caplog: pytest.LogCaptureFixture) -> None:
    check(project, sql, kept, caplog)


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize(("sql", "kept"), SQLITE)
def test_on_sqlite(project: Project, sql: str, kept: str, caplog: pytest.LogCaptureFixture) -> None:
    check(project, sql, kept, caplog)


WARNED = {  # which on MariaDB and MySQL is said of rows that are taken all the same
    "INSERT IGNORE INTO u SELECT note FROM t": "1062: Duplicate entry '***' for key ",
    "INSERT IGNORE INTO i (a) SELECT note FROM t": "1366: Incorrect integer value: '***' for ",
    "INSERT IGNORE INTO part SELECT 4700 + 11 FROM t": "1526: Table has no partition for value ***",
    "UPDATE IGNORE t SET n = note + 1": "1292: Truncated incorrect DOUBLE value: '***'",
    "SELECT CAST(note AS SIGNED) FROM t": "1292: Truncated incorrect INTEGER value: '***'",
    "EXPLAIN EXTENDED SELECT note FROM one WHERE id = 1": "1003: select '***' AS `note`",
}


@pytest.mark.engines("mysql")
@pytest.mark.parametrize("sql", WARNED)
def test_warnings(project: Project, sql: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    prepare(project)
    if "EXTENDED" in sql and not project.connection.mysql_is_mariadb:
        pytest.skip("MySQL has no such statement")
    project.write(V1__a=f"{sql};")
    project.call("upgrade")
    assert WARNED[sql] in project.said
    for text in (project.said, caplog.text):
        assert SECRET not in text
        assert "4711" not in text


@pytest.mark.engines("mysql")
def test_in_german(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """PostgreSQL speaks it only where the machine has the locale; its texts are tested above."""
    caplog.set_level(logging.INFO)
    prepare(project)
    said = fail(project, "SET lc_messages = 'de_DE';\nINSERT INTO u SELECT note FROM t")
    assert "Doppelter Eintrag" in said
    assert "u_note" in said
    assert SECRET not in said
    assert SECRET not in caplog.text


@pytest.mark.engines("mysql")
def test_warnings_in_german(project: Project) -> None:
    prepare(project)
    sql = "INSERT IGNORE INTO i (a) SELECT note FROM t"
    project.write(V1__a=f"SET lc_messages = 'de_DE';\n{sql};")
    project.call("upgrade")
    assert "Falscher integer-Wert: '***'" in project.said
    assert SECRET not in project.said


def test_what_a_script_says_itself(project: Project) -> None:
    """It may name a row on purpose."""
    said = f"the row {SECRET} is wrong"
    raising = {
        "postgresql": f"DO $$ BEGIN RAISE '{said}' USING ERRCODE = '23505'; END $$",
        "mysql": f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{said}'",
        "sqlite": "INSERT INTO u VALUES ('a')",
    }
    if project.vendor == "sqlite":
        project.query("CREATE TABLE u (note TEXT)")
        project.query(
            f"CREATE TRIGGER r BEFORE INSERT ON u BEGIN SELECT RAISE(ABORT, '{said}'); END"
        )
    project.write(V1__a=f"{raising[project.vendor]};")
    with pytest.raises(CommandError, match=f"V1__a.sql:1:1: {said}"):
        project.call("upgrade")


@pytest.mark.parametrize("as_json", [False, True])
def test_outside_of_a_file(project: Project, as_json: bool) -> None:
    """As where the history itself cannot be written."""
    files = (f"V1__{SECRET}", f"V2__{SECRET}")
    project.write(**dict.fromkeys(files, "SELECT 1;"))
    project.call("upgrade")
    project.query("DELETE FROM django_jetbase_event")
    project.query("CREATE UNIQUE INDEX once ON django_jetbase_event (event, description)")
    project.write(**dict.fromkeys(files, "SELECT 2;"))
    with pytest.raises(CommandError) as caught:
        project.call("fix", json=as_json)
    said = f"{caught.value}{project.out.getvalue()}{project.said}"
    assert "once" in said or "django_jetbase_event.description" in said
    assert SECRET not in said


def test_an_error_by_itself(project: Project) -> None:
    project.query(f"CREATE TABLE t AS SELECT '{SECRET}' AS note, 'a' AS password")
    project.query("CREATE UNIQUE INDEX t_note ON t (note, password)")
    with pytest.raises(DatabaseError) as caught:
        project.query("INSERT INTO t SELECT * FROM t")
    said = message_of(caught.value, project.alias)
    assert "note" in said
    assert SECRET not in said
    assert message_of(ValueError("a sentence"), project.alias) == "a sentence"


GERMAN = [
    Said("23502", "NULL-Wert in Spalte »id«", "Fehlgeschlagene Zeile enthält (1, hunter)."),
    Said("23514", "keine Partition", "Partitionierungsschlüssel enthält (note) = (hunter)."),
    Said("44000", "neue Zeile verletzt Check-Option »v«", "Zeile enthält (9, hunter)."),
    Said("23P01", "Constraint »c«", "Schlüssel (a)=(hunter) kollidiert mit Schlüssel (a)=(h)."),
    Said("21000", "doppelte Zeilen", "Zeile: (1,hunter)"),
    Said("22P02", "Eingabesyntax für Typ json", 'Token »hunter"« ist ungültig.'),
    Said("P0003", "Anfrage ergab mehr als eine Zeile", "Parameter: w = 'hunter'"),
    Said("2200N", "ungültiger XML-Inhalt", "line 1: Premature end\n<a>hunter\n        ^"),
]


@pytest.mark.parametrize("said", GERMAN, ids=lambda said: said.state)
def test_a_detail_is_dropped_in_every_language(said: Said) -> None:
    shown = postgresql_without_rows(said)
    assert shown.primary == said.primary
    assert "hunter" not in shown.detail
    assert shown.detail in ("", "Token »***« ist ungültig.")


KEYS = {
    "Key (a, b)=(1, hunter) already exists.": "Key (a, b)=(***) already exists.",
    "Key (a)=(h) unter)=(hunter\n) is duplicated.": "Key (a)=(***) is duplicated.",
    'Key (a)=(hunter) is not present in table "t".': 'Key (a)=(***) is not present in table "t".',
    "Key (lower(a), (b / 9))=(hunter, 1) is duplicated.": (
        "Key (lower(a), (b / 9))=(***) is duplicated."
    ),
    "Schlüssel »(a)=(hunter)« existiert bereits.": "Schlüssel »(a)=(***)« existiert bereits.",
    'テーブル"t"にキー(a)=(hunter)がありません': 'テーブル"t"にキー(a)=(***)がありません',
    "Key is not present in table.": "Key is not present in table.",
    "MATCH FULL does not allow mixing of keys.": "MATCH FULL does not allow mixing of keys.",
}


@pytest.mark.parametrize("detail", KEYS)
def test_a_key_keeps_its_columns(detail: str) -> None:
    assert postgresql_without_rows(Said("23505", "", detail)).detail == KEYS[detail]


PRIMARIES = {
    ("22P02", 'invalid input syntax for type integer: "a"hunter: "b"'): (
        'invalid input syntax for type integer: "***"'
    ),
    ("22P02", "ungültige Eingabesyntax für Typ integer: »hunter«"): (
        "ungültige Eingabesyntax für Typ integer: »***«"
    ),
    ("22P02", "syntaxe invalide pour le type d'entier : « hunter »"): (
        "syntaxe invalide pour le type d'entier : «***»"
    ),
    ("22P02", "მნიშვნელობა: hunter"): "მნიშვნელობა: ***",
    ("22003", 'value "9hunter" is out of range for type integer'): (
        'value "***" is out of range for type integer'
    ),
    ("22008", "date field value out of range: 2020-13-45"): "date field value out of range: ***",
    ("22021", 'invalid byte sequence for encoding "UTF8": 0xe4 0x68 0x75'): (
        'invalid byte sequence for encoding "UTF8": ***'
    ),
    ("22030", 'duplicate JSON object key value: "hunter"'): (
        'duplicate JSON object key value: "***"'
    ),
}


@pytest.mark.parametrize(("state", "primary"), PRIMARIES)
def test_a_value_in_the_sentence_itself(state: str, primary: str) -> None:
    shown = postgresql_without_rows(Said(state, primary, file="any.c"))
    assert shown.primary == PRIMARIES[state, primary]


NAMED = [
    Said("22001", "value too long for type character varying(3)"),
    Said("22004", 'null value cannot be assigned to variable "a"'),
    Said("22012", "division by zero"),
    Said("22003", "numeric field overflow", "A field with precision 3, scale 2 must round."),
    Said("22003", 'value 4 is out of bounds for sequence "s" (1..3)', file="sequence.c"),
    Said("22023", 'unrecognized parameter "fillfaktor"', file="reloptions.c"),
    Said("22P04", 'missing data for column "note"', file="copyfromparse.c"),
    Said("23505", 'duplicate key value violates unique constraint "k"'),
    Said("42601", 'syntax error at or near "SELCT"', file="scan.l"),
    Said("42703", 'column "a" does not exist', 'There is a column (a) in table "t".'),
    Said("2BP01", "cannot drop table t", "view v depends on table t", "Use DROP ... CASCADE."),
    Said("40P01", "deadlock detected", "Process 1 waits for ShareLock (2)."),
    Said("23505", 'my "own" words', "(my) own", function="exec_stmt_raise"),
    Said("P0001", 'my "own" words', "Key (a)=(b) is mine."),
]


@pytest.mark.parametrize("said", NAMED, ids=lambda said: said.state)
def test_names_stay(said: Said) -> None:
    assert postgresql_without_rows(said) == said


def test_what_only_the_source_tells() -> None:
    """Of these codes others speak of settings, syntax and limits."""
    for state, file in (("22023", "encode.c"), ("42601", "tsquery.c"), ("54000", "tsquery.c")):
        said = Said(state, 'something: "hunter"', 'at or near "hunter"', file=file)
        shown = postgresql_without_rows(said)
        assert (shown.primary, shown.detail) == ('something: "***"', 'at or near "***"')


def test_hints() -> None:
    said = Said("22P02", "expected JSON array", hint='See the value of key "hunter".')
    assert postgresql_without_rows(said).hint == 'See the value of key "***".'
    said = Said("XX000", "parse error", hint='"POINT(hunter" <-- parse error at position 7')
    assert postgresql_without_rows(said).hint == '"***" <-- parse error at position 7'


CONTEXTS = {
    'COPY t, line 3, column a: "hunter"': "COPY t, line 3, column a",
    'COPY t, line 2: "1,"hunter\nhunter: "x""': "COPY t, line 2",
    "COPY t, line 3, column a: null input": "COPY t, line 3, column a: null input",
    "COPY t, Zeile 3, Spalte a: »hunter«": "COPY t, Zeile 3, Spalte a",
    "COPY t, ligne 3, colonne a : « hunter »": "COPY t, ligne 3, colonne a",
    'tのCOPY、行 3、列 a: "hunter"': "tのCOPY、行 3、列 a",
    'PL/pgSQL function f() line 1 at RAISE\nCOPY t, line 1: "hunter"': (
        "PL/pgSQL function f() line 1 at RAISE\nCOPY t, line 1"
    ),
    'JSON data, line 1: {"a": hunter...\nCOPY t, line 1, column a: "{"a": hunter}"': (
        "JSON data, line 1\nCOPY t, line 1, column a"
    ),
    "JSON-Daten, Zeile 1: hunter": "JSON-Daten, Zeile 1",
    "SQL statement \"SELECT 'hunter''s', E'a\\\\hunter'\nFROM t\"\nPL/pgSQL function f() line 1": (
        "SQL statement \"SELECT '***', E'***'\nFROM t\"\nPL/pgSQL function f() line 1"
    ),
    "pendant l'ajout\ninstruction SQL « SELECT 'hunter' »": (
        "pendant l'ajout\ninstruction SQL « SELECT '***' »"
    ),
    'SQL function "f" statement 1': 'SQL function "f" statement 1',
    'while inserting index tuple (1,2) in relation "t"': (
        'while inserting index tuple (1,2) in relation "t"'
    ),
}


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_context(context: str) -> None:
    shown = postgresql_without_rows(Said("P0001", "x", context=context)).context
    assert shown == CONTEXTS[context]


def test_notices() -> None:
    primary = 'skipping row due to data type incompatibility at line 2 for column "a": "hunter"'
    said = Said("00000", primary, file="copyfromparse.c")
    expected = primary.replace("hunter", "***")
    assert postgresql_without_rows(said).primary == expected
    assert postgresql_notice_without_rows(f"NOTICE: {primary}") == f"NOTICE: {expected}"
    said = Said("00000", 'my own: "words"', file="pl_exec.c", function="exec_stmt_raise")
    assert postgresql_without_rows(said) == said


OF_MYSQL = {
    (1062, "Duplicate entry 'hunter' for key 'k'"): "Duplicate entry '***' for key 'k'",
    (1062, "Duplicate entry 'h' for key 'hunter' for key 't.k'"): (
        "Duplicate entry '***' for key 't.k'"
    ),
    (1062, "Duplicate entry 'hun'ter's' for key 1"): "Duplicate entry '***' for key 1",
    (1062, "'hunter' は索引 'k' で重複しています。"): "'***' は索引 'k' で重複しています。",
    (1366, "Incorrect integer value: 'hun'ter' for column 'a' at row 1"): (
        "Incorrect integer value: '***' for column 'a' at row 1"
    ),
    (1366, "Incorrect integer value: 'hunter' for column `d`.`t`.`a` at row 1"): (
        "Incorrect integer value: '***' for column `d`.`t`.`a` at row 1"
    ),
    (1366, "Falscher integer-Wert: 'hunter' für Feld '`d`.`t`.`a` in Zeile 1"): (
        "Falscher integer-Wert: '***'`d`.`t`.`a` in Zeile 1"
    ),
    (1292, "Incorrect date value: 'hun'ter' for column 'd' at row 1"): (
        "Incorrect date value: '***' for column 'd' at row 1"
    ),
    (1292, "Truncated incorrect DOUBLE value: 'h' for column 'hunter' at row 1'"): (
        "Truncated incorrect DOUBLE value: '***'"
    ),
    (1411, "Incorrect string value: 'hunter' for function uuid_to_bin"): (
        "Incorrect string value: '***' for function uuid_to_bin"
    ),
    (1526, "Tabelle hat für den Wert 4711 keine Partition"): (
        "Table has no partition for value ***"
    ),
    (1690, "DOUBLE value is out of range in 'pow('hunter',4711) + `t`.`a1`'"): (
        "DOUBLE value is out of range in 'pow('***',***) + `t`.`a1`'"
    ),
    (1003, "/* select#1 */ select 'hunt\\'er''s' AS `a`,4711 from `t` where `b` = 'hunter'"): (
        "/* select#1 */ select '***' AS `a`,*** from `t` where `b` = '***'"
    ),
    (1761, "table 'p', record 'h', 'unter' would lead to a duplicate in table 'c', key 'k'"): (
        "table 'p', record '***' would lead to a duplicate in table 'c', key 'k'"
    ),
    (1762, "table 'p', record 'hunter' would lead to a duplicate entry in a child table"): (
        "table 'p', record '***' would lead to a duplicate entry in a child table"
    ),
    (1105, "XPATH syntax error: '~hunter's'"): "XPATH syntax error: '***'",
    (1918, "Encountered illegal value 'hunter' when converting to INT"): (
        "Encountered illegal value '***' when converting to INT"
    ),
    (3617, "Latitude 500.250000 is out of range. It must be within [-90.000000, 90.000000]."): (
        "Latitude *** is out of range. It must be within [-90.000000, 90.000000]."
    ),
    (4095, "Delimiter '/' in position 4 in datetime value '2020/hunter' at row 1 is deprecated."): (
        "Delimiter '/' in position 4 in datetime value '***' at row 1 is deprecated."
    ),
    (1048, "Column 'id' cannot be null"): "Column 'id' cannot be null",
    (1054, "Unknown column 'a' in 'field list'"): "Unknown column 'a' in 'field list'",
    (1105, "Unknown error 'x'"): "Unknown error 'x'",
    (1298, "Unknown or incorrect time zone: 'Europe/Berlim'"): (
        "Unknown or incorrect time zone: 'Europe/Berlim'"
    ),
    (4095, "Subroutine 'a' is declared"): "Subroutine 'a' is declared",
}


@pytest.mark.parametrize(("code", "message"), OF_MYSQL)
def test_codes_of_mariadb_and_mysql(code: int, message: str) -> None:
    assert mysql_without_rows(code, message) == OF_MYSQL[code, message]


OF_SQLITE = {
    "Could not decode to UTF-8 column 'a' with text 'hunter'\nhunter\ufffd'": (
        "Could not decode to UTF-8 column 'a' with text '***'"
    ),
    "JSON path error near 'hunter'": "JSON path error near '***'",
    "bad JSON path: 'hunter''s'": "bad JSON path: '***'",
    "malformed MATCH expression: [hunter] x]": "malformed MATCH expression: [***]",
    'fts5: syntax error near "hunter"': 'fts5: syntax error near "***"',
    'near "SELCT": syntax error': 'near "SELCT": syntax error',
    "UNIQUE constraint failed: t.a": "UNIQUE constraint failed: t.a",
}


@pytest.mark.parametrize("message", OF_SQLITE)
def test_messages_of_sqlite(message: str) -> None:
    assert sqlite_without_rows(message) == OF_SQLITE[message]
