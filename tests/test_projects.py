"""Throw-away projects whose own tests run on databases that have the SQL migrations."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .engines import NAME, Engine

TEMPLATE = Path(__file__).parent / "project"


class Throwaway:
    """A copy of the project, in a process of its own for each command."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self.engine = engine
        self.databases: dict[str, dict[str, Any]] = {}
        for alias in ("default", "analytics"):
            self.add(alias)
        self.jetbase: dict[str, Any] = {}
        shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))

    def add(self, alias: str, **changes: Any) -> None:
        name = f"{NAME}_{alias}"
        if self.engine.vendor == "sqlite":
            name = str(self.folder / f"{name}.sqlite3")
        self.databases[alias] = self.engine.config(name) | changes

    def drop(self) -> None:
        if self.engine.vendor == "sqlite":
            return
        for config in self.databases.values():
            for suffix in ("", "_1", "_2", "_scratch"):
                self.engine.drop(f"test_{config['NAME']}{suffix}")
            self.engine.drop(config["NAME"])

    def write(self, name: str, text: str) -> None:
        (self.folder / "jetbase" / "migrations" / f"{name}.sql").write_text(text)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        given = json.dumps({"DATABASES": self.databases, "JETBASE": self.jetbase})
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "PYTEST_"))}
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=kept | {"JETBASE_PROJECT": given, "PYTHONWARNINGS": "default"} | environment,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def manage(self, *args: str, **environment: str) -> str:
        """What a command prints, which must succeed."""
        done = self.run("manage.py", *args, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def test(self, *args: str, **environment: str) -> None:
        self.manage("test", "--noinput", *args, **environment)

    def pytest(self, *args: str, **environment: str) -> None:
        done = self.run("-m", "pytest", *args, **environment)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def throwaway(engine: Engine, tmp_path: Path) -> Iterator[Throwaway]:
    project = Throwaway(tmp_path / "project", engine)
    project.drop()
    yield project
    project.drop()


def test_django_test(throwaway: Throwaway) -> None:
    throwaway.add("replica", TEST={"MIRROR": "default"})
    throwaway.test("shop.tests", "shop.migration_tests")


def test_clones(throwaway: Throwaway) -> None:
    throwaway.test("--parallel", "2")


def test_databases_made_from_the_models(throwaway: Throwaway) -> None:
    for config in throwaway.databases.values():
        config["TEST"] = {"MIGRATE": False}
    throwaway.test()


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


def test_pytest_django(throwaway: Throwaway) -> None:
    throwaway.pytest("shop/tests.py", "shop/fixtures.py", "shop/migration_tests.py")
    throwaway.pytest("--nomigrations")


def test_pytest_with_a_database_that_is_kept(throwaway: Throwaway) -> None:
    throwaway.pytest("--reuse-db", "--create-db")
    throwaway.pytest("--reuse-db", "-k", "Flushing")


def test_a_history_of_another_name(throwaway: Throwaway) -> None:
    """Which flushes leave alone, and which is no part of what SQL has made."""
    throwaway.jetbase["HISTORY_TABLE_PREFIX"] = "ops_"
    throwaway.test()


@pytest.mark.engines("postgresql")
def test_a_history_in_a_schema_of_its_own(throwaway: Throwaway) -> None:
    """Which test databases have as well."""
    throwaway.jetbase["HISTORY_SCHEMA"] = "ops"
    throwaway.test()


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("args", [[], ["--parallel", "2"]])
def test_a_schema_of_its_own(throwaway: Throwaway, args: list[str]) -> None:
    name = throwaway.databases["default"]["NAME"]
    throwaway.add("analytics", NAME=name, OPTIONS={"options": "-c search_path=analytics"})
    throwaway.test(*args)
