import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connections

from django_jetbase.backends import backend_of
from django_jetbase.exceptions import HistoryError
from django_jetbase.interop import ForeignHistory, ForeignMigration, foreign_history
from django_jetbase.interop.jetbase import COMMENTED, FLATTENED, UNESCAPED, UNSENT
from django_jetbase.migration import Kind, Version

from ..conftest import Project

JETBASE = {
    "postgresql": """\
CREATE TABLE jetbase_migrations (
    order_executed INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version VARCHAR(255),
    description VARCHAR(500) NOT NULL,
    filename VARCHAR(512) NOT NULL,
    migration_type VARCHAR(32) NOT NULL,
    applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL,
    checksum VARCHAR(64) NOT NULL
)""",
    "mysql": """\
CREATE TABLE jetbase_migrations (
    order_executed INT AUTO_INCREMENT PRIMARY KEY,
    version VARCHAR(255),
    description VARCHAR(500) NOT NULL,
    filename VARCHAR(512) NOT NULL,
    migration_type VARCHAR(32) NOT NULL,
    applied_at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6) NOT NULL,
    checksum VARCHAR(64) NOT NULL
)""",
    "sqlite": """\
CREATE TABLE jetbase_migrations (
    order_executed INTEGER PRIMARY KEY AUTOINCREMENT,
    version TEXT,
    description TEXT,
    filename TEXT NOT NULL,
    migration_type TEXT NOT NULL,
    applied_at TEXT DEFAULT (STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW')),
    checksum TEXT
)""",
}

FLYWAY = {
    "postgresql": """\
CREATE TABLE "flyway_schema_history" (
    "installed_rank" INT NOT NULL CONSTRAINT "flyway_schema_history_pk" PRIMARY KEY,
    "version" VARCHAR(50),
    "description" VARCHAR(200) NOT NULL,
    "type" VARCHAR(20) NOT NULL,
    "script" VARCHAR(1000) NOT NULL,
    "checksum" INTEGER,
    "installed_by" VARCHAR(100) NOT NULL,
    "installed_on" TIMESTAMP NOT NULL DEFAULT now(),
    "execution_time" INTEGER NOT NULL,
    "success" BOOLEAN NOT NULL
)""",
    "mysql": """\
CREATE TABLE `flyway_schema_history` (
    `installed_rank` INT NOT NULL,
    `version` VARCHAR(50),
    `description` VARCHAR(200) NOT NULL,
    `type` VARCHAR(20) NOT NULL,
    `script` VARCHAR(1000) NOT NULL,
    `checksum` INT,
    `installed_by` VARCHAR(100) NOT NULL,
    `installed_on` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    `execution_time` INT NOT NULL,
    `success` BOOL NOT NULL,
    CONSTRAINT `flyway_schema_history_pk` PRIMARY KEY (`installed_rank`)
) ENGINE=InnoDB""",
    "sqlite": """\
CREATE TABLE "flyway_schema_history" (
    "installed_rank" INT NOT NULL PRIMARY KEY,
    "version" VARCHAR(50),
    "description" VARCHAR(200) NOT NULL,
    "type" VARCHAR(20) NOT NULL,
    "script" VARCHAR(1000) NOT NULL,
    "checksum" INT,
    "installed_by" VARCHAR(100) NOT NULL,
    "installed_on" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now')),
    "execution_time" INT NOT NULL,
    "success" BOOLEAN NOT NULL
)""",
}

NOON = "2025-07-01 12:00:00"
ROW = ForeignMigration(Version("1"), Kind.VERSIONED, "a", "V1__a.sql", datetime.now(UTC), "")


def source(name: str, project: Project) -> ForeignHistory:
    return foreign_history(name, backend_of(project.connection))


def on_sqlite(name: str) -> ForeignHistory:
    return foreign_history(name, backend_of(connections["default"]))


