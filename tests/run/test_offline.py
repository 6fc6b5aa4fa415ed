"""Scripts for the stock clients: run through them, they do what the run would have done."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from django_jetbase.database import Database

from ..conftest import SOON, Project

A = "CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;\n"
B = "CREATE TABLE b (id INTEGER);\n-- rollback\nDROP TABLE b;\n"
PG = pytest.mark.engines("postgresql")
MYSQL = pytest.mark.engines("mysql")
SQLITE = pytest.mark.engines("sqlite")
TRANSACTIONAL = pytest.mark.engines("postgresql", "sqlite")


def script(project: Project, command: str = "upgrade", **options: Any) -> str:
    return project.call(command, sql=True, **options)


def run(project: Project, command: str = "upgrade", **options: Any) -> None:
    done = project.run_script(script(project, command, **options))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def states(project: Project) -> dict[str, str]:
    entries = json.loads(project.call("status", json=True))["migrations"]
    return {entry["path"]: entry["state"] for entry in entries}


def texts(project: Project) -> list[str]:
    return [text for (text,) in project.query("SELECT t FROM x ORDER BY id")]


def test_a_script_does_what_the_upgrade_would_and_records_it(project: Project) -> None:
    project.write(V1__a=A, V2__b=B, ROC__v="CREATE VIEW v AS SELECT 1 AS n;", RA__r="SELECT 1;")
    written = script(project)
    assert project.connection.introspection.table_names() == []
    assert project.run_script(written).returncode == 0
    assert set(states(project).values()) == {"applied"}
    assert project.applied() == ["V1__a.sql", "V2__b.sql", "ROC__v.sql", "RA__r.sql"]
    assert {"a", "b"} <= project.tables()
    events = project.events()
    assert [event["event"] for event in events if event["event"] != "started"] == ["applied"] * 4
    if project.vendor != "sqlite":
        assert events[-1]["database_user"] == project.connection.settings_dict["USER"]
        assert events[-1]["host"]
    project.write(V3__c="SELECT 1;")
    assert "Applied V3__c.sql" in project.call("upgrade")


def test_a_rollback_script_undoes_and_records_it(project: Project) -> None:
    project.write(V1__a=A, V2__b=B, ROC__v="SELECT 1;")
    project.call("upgrade")
    run(project, "rollback")
    assert project.tables() == {"a"}
    assert states(project) == {
        "V1__a.sql": "applied",
        "V2__b.sql": "pending",
        "ROC__v.sql": "pending",
    }
    run(project, "rollback", to_version="zero")
    assert project.tables() == set()
    run(project)
    assert project.tables() == {"a", "b"}
    assert set(states(project).values()) == {"applied"}


def test_the_history_is_that_of_a_run(project: Project) -> None:
    project.write(V1__a=A, ROC__v="SELECT 1;")
    run(project)
    columns = "kind, version, path, checksum, upgrade_checksum, text, statements, origin, committed"
    sql = f"SELECT {columns} FROM django_jetbase_migration ORDER BY id"
    recorded = project.query(sql)
    logged = [event | {"at": "", "duration_ms": 0, "host": ""} for event in project.events()]
    at = project.query("SELECT at FROM django_jetbase_migration")[0][0]
    for table in ("migration", "event", "schema"):
        project.query(f"DROP TABLE django_jetbase_{table}")
    project.query("DROP TABLE a")
    project.call("upgrade")
    assert project.query(sql) == recorded
    again = [event | {"at": "", "duration_ms": 0, "host": ""} for event in project.events()]
    if project.vendor == "sqlite":  # whose client has no users
        again = [event | {"database_user": ""} for event in again]
    assert again == logged
    assert type(project.query("SELECT at FROM django_jetbase_migration")[0][0]) is type(at)


def test_an_upgrade_of_repeatables_that_ran_before(project: Project) -> None:
    project.write(V1__a=A, ROC__v="SELECT 1;", RA__r="INSERT INTO a VALUES (1);")
    project.call("upgrade")
    project.write(ROC__v="SELECT 2;")
    run(project)
    assert project.applied() == ["V1__a.sql", "ROC__v.sql", "RA__r.sql"]
    assert project.query("SELECT count(*) FROM a") == [(2,)]
    assert set(states(project).values()) == {"applied"}


TEXT = """\
CREATE TABLE x (id INTEGER, t VARCHAR(200)); -- it's; fine
/* a comment; with ' and " */
INSERT INTO x VALUES (1, 'a;b''c -- d /* e */ %s {} é 😀 :HOST :''HOST'' \\\\i'); -- :HOST
INSERT INTO x VALUES (2, 'x
y

  -- z
;');
INSERT INTO x SELECT 3, t /* ; */ FROM x WHERE id = 1;;
INSERT INTO x VALUES (4, 'no semicolon') -- the end"""


def test_every_byte_arrives_as_written(project: Project) -> None:
    project.write(V1__text=TEXT)
    project.call("upgrade")
    expected = texts(project)
    project.query("DROP TABLE x")
    for table in ("migration", "event"):
        project.query(f"DELETE FROM django_jetbase_{table}")
    run(project)
    assert texts(project) == expected
    assert expected[0].startswith("a;b'c -- d /* e */ %s {} é 😀 :HOST :'HOST' ")


def test_a_comment_at_the_end_swallows_nothing(project: Project) -> None:
    project.write(
        V1__x="-- jetbase: delimiter=~\nCREATE TABLE x (id INTEGER, t VARCHAR(9)) -- x;\n~\n"
        "INSERT INTO x VALUES (1, 'a') /* y; */ ~\n",
        V2__y="INSERT INTO x VALUES (2, 'b') -- seed;\n-- rollback\nDELETE FROM x -- gone;",
    )
    run(project)
    assert texts(project) == ["a", "b"]
    run(project, "rollback")
    assert texts(project) == []


def test_names_with_anything_in_them(project: Project) -> None:
    name = 'V1__it\'s_100%_\\_é_😀_:HOST_"x"'
    project.write(**{name: A, "ROC__a b": "SELECT 1;"})
    run(project)
    assert states(project) == {f"{name}.sql": "applied", "ROC__a b.sql": "applied"}
    run(project, "rollback")
    assert project.tables() == set()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_breaks(project: Project, end: str) -> None:
    text = "CREATE TABLE x (id INTEGER, t VARCHAR(20));\nINSERT INTO x VALUES (1, 'a\nb');\n"
    project.write(V1__x=text.replace("\n", end))
    run(project)
    assert texts(project) == [f"a{end if project.vendor == 'postgresql' else chr(10)}b"]


def test_placeholders_are_replaced(project: Project) -> None:
    project.configure(PLACEHOLDERS={"table": "things"})
    project.write(V1__a="CREATE TABLE ${table} (id INTEGER);\n-- rollback\nDROP TABLE ${table};")
    run(project)
    assert project.tables() == {"things"}
    run(project, "rollback")
    assert project.tables() == set()


def test_fake_records_only(project: Project) -> None:
    project.write(V1__a=A)
    run(project, fake=True)
    assert project.tables() == set()
    assert project.events()[-1]["origin"] == "fake"
    run(project, "rollback", fake=True)
    assert states(project) == {"V1__a.sql": "pending"}


def test_with_nothing_to_do_it_does_nothing(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    before = project.events()
    run(project)
    assert project.events() == before


# ---- where it goes wrong


def test_it_stops_at_the_first_error(project: Project) -> None:
    project.write(
        V1__a=A,
        V2__b="CREATE TABLE b (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n",
        V3__c="CREATE TABLE c (id INTEGER);",
    )
    done = project.run_script(script(project))
    assert done.returncode != 0
    assert "nowhere" in done.stderr
    project.timing = SOON  # the script has left its lock
    if project.vendor == "mysql":
        assert project.tables() == {"a", "b"}
        assert states(project) == {
            "V1__a.sql": "applied",
            "V2__b.sql": "incomplete",
            "V3__c.sql": "pending",
        }
        project.query("DROP TABLE b")
        project.call("resolve", "2", rolled_back=True)
    else:
        assert project.tables() == {"a"}
        assert list(states(project).values()) == ["applied", "pending", "pending"]
    project.write(V2__b=B)
    run(project)
    assert set(states(project).values()) == {"applied"}


def test_run_twice_it_fails_and_changes_nothing(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.write(V2__b="INSERT INTO a VALUES (1);\n-- rollback\nINSERT INTO a VALUES (2);")
    upgrade = script(project)
    assert project.run_script(upgrade).returncode == 0
    assert_refused(project, upgrade)
    assert project.query("SELECT id FROM a") == [(1,)]
    rollback = script(project, "rollback")
    assert project.run_script(rollback).returncode == 0
    assert_refused(project, rollback)
    assert project.query("SELECT id FROM a ORDER BY id") == [(1,), (2,)]
    assert states(project) == {"V1__a.sql": "applied", "V2__b.sql": "pending"}


def assert_refused(project: Project, text: str) -> None:
    """The script does nothing, since the history is not any more what it was."""
    before = project.events()
    done = project.run_script(text)
    assert done.returncode != 0
    assert "The history has changed since this script was written" in done.stderr
    assert project.events() == before
    project.timing = SOON  # the script has left its lock


def test_run_where_the_history_has_changed_it_changes_nothing(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    rollback = script(project, "rollback")
    project.write(V2__b=B)
    upgrade = script(project)
    project.call("upgrade")
    assert_refused(project, rollback)
    project.call("rollback", to_version="zero")
    assert_refused(project, upgrade)
    assert project.tables() == set()


@pytest.mark.parametrize("off", [True, False])
def test_run_again_after_a_failure_it_repeats_nothing(project: Project, off: bool) -> None:
    directive = "-- jetbase: transaction=off\n" if off else ""
    project.write(
        V1__a=f"{directive}CREATE TABLE a (id INTEGER);\n-- rollback\n"
        "INSERT INTO a VALUES (1);\nINSERT INTO nowhere VALUES (1);",
        RA__r=f"{directive}SELECT 1;",
    )
    project.call("upgrade")
    project.write(
        RA__r=f"{directive}INSERT INTO a VALUES (2);\nINSERT INTO nowhere VALUES (2);",
    )
    upgrade, rollback = script(project), script(project, "rollback")
    for text, number in ((upgrade, 2), (rollback, 1)):
        assert project.run_script(text).returncode != 0
        kept = project.query(f"SELECT count(*) FROM a WHERE id = {number}")
        assert project.run_script(text).returncode != 0
        assert project.query(f"SELECT count(*) FROM a WHERE id = {number}") == kept


def test_another_run_in_progress_is_not_disturbed(project: Project) -> None:
    project.write(V1__a=A)
    database = Database(project.another().alias)
    with database.locked("test"), database.lock.held_without_transaction():
        written = script(project)
        done = project.run_script(written)
        assert done.returncode != 0
        assert "Another process is running migrations on this database" in done.stderr
        assert project.tables() == set()
    assert project.run_script(written).returncode == 0


@TRANSACTIONAL
def test_without_a_transaction_of_its_own(project: Project) -> None:
    project.write(
        V1__a="-- jetbase: transaction=off\nVACUUM;\nBEGIN;\nCREATE TABLE a (id INTEGER);",
        V2__b="-- jetbase: transaction=off\nCREATE TABLE b (id INTEGER);\nSELECT * FROM nowhere;",
    )
    assert project.run_script(script(project)).returncode != 0
    assert project.tables() == {"a", "b"}
    assert states(project) == {"V1__a.sql": "applied", "V2__b.sql": "incomplete"}


def test_problems_are_those_of_a_run(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.write(V1__a=A.replace("id", "n"))
    with pytest.raises(CommandError, match=r"jetbase\.E014"):
        script(project)
    assert project.out.getvalue() == ""


@pytest.mark.parametrize("others", [["--dry-run"], ["--check"], ["--json"]])
def test_what_does_not_go_with_it(project: Project, others: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("jetbase_upgrade", "--sql", *others, database=project.alias)


# ---- PostgreSQL


@PG
def test_bodies_rows_and_psqls_variables(project: Project) -> None:
    project.write(
        V1__x=r"""
        CREATE TABLE x (id int, t text);
        COPY x FROM STDIN;
1	a\tb:HOST
2	\\.
\.
        CREATE FUNCTION f(n int) RETURNS int AS $$ BEGIN RETURN n; -- :HOST;
        END; $$ LANGUAGE plpgsql;
        CREATE FUNCTION g(n int) RETURNS int BEGIN ATOMIC SELECT n; SELECT n + 1; END;
        INSERT INTO x SELECT 3, (ARRAY['a', 'b'])[1:"ENCODING"]::text
            FROM (SELECT 1) AS s ("ENCODING");
        INSERT INTO x SELECT 3, (ARRAY['c', 'd'])[host:HOST]::text FROM (SELECT 2) AS s (host);
        CREATE RULE r AS ON DELETE TO x DO ALSO (SELECT 1; SELECT 2);
        INSERT INTO x VALUES (4, E'it\'s :HOST'), (5, $$:HOST $a$ ;$$);
        SET escape_string_warning = off; SET standard_conforming_strings = off;
        INSERT INTO x VALUES (6, 'it\'s :HOST');
        """
    )
    run(project)
    assert texts(project) == [
        "a\tb:HOST",
        "\\.",
        "{a}",
        "{d}",
        "it's :HOST",
        ":HOST $a$ ;",
        "it's :HOST",
    ]
    assert project.query("SELECT f(1), g(1)") == [(1, 2)]


@PG
def test_the_session_is_djangos_and_put_back_after_each_file(project: Project) -> None:
    project.query("CREATE SCHEMA s")
    project.query("CREATE ROLE jetbase_scribe")
    try:
        project.query("GRANT ALL ON SCHEMA public TO jetbase_scribe")
        project.write(
            V1__a="SET search_path = s; SET TimeZone = 'Asia/Tokyo'; SET ROLE jetbase_scribe;",
            V2__x="CREATE TABLE x (id int, t text);"
            "INSERT INTO x VALUES (1, current_setting('TimeZone')), (2, current_user),"
            " (3, current_setting('lock_timeout'));",
        )
        twin = project.another(OPTIONS={"options": "-c lock_timeout=7s"}, TIME_ZONE="Asia/Tbilisi")
        written = twin.call("upgrade", sql=True)
        assert project.run_script(written).returncode == 0
        assert texts(project) == ["Asia/Tbilisi", "postgres", "7s"]
        assert project.query("SELECT schemaname FROM pg_tables WHERE tablename = 'x'") == [
            ("public",)
        ]
        own = "SET ROLE jetbase_scribe;\n"  # as a DBA may who logs in as somebody else
        project.write(V3__c="CREATE TABLE c (id int);")
        project.query("GRANT ALL ON ALL TABLES IN SCHEMA public TO jetbase_scribe")
        project.query("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO jetbase_scribe")
        assert project.run_script(own + script(project)).stderr == ""
        assert project.query("SELECT tableowner FROM pg_tables WHERE tablename = 'c'") == [
            ("jetbase_scribe",)
        ]
    finally:
        project.query("DROP OWNED BY jetbase_scribe")
        project.query("DROP ROLE jetbase_scribe")


@PG
def test_a_schema_of_its_own(project: Project) -> None:
    project.query("CREATE SCHEMA tenant")
    twin = project.another(OPTIONS={"options": "-c search_path=tenant"})
    twin.write(V1__a=A)
    assert project.run_script(twin.call("upgrade", sql=True)).returncode == 0
    assert states(twin) == {"V1__a.sql": "applied"}
    assert project.query("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'a'") == [
        ("tenant",)
    ]


@PG
def test_whose_defaults_are_others(project: Project) -> None:
    """Whoever runs it, it reads text as Django's session does; and Django can read the history."""
    project.query("CREATE ROLE jetbase_dba LOGIN SUPERUSER PASSWORD 'x'")
    project.query("CREATE ROLE jetbase_scribe LOGIN PASSWORD 'x'")
    try:
        project.query("ALTER ROLE jetbase_dba SET DateStyle = 'ISO, DMY'")
        project.query("ALTER ROLE jetbase_dba SET standard_conforming_strings = off")
        project.query("GRANT ALL ON SCHEMA public TO jetbase_scribe")
        project.write(
            V1__x=r"CREATE TABLE x (id int, t text); INSERT INTO x VALUES (1, '01/02/2020'::date),"
            r" (2, 'a\tb');"
        )
        clerk = project.another("clerk", USER="jetbase_scribe", PASSWORD="x")
        written = clerk.call("upgrade", sql=True)
        dba = project.another("dba", USER="jetbase_dba", PASSWORD="x")
        done = dba.run_script(written)
        assert (done.returncode, done.stderr) == (0, "")
        assert texts(project) == ["2020-01-02", r"a\tb"]
        assert "applied    V1__x.sql" in clerk.call("status")
        assert project.events()[-1]["database_user"] == "jetbase_dba"
        clerk.connection.close()
        dba.connection.close()
    finally:
        project.query("DROP OWNED BY jetbase_scribe, jetbase_dba")
        project.query("DROP ROLE jetbase_scribe")
        project.query("DROP ROLE jetbase_dba")


@PG
def test_rows_in_a_file_with_windows_line_breaks(project: Project) -> None:
    text = (
        "CREATE TABLE x (id int, t text);\nCOPY x FROM STDIN;\n1\ta\n\\.\nCOPY x FROM STDIN;\n\\.\n"
    )
    project.write(V1__x=text.replace("\n", "\r\n"))
    run(project)
    assert texts(project) == ["a"]


@PG
@pytest.mark.parametrize(
    ("setting", "is_refused"),
    [
        ("SET client_encoding = 'LATIN1'", True),
        ("SET client_encoding TO latin1", True),
        ("SET NAMES 'LATIN1'", True),
        ("SET client_encoding = 'UTF8'", False),
        ("set client_encoding to utf8", False),
        ("SET NAMES 'UTF8'", False),
    ],
)
def test_another_encoding(project: Project, setting: str, is_refused: bool) -> None:
    project.write(
        V1__x=f"CREATE TABLE x (id int, t text);\n{setting};\nINSERT INTO x VALUES (1, 'é');"
    )
    if is_refused:
        with pytest.raises(
            CommandError, match=r"V1__x\.sql:2:1: psql would send .* leave it at UTF8"
        ):
            script(project)
    else:
        run(project)
        assert texts(project) == ["é"]


# ---- MariaDB and MySQL


@MYSQL
def test_a_backslash_before_a_line_break(project: Project) -> None:
    project.write(
        V1__x="CREATE TABLE x (id INT, t VARCHAR(9)); INSERT INTO x VALUES (1, 'a\\\nb');"
    )
    run(project)
    assert texts(project) == ["a\nb"]


@MYSQL
def test_what_a_routine_sets_is_put_back(project: Project) -> None:
    project.write(
        V1__x="CREATE TABLE p (id INT PRIMARY KEY); CREATE TABLE x (p INT REFERENCES p (id));"
        "ALTER TABLE x ADD FOREIGN KEY (p) REFERENCES p (id);"
        "CREATE PROCEDURE f() SET SESSION foreign_key_checks = 0;",
        V2__y="CALL f(); INSERT INTO x VALUES (7);",
        V3__z="INSERT INTO x VALUES (8);",
    )
    done = project.run_script(script(project))
    assert "a foreign key constraint fails" in done.stderr
    assert project.query("SELECT p FROM x") == [(7,)]


@MYSQL
def test_bodies_and_delimiters(project: Project) -> None:
    project.write(
        V1__x="""
        CREATE TABLE x (id INT, t VARCHAR(50));
        CREATE PROCEDURE p() BEGIN
            -- a comment; stays
            INSERT INTO x VALUES (1, '//'); INSERT INTO x VALUES (2, '$$');
        END;
        DELIMITER $$
        CREATE TRIGGER trg BEFORE INSERT ON x FOR EACH ROW BEGIN SET NEW.id = NEW.id + 10; END$$
        DELIMITER ;
        CALL p();
        INSERT INTO x VALUES (3, 'a;b // $$ ~~ || @@ !! %% ?? $$$');
        """
    )
    run(project)
    assert texts(project) == ["//", "$$", "a;b // $$ ~~ || @@ !! %% ?? $$$"]
    ((body,),) = project.query(
        "SELECT routine_definition FROM information_schema.routines"
        " WHERE routine_schema = DATABASE()"
    )
    assert "-- a comment; stays" in body


@MYSQL
def test_a_dump_and_a_session_that_is_put_back(project: Project) -> None:
    name = project.connection.settings_dict["NAME"]
    project.write(
        V1__a="""
        /*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='ANSI_QUOTES,NO_BACKSLASH_ESCAPES' */;
        CREATE TABLE a (id INT);
        LOCK TABLES a WRITE;
        INSERT INTO a VALUES (@@max_allowed_packet DIV @@max_allowed_packet);
        SET NAMES latin1;
        SET autocommit = 0;
        INSERT INTO a VALUES (2);
        USE test;
        SET timestamp = 1000000000;
        """,
        V2__x="CREATE TABLE x (id INT, t VARCHAR(50));"
        "INSERT INTO x VALUES (1, DATABASE()), (2, \"é\"), (3, NOW() > '2020-01-01');",
    )
    run(project)
    assert texts(project) == [name, "é", "1"]
    assert project.query("SELECT count(*) FROM a") == [(2,)]
    assert {event["at"][:3] for event in project.events()} == {"202"}


# ---- SQLite


@SQLITE
def test_a_table_is_rebuilt_without_losing_rows(project: Project) -> None:
    tables = (
        "CREATE TABLE p (id INTEGER PRIMARY KEY);"
        "CREATE TABLE c (p INTEGER REFERENCES p ON DELETE CASCADE);"
        "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1);"
    )
    rebuild = (
        "CREATE TABLE n (id INTEGER PRIMARY KEY, t TEXT); INSERT INTO n (id) SELECT id FROM p;"
        "DROP TABLE p; ALTER TABLE n RENAME TO p;"
    )
    project.write(V1__tables=tables, V2__rebuild=rebuild, V3__again=rebuild)
    run(project)
    assert project.query("SELECT * FROM c") == [(1,)]
    project.write(V4__wrong=rebuild.replace("SELECT id FROM p", "SELECT id + 1 FROM p"))
    done = project.run_script(script(project))
    assert "rows would violate a foreign key" in done.stderr
    assert done.returncode != 0
    project.write(V4__wrong="INSERT INTO c VALUES (7);")
    done = project.run_script(script(project))
    assert "FOREIGN KEY constraint failed" in done.stderr
    assert project.query("SELECT * FROM c") == [(1,)]
    project.write(V4__wrong="-- jetbase: foreign_keys=off\nINSERT INTO c VALUES (7);")
    run(project)
    project.write(V5__wrong="INSERT INTO c VALUES (8);")
    assert project.run_script(script(project)).returncode != 0


@SQLITE
def test_a_trigger_and_pragmas_that_are_put_back(project: Project) -> None:
    project.write(
        V1__a="PRAGMA recursive_triggers = 1; CREATE TABLE a (n INTEGER);"
        "CREATE TRIGGER t AFTER INSERT ON a WHEN NEW.n < 3 BEGIN"
        " INSERT INTO a VALUES (NEW.n + 1); SELECT 1; END;",
        V2__b="INSERT INTO a VALUES (1);",
    )
    run(project)
    assert project.query("SELECT n FROM a") == [(1,), (2,)]


@SQLITE
def test_keys_are_checked_outside_a_transaction_too(project: Project) -> None:
    project.write(
        V1__a="CREATE TABLE p (id INTEGER PRIMARY KEY, note); INSERT INTO p VALUES (1, 2);"
        "CREATE TABLE c (p INTEGER REFERENCES p); INSERT INTO c VALUES (1);"
        "CREATE TABLE odd (n INTEGER REFERENCES p (note));",
        V2__b="CREATE TABLE z (id INTEGER); DROP TABLE z;",
        V3__c="-- jetbase: transaction=off\nDROP TABLE p; CREATE TABLE p (id INTEGER PRIMARY KEY);",
    )
    project.call("upgrade", count=1)
    done = project.run_script(script(project))
    assert "rows would violate a foreign key" in done.stderr
    assert states(project) == {
        "V1__a.sql": "applied",
        "V2__b.sql": "applied",
        "V3__c.sql": "incomplete",
    }


@SQLITE
def test_a_pragma_that_empties_the_temporary_database(project: Project) -> None:
    project.write(
        V1__a="-- jetbase: transaction=off\nPRAGMA temp_store = MEMORY;\n"
        "CREATE TABLE a (n INTEGER);",
        V2__b="CREATE TABLE b (n INTEGER); DROP TABLE b;",
    )
    run(project)
    assert set(states(project).values()) == {"applied"}


@SQLITE
def test_a_comment_without_an_end(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id INTEGER);\nINSERT INTO a VALUES (1) /* never closed")
    with pytest.raises(CommandError, match=r"V1__a\.sql:2:1: the comment at its end never ends"):
        script(project)
    project.call("upgrade")
    assert project.query("SELECT id FROM a") == [(1,)]


@pytest.mark.engines("sqlite", "mysql")
def test_a_carriage_return_that_the_client_would_drop(project: Project) -> None:
    project.write(V1__a="SELECT 1;\r\nSELECT 'a\r\r\nb';\r\n")
    with pytest.raises(CommandError, match=r"V1__a\.sql:2:1: the .* drops a carriage return"):
        script(project)


@SQLITE
def test_such_a_line_in_a_literal_or_a_body_is_none(project: Project) -> None:
    trigger = "CREATE TRIGGER r AFTER INSERT ON x BEGIN SELECT 4\n/\n2; END;"
    text = "CREATE TABLE x (id INT, t TEXT); INSERT INTO x VALUES (1, 'a\ngo\n/\nb');"
    project.write(V1__x=f"{text}\n{trigger}")
    run(project)
    assert texts(project) == ["a\ngo\n/\nb"]


@SQLITE
@pytest.mark.parametrize("line", ["/", "  go ", "GO"])
def test_a_line_that_the_shell_takes_for_the_end(project: Project, line: str) -> None:
    project.write(V1__a=f"SELECT 1;\nSELECT 4\n{line}\n2;")
    with pytest.raises(CommandError, match=r"V1__a\.sql:2:1: in it is a line of nothing but"):
        script(project)
