import resource
from unittest.mock import ANY

import pytest
from django.core.management.base import CommandError
from django.db import connections

from ..conftest import Project

pytestmark = pytest.mark.engines("postgresql")


def test_a_file_is_one_round_trip(project: Project) -> None:
    if connections[project.alias].Database.__name__ != "psycopg":
        pytest.skip("psycopg2 sends statement by statement")
    project.write(V1__a="CREATE TABLE a (id int);")
    project.call("upgrade")

    def round_trips(statement: str, count: int) -> int:
        path = project.folder.parent / "trace"
        project.write(V2__b=f"{statement}\n" * count)
        with path.open("w") as file:
            project.connection.connection.pgconn.trace(file.fileno())
            project.call("upgrade")
            project.connection.connection.pgconn.untrace()
        project.call("rollback", fake=True)
        return path.read_text().count("\tReadyForQuery")

    one = round_trips("INSERT INTO a VALUES (1);", 1)
    assert round_trips("INSERT INTO a VALUES (1);", 900) == one
    assert round_trips("SELECT repeat('x', 10000);", 900) == one


def test_each_statement_is_a_query_of_its_own(project: Project) -> None:
    project.write(
        V1__a="""
            CREATE TABLE log (query text, at timestamptz PRIMARY KEY DEFAULT statement_timestamp());
            CREATE TABLE a (id int);
            CREATE FUNCTION log_query() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO log (query) VALUES (current_query()); RETURN NEW; END $$;
            CREATE TRIGGER log BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION log_query();
            INSERT INTO a VALUES (1) /* é */;
            -- a comment between
            INSERT INTO a VALUES (2);
        """
    )
    project.call("upgrade")
    assert project.query("SELECT query FROM log ORDER BY at") == [
        ("INSERT INTO a VALUES (1) /* é */",),
        ("INSERT INTO a VALUES (2)",),
    ]


def test_commands_up_to_a_delimiter_are_one_query(project: Project) -> None:
    project.write(
        V1__a="""-- jetbase: delimiter=|
            CREATE TABLE a (query text DEFAULT current_query())|
            INSERT INTO a VALUES (DEFAULT); INSERT INTO a VALUES (DEFAULT)|
            INSERT INTO a VALUES (DEFAULT)|
        """
    )
    project.call("upgrade")
    two, one = (
        ("INSERT INTO a VALUES (DEFAULT); INSERT INTO a VALUES (DEFAULT)",),
        ("INSERT INTO a VALUES (DEFAULT)",),
    )
    assert project.query("SELECT query FROM a ORDER BY ctid") == [two, two, one]
    project.write(V2__b="-- jetbase: delimiter=|\nSELECT 1;\n  SELECT prize|")
    with pytest.raises(CommandError, match=r'V2__b\.sql:3:10: column "prize" does not exist'):
        project.call("upgrade")


@pytest.mark.parametrize("mode", ["", "-- jetbase: transaction=off\n"])
def test_a_copy_to_the_client_is_found_wherever_it_says_so(project: Project, mode: str) -> None:
    columns = ", ".join(f"'to stdout' AS column_{number}" for number in range(100))
    project.write(V1__a=f"{mode}SELECT 1;\nCOPY (SELECT {columns}) TO -- here\n STDOUT;")
    with pytest.raises(CommandError, match=r"V1__a\.sql:\d:1: COPY … TO STDOUT has nobody to send"):
        project.call("upgrade")
    project.write(V1__a=f"{mode}COPY (SELECT {columns}) TO PROGRAM 'cat > /dev/null';")
    project.call("upgrade")


def test_rows_are_thrown_away_as_they_come(project: Project) -> None:
    """A process holds 200 MB of rows at no time, whatever else is on its way."""
    if project.connection.Database.__name__ != "psycopg":
        pytest.skip("psycopg2 has all of them before it can throw any away")
    rows = "SELECT repeat('x', 1000) FROM generate_series(1, 200000);"
    for options in ("", "-- jetbase: transaction=off\n"):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        project.write(V1__a=f"{options}{rows}\n{rows}\n", RA__b="SELECT 1;")
        project.call("upgrade")
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        project.call("rollback", fake=True)
        assert grown < 50_000  # kilobytes