def jetbase_rows(project: Project, *rows: tuple[str, ...]) -> None:
    """Rows of version, file name, type, date and checksum."""
    project.query(JETBASE[project.vendor])
    for version, file_name, kind, at, checksum in rows:
        project.query(
            "INSERT INTO jetbase_migrations"
            " (version, description, filename, migration_type, applied_at, checksum) VALUES"
            f" ({version}, 'a word', '{file_name}', '{kind}', {at}, '{checksum}')"
        )


def flyway_rows(project: Project, *rows: str) -> None:
    """Rows of version, type, script, checksum and success, as SQL."""
    project.query(FLYWAY[project.vendor])
    for rank, row in enumerate(rows):
        version, kind, script, checksum, success = row.split()
        description = script.rpartition("__")[2]
        project.query(
            "INSERT INTO flyway_schema_history VALUES"
            f" ({rank}, {version}, '{description}', '{kind}', '{script}', {checksum}, 'me',"
            f" '2025-07-01 12:00:{rank:02}', 7, {success})"
        )


def applied(rows: list[ForeignMigration]) -> list[str]:
    return [row.file_name for row in rows]


@pytest.mark.parametrize("name", ["jetbase", "flyway"])
def test_a_missing_table_is_named_with_the_next_step(project: Project, name: str) -> None:
    with pytest.raises(HistoryError, match=r"(jetbase_migrations|flyway_schema_history).*--datab"):
        source(name, project).read()


def test_jetbase_keeps_its_order(project: Project) -> None:
    jetbase_rows(
        project,
        ("'1.1'", "V1_1__a.sql", "VERSIONED", f"'{NOON}.25'", "ab"),
        ("NULL", "RA__b.sql", "RUNS_ALWAYS", f"'{NOON}'", "cd"),
        ("NULL", "ROC__c.sql", "RUNS_ON_CHANGE", f"'{NOON}'", "ef"),
        ("'010'", "V010__d.sql", "VERSIONED", f"'{NOON}'", "01"),
    )
    rows = source("jetbase", project).read()
    assert applied(rows) == ["V1_1__a.sql", "RA__b.sql", "ROC__c.sql", "V010__d.sql"]
    assert [row.kind.value for row in rows] == ["V", "RA", "ROC", "V"]
    assert [row.version for row in rows] == [Version("1.1"), None, None, Version("10")]
    assert [row.checksum for row in rows] == ["ab", "cd", "ef", "01"]
    assert rows[0].description == "a word"
    assert not any(row.baseline for row in rows)


