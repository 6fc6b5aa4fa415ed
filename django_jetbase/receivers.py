"""What the app does when Django migrates: test databases get every SQL migration."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import mail
from django.core.management.base import CommandError
from django.db import Error, connections
from django.db.models.signals import post_migrate, pre_migrate

from .backends import message_of
from .conf import Settings, aliases_in_use
from .database import moves_search_path, refuse_moving_backend
from .exceptions import JetbaseError, SettingsError
from .interop.django_applied import unapplied
from .migrator import Migrator

_RECREATE = (
    "The test database {name!r} cannot be brought up to date. Let the test run recreate it: leave"
    " out --keepdb, or give pytest --create-db instead of --reuse-db."
)
_names: dict[str, Any] = {}  # of the databases at start-up, by alias
_left_alone: set[str] = set()  # aliases whose test database somebody else brings to a version


def connect(apps: list[AppConfig]) -> None:
    """Note what the databases are called, and listen to `migrate`."""
    _names.update((alias, given.get("NAME")) for alias, given in settings.DATABASES.items())
    last = [app for app in apps if app.models_module][-1]
    pre_migrate.connect(_before_migrate, sender=last)


def is_test_database(alias: str) -> bool:
    """Whether a test runner has made the database that the alias is connected to."""
    name = connections[alias].settings_dict["NAME"]
    return hasattr(mail, "outbox") and alias in _names and name != _names[alias]


def is_kept_by_tests(alias: str) -> bool:
    """Whether it is a test database, and one with SQL migrations."""
    if not is_test_database(alias) or moves_search_path(connections[alias]):
        return False
    return alias in aliases_in_use() and Settings.of(alias).tests


@contextmanager
def left_alone(alias: str) -> Iterator[None]:
    """Apply nothing by itself to the test databases of an alias."""
    _left_alone.add(alias)
    try:
        yield
    finally:
        _left_alone.discard(alias)


def _before_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Be the last of all receivers when `migrate` has ended."""
    post_migrate.disconnect(_after_migrate, sender=sender)
    post_migrate.connect(_after_migrate, sender=sender)
    with _refusing():
        if using in _left_alone:
            Migrator(using).database.create_schemas()
        for alias, name in _in_test_database(using):
            with _called(alias, name):
                Migrator(alias).database.create_schemas()


def _after_migrate(
    using: str, verbosity: int = 1, plan: Any = None, stdout: Any = None, **kwargs: Any
) -> None:
    """Only `migrate` gives a plan; `flush`, which sends the signal too, changes no schema."""
    if plan is None or using in _left_alone:
        return
    stdout = stdout or sys.stdout
    with _refusing():
        if is_test_database(using):
            for alias, name in _in_test_database(using):
                with _called(alias, name):
                    _upgrade_test_database(alias, name, verbosity, stdout)
        elif using in aliases_in_use() and Settings.of(using).upgrade_after_migrate:
            _upgrade_unless_django_is_behind(using, plan, verbosity, stdout)


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn wrong settings, and an error before anything ran, into one of the command."""
    try:
        yield
    except JetbaseError as error:
        raise CommandError(str(error)) from error


def _in_test_database(using: str) -> list[tuple[str, str]]:
    """The aliases that have migrations in a new test database, each with its name.

    Django makes one database for aliases that differ in their schema only.
    """
    if not is_test_database(using):
        return []
    made = connections[using].settings_dict
    place = (made["HOST"], made["PORT"], made["ENGINE"], made["NAME"])
    return [
        (alias, made["NAME"])
        for alias in aliases_in_use()
        if Settings.of(alias).tests
        and (alias == using or connections[alias].creation.test_db_signature() == place)
        and not _is_passed_over(alias)
    ]


def _is_passed_over(alias: str) -> bool:
    """Whether the backend is refused; the tests of the project go on without SQL migrations."""
    try:
        refuse_moving_backend(connections[alias])
    except SettingsError as error:
        warnings.warn(f"No SQL migrations in test databases: {error}", RuntimeWarning, stacklevel=2)
        return True
    return False


@contextmanager
def _called(alias: str, name: str) -> Iterator[None]:
    """Have the alias connected to the database of that name."""
    connection = connections[alias]
    before = connection.settings_dict["NAME"]
    if before == name:
        yield
        return
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def _upgrade_test_database(alias: str, name: str, verbosity: int, stdout: Any) -> None:
    tables = Migrator(alias).database.tables
    was_kept = tables.place.exists or bool(tables.others())
    try:
        _upgrade(alias, verbosity, stdout)
    except CommandError as error:
        way_out = f"\n{_RECREATE.format(name=name)}" if was_kept else ""
        raise CommandError(f"{error}{way_out}") from error


def _upgrade(alias: str, verbosity: int, stdout: Any) -> None:
    """Apply what is pending. Raises CommandError."""

    def say(text: str) -> None:
        if verbosity:
            stdout.write(f"{text}\n")

    try:
        Migrator(alias, report=lambda done: say(str(done))).upgrade()
    except (JetbaseError, Error) as error:
        raise CommandError(f"Database {alias!r}: {message_of(error, alias)}") from error


def _upgrade_unless_django_is_behind(alias: str, plan: Any, verbosity: int, stdout: Any) -> None:
    """A `migrate` that stops at some migration, or goes backwards, is no deployment."""
    behind = unapplied(connections[alias])
    if not behind and not any(backwards for _migration, backwards in plan):
        _upgrade(alias, verbosity, stdout)
    elif verbosity:
        said = f"{behind[0]} is not applied" if behind else "this went backwards"
        stdout.write(f"SQL migrations are not applied, since {said}.\n")
