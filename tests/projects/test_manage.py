"""With `manage.py test`."""

from .conftest import Throwaway
from .test_pytest import MOVED


def test_django_test(throwaway: Throwaway) -> None:
    throwaway.add("replica", TEST={"MIRROR": "default"})
    throwaway.test("shop.tests", "shop.migration_tests")


def test_clones(throwaway: Throwaway) -> None:
    throwaway.test("--parallel", "2")


def test_databases_made_from_the_models(throwaway: Throwaway) -> None:
    for config in throwaway.databases.values():
        config["TEST"] = {"MIGRATE": False}
    throwaway.write("V2__moved", MOVED.format(name="0002_gone", table="moved"))
    throwaway.test(LATER_TABLE="moved")


def test_a_database_that_is_kept(throwaway: Throwaway) -> None:
    if throwaway.engine.vendor == "sqlite":  # in memory by default
        for config in throwaway.databases.values():
            config["TEST"] = {"NAME": config["NAME"] + ".test"}
    throwaway.test(
        "--keepdb", "shop.tests.InATransaction", "shop.tests.Again", "shop.tests.Flushing"
    )
    throwaway.write("V2__later", "CREATE TABLE later (id INTEGER);\n-- rollback\nDROP TABLE later;")
    throwaway.test("--keepdb", "shop.tests.Again", "shop.tests.Flushing", LATER_TABLE="later")
    throwaway.write("V2__later", "CREATE TABLE other (id INTEGER);\n-- rollback\nDROP TABLE other;")
    done = throwaway.run("manage.py", "test", "--noinput", "--keepdb")
    assert done.returncode == 1
    assert "V2__later.sql: was changed after it was applied" in done.stderr
    assert "Let the test run recreate it: leave out --keepdb" in done.stderr
    assert "Traceback" not in done.stderr
    throwaway.test(LATER_TABLE="other")


APPEND_ONLY = {
    "postgresql": "CREATE TABLE kept (id INTEGER); INSERT INTO kept VALUES (1);\n"
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'append only'; END $$;\n"
    "CREATE TRIGGER r BEFORE TRUNCATE ON kept FOR EACH STATEMENT EXECUTE FUNCTION refuse();",
    "mysql": "CREATE TABLE kept (id INTEGER); INSERT INTO kept VALUES (1);\n"
    "CREATE TRIGGER r BEFORE DELETE ON kept FOR EACH ROW SIGNAL SQLSTATE '45000';\n"
    "CREATE TRIGGER s AFTER DELETE ON note FOR EACH ROW INSERT INTO priced VALUES (1);",
    "sqlite": "CREATE TABLE kept (id INTEGER); INSERT INTO kept VALUES (1);\n"
    "CREATE TRIGGER r BEFORE DELETE ON kept BEGIN SELECT RAISE(ABORT, 'append only'); END;\n"
    "CREATE TRIGGER s AFTER DELETE ON note BEGIN INSERT INTO priced VALUES (1); END;",
}


def test_tables_that_resist(throwaway: Throwaway) -> None:
    """One that may only grow stays as it is, and one that a trigger fills is emptied."""
    throwaway.write("V2__kept", APPEND_ONLY[throwaway.engine.vendor])
    throwaway.test("shop.tests.Flushing", "shop.tests.FlushingAgain", RESISTING_TABLES="1")


def test_turned_off(throwaway: Throwaway) -> None:
    throwaway.jetbase["TESTS"] = False
    throwaway.test(WITHOUT_SQL_MIGRATIONS="1")