@pytest.mark.parametrize("name", ["jetbase", "flyway"])
def test_a_date_is_the_same_instant_whatever_our_own_zone(
    project: Project, settings: Any, name: str
) -> None:
    hour = 12
    if project.vendor == "postgresql":
        database = project.connection.settings_dict["NAME"]
        project.query(f"ALTER DATABASE {database} SET TimeZone = 'America/New_York'")
        hour = 16
    if project.vendor == "mysql":
        project.query("SET time_zone = '+00:00'")
    if name == "jetbase":
        jetbase_rows(project, ("'1'", "V1__a.sql", "VERSIONED", f"'{NOON}'", "ab"))
    else:
        flyway_rows(project, "'1' SQL V1__a.sql 5 TRUE")
    settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Tokyo"
    options = {"init_command": "SET time_zone = '+05:00'"} if project.vendor == "mysql" else {}
    twin = project.another(OPTIONS=options)
    assert [row.at for row in source(name, twin).read()] == [datetime(2025, 7, 1, hour, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("version", "kind", "message"),
    [
        ("'1-beta'", "VERSIONED", "'1-beta', which is not made of digits"),
        ("NULL", "VERSIONED", "'', which is not made of digits"),
        ("NULL", "SOMETIMES", "unknown type 'SOMETIMES'"),
    ],
)
def test_jetbase_rows_that_cannot_be_taken_over(
    project: Project, version: str, kind: str, message: str
) -> None:
    jetbase_rows(project, (version, "V1__a.sql", kind, f"'{NOON}'", ""))
    with pytest.raises(HistoryError, match=f"V1__a.sql.*{message}"):
        source("jetbase", project).read()


@pytest.mark.engines("sqlite")
def test_a_row_without_a_date_is_named(project: Project) -> None:
    jetbase_rows(project, ("'1'", "V1__a.sql", "VERSIONED", "'someday'", ""))
    with pytest.raises(HistoryError, match=r"V1__a\.sql has no date that can be read"):
        source("jetbase", project).read()


# By engine: what its columns take for a date and no calendar of ours has, or no tool had.
DATES = {
    "postgresql": ["infinity", "-infinity", "4713-01-01 BC", "0001-01-01", "294000-01-01"],
    "mysql": ["0000-00-00 00:00:00", "1970-01-02 00:00:00"],
    "sqlite": ["0000-01-01 00:00:00", "9999-12-31 23:59:59", "-4713-11-24 12:00:00", ""],
}


def test_dates_that_cannot_be_are_told_row_by_row(project: Project) -> None:
    dates = DATES[project.vendor]
    if project.vendor == "mysql":
        project.query("SET sql_mode = ''")
    jetbase_rows(
        project,
        *(
            (f"'{number}'", f"V{number}__x.sql", "VERSIONED", f"'{date}'", "ab")
            for number, date in enumerate([*dates, NOON], 1)
        ),
    )
    with pytest.raises(HistoryError) as caught:
        source("jetbase", project).read()
    *faults, end = str(caught.value).splitlines()
    names = [f"V{number}__x.sql" for number in range(1, len(dates) + 1)]
    assert [fault.split()[1] for fault in faults] == names
    assert [
        fault for fault in faults if " has a date" in fault or " has no date" in fault
    ] == faults
    assert end == "Nothing was imported."


def test_names_that_are_too_long_are_told_row_by_row(project: Project) -> None:
    jetbase_rows(
        project,
        ("'1'", "V1__a.sql", "VERSIONED", f"'{NOON}'", "ab"),
        ("'x'", "V2__b.sql", "VERSIONED", f"'{NOON}'", "ab"),
        ("'3'", "V3__c.sql", "VERSIONED", f"'{NOON}'", "ab"),
    )
    long = "d" * 256
    project.query(
        f"UPDATE jetbase_migrations SET description = '{long}' WHERE version IN ('1', '3')"
    )
    with pytest.raises(HistoryError) as caught:
        source("jetbase", project).read()
    of_second, of_first, of_third, end = str(caught.value).splitlines()
    assert "V1__a.sql has a description of 256 characters, and 255 can be kept" in of_first
    assert "V2__b.sql has the version 'x'" in of_second
    assert "V3__c.sql has a description" in of_third
    assert end == "Nothing was imported."


@pytest.mark.engines("sqlite")
def test_the_longest_names_that_are_kept(project: Project) -> None:
    """Whose columns of the other tool have no limit."""
    path = f"V2__{'x' * 992}.sql"
    rows = [
        (f"'{'1.' * 127}1'", "V1__a.sql", "VERSIONED", f"'{NOON}'", "ab"),
        ("'2'", path, "VERSIONED", f"'{NOON}'", "ab"),
        ("'3'", "V3__c.sql", "VERSIONED", f"'{NOON}'", "c" * 92),
    ]
    jetbase_rows(project, *rows)
    assert len(source("jetbase", project).read()) == 3
    project.query("DROP TABLE jetbase_migrations")
    longer = [
        (f"'{'1.' * 128}1'", *rows[0][1:]),
        ("'2'", f"x{path}", *rows[1][2:]),
        (*rows[2][:4], "c" * 93),
    ]
    jetbase_rows(project, *longer)
    with pytest.raises(HistoryError) as caught:
        source("jetbase", project).read()
    first, second, third, _end = str(caught.value).splitlines()
    assert "V1__a.sql has the version '1.1." in first
    assert len(first) < 300
    assert "a path of 1001 characters" in second
    assert len(second) < 250
    assert "a checksum of 101 characters" in third


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("", ""),
        ("-- upgrade\nSELECT 1;\nSELECT 2;\n-- rollback\nSELECT 3;", "SELECT 1\nSELECT 2"),
        ("SELECT\r\n\r\n  1\r;\r\n", "SELECT 1"),
        ("SELECT 1; SELECT 2;;\n", "SELECT 1; SELECT 2"),
        ("SELECT 1;\nSELECT 2", "SELECT 1"),
        ("SELECT 1; -- one\nSELECT 2;", "SELECT 1; -- one SELECT 2"),
        ("SELECT 'a\n-- b\n c';\n --ROLLBACK \n", "SELECT 'a c'"),
        ("SELECT 1 ; ;\n;\n", "SELECT 1 ;"),
        ("-- a\n--JETBASE: delimiter= END \nSELECT 'D;'\n, 1 END\n", "SELECT 'D;' , 1"),
        ("SELECT 1;\n-- jetbase: delimiter=~\nSELECT 2~\n;", "SELECT 1\nSELECT 2~"),
        ("SELECT '\u2028é\x0c';", "SELECT '\u2028é\x0c'"),
    ],
)
def test_checksum_of_jetbase(text: str, sent: str) -> None:
    expected = hashlib.sha256(sent.encode()).hexdigest()
    assert on_sqlite("jetbase").checksum(text) == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CREATE TABLE a (id int);\n-- rollback\nDROP TABLE a;", []),
        ("CREATE TABLE a (id int);\n/* the end */\n", []),
        ("CREATE TABLE a (id int)", [(1, 1, UNSENT)]),
        ("SELECT 1;\n\n-- note\nSELECT\n 2\n\n-- rollback\n", [(4, 5, UNSENT)]),
        ("SELECT 1;\n/* note */\nSELECT 2; -- last\n", [(3, 3, UNSENT)]),
        ("SELECT 1; -- one\n\nSELECT 2;\nSELECT 3;", [(3, 3, COMMENTED)]),
        ("UPDATE a SET b = 1 -- all\nWHERE c\n= 2;\nSELECT 1", [(2, 3, COMMENTED), (4, 4, UNSENT)]),
        ("SELECT 1 -- one\n;\nSELECT 2 -- two\n/* note */;", []),
        ("SELECT '-- no note', \"--\", /* --\n */ 1\n, 2;", []),
        (
            "-- jetbase: delimiter=~\nSELECT 1; -- a\nSELECT 2~\nSELECT 3~ -- b\n~",
            [(3, 3, COMMENTED)],
        ),
        ("SELECT 1;\nSELECT 'a\n-- rollback\n';", [(2, 2, UNSENT)]),
        (
            "SELECT 'a''\n\n', 'b', '\n';\n-- rollback\nSELECT '\n';",
            [(1, 3, FLATTENED), (3, 4, FLATTENED)],
        ),
        (
            "SELECT 1; -- it's\nSELECT 'a\\:b';\r\n/*'\n'*/SELECT 'b\r\n';",
            [(2, 2, COMMENTED), (4, 5, FLATTENED)],
        ),
        ("SELECT 'a\n', 'b\n'", [(1, 3, UNSENT)]),
        (
            "SELECT '\\:a';\nSELECT '\\::a';\nSELECT '\\:\\:a b',\n1;\n-- \\:a",
            [(1, 1, UNESCAPED), (3, 3, UNESCAPED)],
        ),
    ],
)
def test_what_jetbase_did_not_run_as_it_stands(
    project: Project, text: str, found: list[tuple[int, int, str]]
) -> None:
    assert source("jetbase", project).differences(text) == found


