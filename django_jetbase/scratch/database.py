"""A database made for one test: Django's migrations are applied, and SQL ones as far as wanted."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import override_settings

from ..backends import backend_of
from ..conf import Settings
from ..history.tables import table_names
from ..migrator import Migrator
from ..plan.plan import ZERO
from ..receivers import is_test_database, left_alone


class Scratch:
    """The database that an alias is connected to while `scratch_database` is entered."""

    def __init__(self, database: str) -> None:
        self.database = database

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """Django's connection to it."""
        return connections[self.database]

    def execute(self, sql: str, params: tuple[Any, ...] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows. Raises database errors."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall()) if cursor.description else []

    def migrate_to(self, version: str | None) -> None:
        """Roll back what is above the version, and apply what is pending up to it.

        `None` applies everything, `"zero"` rolls everything back. Raises JetbaseError.
        """
        migrator = Migrator(self.database)
        if version is not None:
            migrator.rollback(to_version=version)
        if version != ZERO:
            migrator.upgrade(to_version=version)

    def schema(self) -> list[str]:
        """Everything in it but its rows, a line for each."""
        prefix = Settings.of(self.database).history_table_prefix
        return backend_of(self.connection).schema.lines(table_names(prefix))


@contextmanager
def scratch_database(database: str = DEFAULT_DB_ALIAS) -> Iterator[Scratch]:
    """Connect an alias, in this thread and new ones, to a new database.

    No SQL file has run in it, but those that Django's own migrations have applied. It is made as a
    test database is, beside the one that the alias has, and is gone afterwards.
    """
    original = connections[database]
    scratch = original.copy()
    scratch.settings_dict["OPTIONS"].pop("pool", None)  # a pool belongs to the alias
    name = str(original.settings_dict["NAME"])
    prefix = "" if is_test_database(database) else "test_"
    scratch.settings_dict["TEST"]["NAME"] = backend_of(original).creation.scratch_name(prefix, name)
    creation: Any = scratch.creation
    options = {"serialize": False} if django.VERSION < (6, 0) else {}
    connections[database] = scratch
    try:
        with _migrations_of(scratch):
            with left_alone(database):
                creation.create_test_db(verbosity=0, autoclobber=True, **options)
            yield Scratch(database)
    finally:
        try:
            if scratch.settings_dict["NAME"] != name:
                backend_of(scratch).creation.end_other_sessions()
                with suppress(FileNotFoundError):
                    creation.destroy_test_db(name, verbosity=0)
        finally:
            if scratch.connection is not None:  # one in memory lives as long as this
                scratch.connection.close()
            settings.DATABASES[database]["NAME"] = original.settings_dict["NAME"]
            connections[database] = original


@contextmanager
def _migrations_of(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Where its tables are to be made from the models, no app has any, as long as it is there."""
    if connection.settings_dict["TEST"].get("MIGRATE", True):
        yield
        return
    none = {app.label: None for app in apps.get_app_configs()}
    with override_settings(MIGRATION_MODULES=none):
        yield
