"""Which of Django's own migrations are applied, and need which."""

from collections.abc import Collection, Set
from contextlib import suppress
from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.exceptions import (
    BadMigrationError,
    CircularDependencyError,
    NodeNotFoundError,
)
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunPython, RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder

from ..exceptions import DjangoMigrationError

_Key = tuple[str, str]  # app and name


def unapplied(connection: BaseDatabaseWrapper) -> list[str]:
    """Django's migrations that `migrate` would apply, in order."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


class Dependencies:
    """Which of Django's migrations are applied, and need which. Reads when it is first asked.

    Migrations are named as in the directives; one that Django does not know needs nothing. Raises
    DjangoMigrationError where Django cannot load them.
    """

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self._changed: set[_Key] = set()  # applied, or taken back, by the plan

    def is_applied(self, named: str) -> bool:
        """Whether Django has applied a migration, or was told to do without those of its app.

        It is told so by MIGRATION_MODULES, as tests do that take the tables from the models.
        """
        app_label, _, name = named.partition(".")
        return self.is_off(named) or any(
            app == app_label and _is_named(found, name) for app, found in self._applied
        )

    def is_off(self, named: str) -> bool:
        """Whether Django makes the tables of the migration's app from its models instead."""
        with suppress(LookupError):  # of an app that is not installed, or not any more
            return MigrationLoader.migrations_module(named.partition(".")[0]) == (None, True)
        return False

    def is_of_models(self, named: str) -> bool:
        """Whether a migration does what the models say, so that nothing of it is lacking then.

        One of nothing but SQL does not, nor does one that is gone.
        """
        app_label, _, name = named.partition(".")
        try:
            package = import_module(f"{apps.get_app_config(app_label).name}.migrations")
            found = (
                info.name for info in iter_modules(package.__path__) if _is_named(info.name, name)
            )
            module = import_module(f"{package.__name__}.{next(found)}")
        except (LookupError, ImportError, StopIteration):
            return False
        return any(map(_is_of_models, module.Migration.operations))

    @cached_property
    def _applied(self) -> Collection[_Key]:
        return MigrationRecorder(self.connection).applied_migrations()

    @cached_property
    def _loader(self) -> MigrationLoader:
        try:
            return MigrationLoader(self.connection, replace_migrations=False)
        except (BadMigrationError, CircularDependencyError, NodeNotFoundError) as error:
            raise DjangoMigrationError(
                f"Django's own migrations cannot be loaded: {error}"
            ) from error

    def is_known(self, named: str) -> bool:
        """Whether there is such a migration."""
        return self._key(named) is not None

    def lacking(self, named: str) -> list[str]:
        """What a migration needs that is neither applied nor planned, as it is from now on."""
        key = self._key(named)
        if key is None:
            return []
        self._changed.add(key)
        done = self._changed | self._loader.applied_migrations.keys()
        parents = (parent.key for parent in self._loader.graph.node_map[key].parents)
        return [".".join(parent) for parent in sorted(parents) if not self._is_in(parent, done)]

    def depending(self, named: str) -> list[str]:
        """What is applied that needs a migration, and is not planned to be taken back as it is."""
        key = self._key(named)
        if key is None:
            return []
        self._changed.add(key)
        left = self._loader.applied_migrations.keys() - self._changed
        children = (child.key for child in self._loader.graph.node_map[key].children)
        return [".".join(child) for child in sorted(children) if child in left]

    def _key(self, named: str) -> _Key | None:
        app_label, _, name = named.partition(".")
        known = (key for key in self._loader.graph.nodes if key[0] == app_label)
        return next((key for key in known if _is_named(key[1], name)), None)

    def _is_in(self, key: _Key, done: Set[_Key]) -> bool:
        """Django takes a squashed migration for applied where all are that it replaces."""
        migration = self._loader.disk_migrations.get(key)
        replaced = migration.replaces if migration else []
        return key in done or bool(replaced and set(map(tuple, replaced)) <= done)


def _is_of_models(operation: Operation) -> bool:
    if isinstance(operation, SeparateDatabaseAndState):
        inner = [*operation.database_operations, *operation.state_operations]
        return any(map(_is_of_models, inner))
    managed = getattr(operation, "options", {}).get("managed", True)
    return managed and not isinstance(operation, RunSQL | RunPython)


def _is_named(full: str, name: str) -> bool:
    """Only a bare number stands for the name that begins with it."""
    return full == name or (name.isdecimal() and full.startswith(f"{name}_"))