@pytest.mark.engines("postgresql")
def test_what_jetbase_never_ran_beside_dollar_quotes(project: Project) -> None:
    text = "-- jetbase: delimiter=~\nSELECT $a$ -- '\n$a$, E'\\' --'\n, 1~\nSELECT 1 -- $\n, 2~"
    assert source("jetbase", project).differences(text) == [(6, 6, COMMENTED)]


@pytest.mark.engines("mysql")
def test_what_jetbase_never_ran_behind_a_hash(project: Project) -> None:
    text = "SELECT 1 --1\n, '#', `#`, '\\' #'\n, 2;\nSELECT 1 # one\n, 2;"
    assert source("jetbase", project).differences(text) == [(5, 5, COMMENTED)]


def test_a_bom_made_jetbase_take_a_comment_for_sql() -> None:
    text = "-- upgrade\nCREATE TABLE a (id int);\nCREATE TABLE b (id int);"
    found = on_sqlite("jetbase")
    read = found.as_read(ROW.kind, found.checksum("\ufeff" + text), text)
    assert read == "\ufeff" + text
    assert found.differences(read) == [(2, 2, COMMENTED)]


def test_a_changed_file_was_not_read_as_it_is() -> None:
    found = on_sqlite("jetbase")
    row = ForeignMigration(**vars(ROW) | {"checksum": found.checksum("SELECT 1;")})
    assert found.as_read(row.kind, row.checksum, "SELECT  1;") is None
    assert found.as_read(row.kind, row.checksum, "SELECT 1;\n-- rollback\nSELECT 2;")
    assert found.as_read(ROW.kind, ROW.checksum, "anything") == "anything"