def test_runtime_errors_name_their_statement(project: Project) -> None:
    project.write(
        V1__a="CREATE TABLE a (id int PRIMARY KEY);\nINSERT INTO a VALUES (1);\n\n"
        "  INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);"
    )
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert str(caught.value).startswith("V1__a.sql:4:3: duplicate key value violates")
    assert "DETAIL: Key (id)=(***) already exists." in str(caught.value)


def test_errors_with_a_position_name_it(project: Project) -> None:
    project.write(V1__é="-- é\nSELECT 1;\nSELECT 'é',\n  prize FROM pg_class;")
    with pytest.raises(CommandError, match=r'V1__é\.sql:4:3: column "prize" does not exist'):
        project.call("upgrade")


def test_a_deferred_constraint_fails_at_commit(project: Project) -> None:
    project.write(
        V1__a="CREATE TABLE a (id int PRIMARY KEY,"
        " b int REFERENCES a DEFERRABLE INITIALLY DEFERRED);"
        "INSERT INTO a VALUES (1, 2);"
    )
    with pytest.raises(CommandError, match=r"V1__a\.sql: .*violates foreign key"):
        project.call("upgrade")
    assert project.tables() == set()


def test_after_a_failure_the_connection_works(project: Project) -> None:
    project.write(V1__a="SELECT 1/0;")
    with pytest.raises(CommandError, match="division by zero"):
        project.call("upgrade")
    assert project.query("SELECT 1") == [(1,)]
    assert project.connection.get_autocommit()


@pytest.mark.parametrize("options", [{"prepare_threshold": 0}, {"pool": True}, {}])
def test_options_of_the_connection(project: Project, options: dict[str, object]) -> None:
    if connections[project.alias].Database.__name__ != "psycopg" and options:
        pytest.skip("an option of psycopg 3")
    twin = project.another(OPTIONS=options, CONN_MAX_AGE=0)
    twin.write(V1__a="CREATE TABLE a (id int); INSERT INTO a VALUES (1);", V2__b="SELECT 1;")
    twin.call("upgrade")
    assert twin.query("SELECT id FROM a") == [(1,)]


COPY = (
    "CREATE TABLE a (id int, t text);\n"
    "COPY a (id, t) FROM stdin;\n1\tone; -- rollback\n2\t\\N\n3\té\\\\x\n\\.\n\n"
    'COPY a FROM STDIN WITH (FORMAT csv);\n4,"x\ny"\n\\.\n'
    "INSERT INTO a VALUES (5, 'five');\n"
)


@pytest.mark.parametrize("transaction", ["on", "off"])
def test_copy_from_stdin(project: Project, transaction: str) -> None:
    project.write(V1__a=f"-- jetbase: transaction={transaction}\n{COPY}")
    project.call("upgrade")
    assert project.query("SELECT * FROM a ORDER BY id") == [
        (1, "one; -- rollback"),
        (2, None),
        (3, "é\\x"),
        (4, "x\ny"),
        (5, "five"),
    ]


def test_an_error_in_the_rows_of_a_copy_names_the_line(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id int);\nCOPY a FROM stdin;\n1\nx\n\\.\n")
    with pytest.raises(CommandError, match=r"V1__a\.sql:4:1: invalid input syntax"):
        project.call("upgrade")
    assert project.tables() == set()


def test_standard_conforming_strings_in_the_middle(project: Project) -> None:
    project.write(
        V1__a="CREATE TABLE a (t text); SET standard_conforming_strings = off;"
        "SET escape_string_warning = off; INSERT INTO a VALUES ('it\\'s; x');"
        "SET standard_conforming_strings = on; INSERT INTO a VALUES ('back\\');"
    )
    project.call("upgrade")
    assert project.query("SELECT t FROM a") == [("it's; x",), ("back\\",)]


def test_notices_are_shown(project: Project) -> None:
    project.write(V1__a="DO $$ BEGIN RAISE NOTICE 'seen; here'; END $$;")
    project.call("upgrade")
    assert "NOTICE: seen; here" in project.said
    project.write(V2__b="DO $$ BEGIN RAISE WARNING 'quiet'; END $$;")
    project.call("upgrade", verbosity=0)
    assert project.said == ""


def test_set_transaction_comes_first(project: Project) -> None:
    project.write(
        V1__a="SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; CREATE TABLE a (level text);"
        "INSERT INTO a SELECT current_setting('transaction_isolation');"
    )
    project.call("upgrade")
    assert project.query("SELECT level FROM a") == [("serializable",)]