def test_flyway_keeps_its_order(project: Project) -> None:
    flyway_rows(
        project,
        "NULL SCHEMA schema NULL TRUE",
        "'1' BASELINE baseline NULL TRUE",
        "'1.5' SQL sub/V1_5__a.sql -5 TRUE",
        "NULL SQL R__view.sql 6 TRUE",
        "'2' JDBC db.migration.V2__code NULL TRUE",
        "NULL SQL R__view.sql 7 TRUE",
        "'3' SQL_BASELINE B3__all.sql 8 TRUE",
    )
    rows = source("flyway", project).read()
    assert [(str(row.version), row.file_name, row.checksum, row.baseline) for row in rows] == [
        ("1", "baseline", "", True),
        ("1.5", "sub/V1_5__a.sql", "-5", False),
        ("2", "db.migration.V2__code", "", False),
        ("None", "R__view.sql", "7", False),
        ("3", "B3__all.sql", "8", True),
    ]
    assert [row.kind.value for row in rows] == ["V", "V", "V", "ROC", "V"]
    assert {row.duration_ms for row in rows} == {7}
    assert {row.database_user for row in rows} == {"me"}


def test_what_flyway_undid_or_deleted_is_not_applied(project: Project) -> None:
    flyway_rows(
        project,
        "'1' SQL V1__a.sql 1 TRUE",
        "'2' SQL V2__b.sql 2 TRUE",
        "'3' SQL V3__c.sql 3 TRUE",
        "NULL SQL R__d.sql 4 TRUE",
        "'3' UNDO_SQL U3__c.sql 5 TRUE",
        "'2.0' DELETE V2__b.sql 2 TRUE",
        "NULL DELETE R__d.sql 4 TRUE",
        "'3' SQL V3__c2.sql 6 TRUE",
    )
    assert applied(source("flyway", project).read()) == ["V1__a.sql", "V3__c2.sql"]


@pytest.mark.parametrize("last", ["'2' SQL V2__b.sql 2 FALSE", "'1' UNDO_SQL U1__a.sql 2 FALSE"])
def test_a_failure_that_stands_is_refused(project: Project, last: str) -> None:
    flyway_rows(project, "'1' SQL V1__a.sql 1 TRUE", last)
    with pytest.raises(HistoryError, match=rf"^{last.split()[2]}: .*repair it with Flyway first"):
        source("flyway", project).read()


def test_a_failure_that_was_overcome_does_not_count(project: Project) -> None:
    flyway_rows(project, "NULL SQL R__a.sql 1 FALSE", "NULL SQL R__a.sql 2 TRUE")
    assert [row.checksum for row in source("flyway", project).read()] == ["2"]


@pytest.mark.parametrize(
    ("text", "checksum"),
    [
        ("", "0"),
        ("123456789", "-873187034"),  # CBF43926, the check value of CRC-32
        ("\ufeff12345\r\n6\n\n78\r9\n", "-873187034"),
        ("a", "-390611389"),
        ("b", "1908338681"),
    ],
)
def test_checksum_of_flyway(text: str, checksum: str) -> None:
    assert on_sqlite("flyway").checksum(text) == checksum


def test_placeholders_hide_the_checksum_of_a_repeatable_file() -> None:
    found = on_sqlite("flyway")
    text = "CREATE VIEW ${schema}.a AS SELECT 1;"
    versioned = ForeignMigration(**vars(ROW) | {"checksum": "5"})
    repeatable = ForeignMigration(
        **vars(versioned) | {"version": None, "kind": Kind.RUNS_ON_CHANGE}
    )
    assert found.as_read(versioned.kind, versioned.checksum, text) is None
    assert found.as_read(repeatable.kind, repeatable.checksum, text) == text
    assert found.as_read(repeatable.kind, repeatable.checksum, "SELECT 1;") is None


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("R__a.sql", "ROC__a.sql"),
        ("sub/R__a R__b.sql", "sub/ROC__a R__b.sql"),
        ("R__sub/V1__R__a.sql", "R__sub/V1__R__a.sql"),
        ("OR__a.sql", "OR__a.sql"),
    ],
)
def test_repeatable_files_are_renamed(name: str, new: str) -> None:
    assert on_sqlite("flyway").our_name(name) == new


@pytest.mark.parametrize("name", ["jetbase", "flyway"])
def test_columns_that_hold_nothing_or_something_else(project: Project, name: str) -> None:
    """As in a table that somebody has filled or altered by hand."""
    tables = {"jetbase": JETBASE, "flyway": FLYWAY}[name]
    columns = tables[project.vendor].replace("NOT NULL", "").replace("GENERATED ALWAYS", "")
    columns = columns.replace("AS IDENTITY PRIMARY", "PRIMARY").replace(
        '"execution_time" INTEGER', '"execution_time" VARCHAR(9)'
    )
    columns = columns.replace("`execution_time` INT", "`execution_time` VARCHAR(9)")
    project.query(columns)
    rows = {
        "jetbase": [
            "(1, '1', NULL, 'V1__a.sql', 'VERSIONED', '2025-07-01 12:00:00', NULL)",
            "(2, '2', 'b', NULL, 'VERSIONED', '2025-07-01 12:00:00', NULL)",
            "(3, '3', 'c', 'V3__c.sql', NULL, '2025-07-01 12:00:00', NULL)",
        ],
        "flyway": [
            "(1, '1', NULL, 'SQL', 'V1__a.sql', NULL, NULL, '2025-07-01 12:00:00', NULL, TRUE)",
            "(2, '2', 'b', 'SQL', NULL, 1, 'me', '2025-07-01 12:00:00', '7', TRUE)",
            "(3, '3', 'c', NULL, 'V3__c.sql', 1, 'me', '2025-07-01 12:00:00', '7', TRUE)",
            "(4, '4', 'd', 'PEARL', 'V4__d.sql', 1, 'me', '2025-07-01 12:00:00', '7', TRUE)",
            "(5, '5', 'e', 'SQL', 'V5__e.sql', 1, 'me', '2025-07-01 12:00:00', 'long', TRUE)",
        ],
    }[name]
    table = source(name, project).table
    for row in rows:
        project.query(f"INSERT INTO {table} VALUES {row}")
    with pytest.raises(HistoryError) as caught:
        source(name, project).read()
    *faults, end = str(caught.value).splitlines()
    assert end == "Nothing was imported."
    starts = ["version 2 has no ", "V3__c.sql has the unknown type None"]
    if name == "flyway":
        starts += ["V4__d.sql has the unknown type 'PEARL'", "V5__e.sql ran for 'long' ms"]
    assert len(faults) == len(starts)
    for fault, start in zip(faults, starts, strict=True):
        assert fault.startswith(f"{table}: {start}")
    key = "order_executed" if name == "jetbase" else "installed_rank"
    project.query(f"DELETE FROM {table} WHERE {key} > 1")
    (row,) = source(name, project).read()
    assert (row.description, row.database_user, row.duration_ms) == ("", "", 0)