def test_a_long_file_travels_in_several_messages(project: Project) -> None:
    rows = "".join(f"INSERT INTO a VALUES ({n});\n" for n in range(2500))
    project.write(V1__a=f"CREATE TABLE a (id int PRIMARY KEY);\n{rows}INSERT INTO a VALUES (7);\n")
    with pytest.raises(CommandError, match=r"V1__a\.sql:2502:1: duplicate key"):
        project.call("upgrade")
    assert project.tables() == set()
    project.write(V1__a=f"CREATE TABLE a (id int PRIMARY KEY);\n{rows}")
    project.call("upgrade")
    assert project.query("SELECT count(*) FROM a") == [(2500,)]
    assert project.query("SELECT statements FROM django_jetbase_migration") == [(2501,)]


def test_copy_to_stdout_is_an_error(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id int);", V2__b="COPY a\nTO STDOUT;")
    with pytest.raises(CommandError, match=r"V2__b\.sql:1:1: COPY … TO STDOUT has nobody"):
        project.call("upgrade")
    assert project.tables() == set()


def test_a_function_with_a_sql_body_and_a_rule(project: Project) -> None:
    project.write(
        V1__a=(
            'CREATE TABLE t (id int, "end" int); CREATE TABLE log (id int);\n'
            "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql BEGIN ATOMIC\n"
            "  INSERT INTO log VALUES (x);\n"
            '  SELECT CASE WHEN x > 0 THEN 1 ELSE t."end" END FROM t;\nEND;\n'
            "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO log VALUES (1);"
            " INSERT INTO log VALUES (2););\n"
            "INSERT INTO t VALUES (1, 2);"
        )
    )
    project.call("upgrade")
    assert project.query("SELECT id FROM log ORDER BY 1") == [(1,), (2,)]


def test_a_second_process_that_recorded_the_file_is_success(project: Project) -> None:
    """Without the lock, the unique key still lets a file be applied only once."""
    project.write(V1__a="SELECT 1;")
    project.call("upgrade")
    row = project.query("SELECT * FROM django_jetbase_migration")
    assert row == [ANY]
    assert project.query(
        "SELECT count(*) FROM pg_constraint WHERE contype = 'u'"
        " AND conrelid = 'django_jetbase_migration'::regclass"
    ) == [(1,)]


PROCEDURE = "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;"
ENUM = "CREATE TYPE mood AS ENUM ('sad');\nCREATE TABLE felt (mood mood);"


@pytest.mark.parametrize(
    "statement",
    [
        "DO $$ BEGIN COMMIT; END $$;",
        f"{PROCEDURE} CALL p();",
        "CLUSTER;",
        "ALTER TYPE mood ADD VALUE 'glad'; INSERT INTO felt VALUES ('glad');",
    ],
)
def test_what_turns_out_not_to_run_in_a_transaction(project: Project, statement: str) -> None:
    project.write(V1__a=ENUM, V2__b=statement)
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert "It cannot run in the transaction of the file: put -- jetbase: tran" in str(caught.value)
    project.write(V2__b=f"-- jetbase: transaction=off\n{statement}")
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]


def test_a_setting_of_the_transaction_that_comes_too_late(project: Project) -> None:
    project.write(V1__a="SELECT 1;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;")
    with pytest.raises(CommandError, match=r"V1__a\.sql:2:1: SET TRANS") as caught:
        project.call("upgrade")
    assert "transaction=off" not in str(caught.value)


@pytest.mark.parametrize("options", ["connect = false", "create_slot='off', connect=0"])
def test_a_subscription_without_a_slot_runs_in_a_transaction(
    project: Project, options: str
) -> None:
    subscription = "CREATE SUBSCRIPTION jetbase_sub CONNECTION 'dbname=x' PUBLICATION p"
    project.write(V1__a=f"{subscription} WITH ({options});")
    project.call("upgrade")
    assert project.query("SELECT subname FROM pg_subscription") == [("jetbase_sub",)]
    project.query("ALTER SUBSCRIPTION jetbase_sub SET (slot_name = NONE)")
    project.query("DROP SUBSCRIPTION jetbase_sub")
    project.write(V2__b=f"{subscription};")
    with pytest.raises(CommandError, match="CREATE SUBSCRIPTION cannot run inside"):
        project.call("upgrade")
