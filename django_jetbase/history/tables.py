"""The tables of the history: what they are called, and where they are."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from django.apps.registry import Apps
from django.db import models

from ..backends.base.backend import Backend
from ..backends.base.introspection import DJANGO_MIGRATIONS
from ..backends.base.values import Location
from ..conf import HISTORY_TABLE_PREFIX, Settings, aliases_in_use
from ..models import (
    AppliedMigration,
    Event,
    Heartbeat,
    LockHolder,
    MadeObject,
    SchemaVersion,
)
from ..sql.queries import Expression, Query, insert

SCHEMA_VERSION = 1
# In the order in which they are made.
MODELS: tuple[type[models.Model], ...] = (
    SchemaVersion,
    Event,
    AppliedMigration,
    MadeObject,
    Heartbeat,
    LockHolder,
)


# The privileges besides SELECT that a run needs, once the tables are there.
_WRITTEN_BY: Mapping[type[models.Model], str] = {
    SchemaVersion: "",
    Event: ", INSERT",
    AppliedMigration: ", INSERT, UPDATE, DELETE",
    MadeObject: ", INSERT, DELETE",
    Heartbeat: ", INSERT, UPDATE",
    LockHolder: ", INSERT, UPDATE",
}


class Place(NamedTuple):
    """Where the history is, or will be: the schema, or database, and the table of what is applied.

    `schema` is None where databases have none.
    """

    schema: str | None
    table: str
    exists: bool

    def __str__(self) -> str:
        name = ".".join(filter(None, [self.schema, self.table]))
        return name if self.exists else f"{name} (not there yet)"


def table_name(model: type[models.Model], prefix: str) -> str:
    return prefix + model._meta.db_table.removeprefix(HISTORY_TABLE_PREFIX)


def table_names(prefix: str) -> list[str]:
    """The names of all tables, that of the applied migrations first."""
    first = table_name(AppliedMigration, prefix)
    return sorted((table_name(model, prefix) for model in MODELS), key=lambda name: name != first)


def records() -> set[str]:
    """The tables of a project whose rows say what was migrated, on whichever alias."""
    prefixes = {
        HISTORY_TABLE_PREFIX,
        *(Settings.of(alias).history_table_prefix for alias in aliases_in_use()),
    }
    return {DJANGO_MIGRATIONS, *(name for prefix in prefixes for name in table_names(prefix))}


class Tables:
    """The tables of the history in one database.

    Where they are is decided when they are first asked for, and stays so once they are there.
    Raises HistoryError where it cannot be told.
    """

    def __init__(
        self,
        backend: Backend,
        prefix: str = HISTORY_TABLE_PREFIX,
        schema: str | None = None,
        claimed: Callable[[], Collection[tuple[str | None, str]]] = tuple,
    ) -> None:
        """`claimed` gives the schema, if it is known, and prefix of those of other aliases."""
        self.backend = backend
        self.prefix = prefix
        self._wanted = schema
        self._claimed = claimed
        self._location: Location | None = None
        self._names: dict[type[models.Model], str] = {}

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The columns of all tables as SQL."""
        fields = (field for model in MODELS for field in model._meta.fields)
        return self.backend.quote_all([field.attname for field in fields])

    def look(self) -> Location:
        """Ask the database."""
        before = self._location
        self._location = found = self.backend.introspection.locate(
            table_names(self.prefix), self._wanted, self._claimed_schemas
        )
        if before is None or before.schema != found.schema:
            self._names.clear()
        return found

    def _claimed_schemas(self) -> set[str]:
        return {schema for schema, prefix in self._claimed() if schema and prefix == self.prefix}

    @property
    def is_adopted(self) -> bool:
        """Whether nothing led to them but that they are the only ones."""
        return (self._location or self.look()).adopted

    def others(self) -> list[tuple[str, bool]]:
        """The tables of what is applied, as SQL, of all histories that no alias is known to have.

        With whether they may be read.
        """
        names = [(s, table_name(AppliedMigration, prefix)) for s, prefix in self._claimed()]
        own = (self.schema, table_name(AppliedMigration, self.prefix))
        found: list[tuple[str, bool]] = []
        for schema, table, is_readable in self.backend.introspection.histories(_applied_once()):
            if not {(schema, table), (None, table)} & {*names} and (schema, table) != own:
                before = f"{self.backend.quote(schema)}." if schema else ""
                found.append((before + self.backend.quote(table), is_readable))
        return found

    @property
    def place(self) -> Place:
        exists = self.has(AppliedMigration)
        return Place(self.schema, table_name(AppliedMigration, self.prefix), exists)

    @property
    def schema(self) -> str | None:
        """The schema that they are in; None on a database without any."""
        return (self._location or self.look()).schema

    def has(self, model: type[models.Model]) -> bool:
        name = table_name(model, self.prefix)
        known = self._location is not None and name in self._location.tables
        return known or name in self.look().tables

    def missing(self) -> list[type[models.Model]]:
        """The models whose tables are not there yet."""
        found = self.look().tables
        return [model for model in MODELS if table_name(model, self.prefix) not in found]

    def creation(self, at: str | Expression) -> list[Query]:
        """What creates the tables that are missing."""
        connection = self.backend.connection
        editor = connection.SchemaEditorClass(connection)  # never entered: on SQLite that would
        editor.deferred_sql = []  # check, and refuse, every foreign key there is
        queries: list[Query] = []
        for model in self.missing():
            sql, params = editor.table_sql(self.of(model))
            sql += self.backend.features.table_options
            queries.append(Query(sql, tuple(params or ())))
            if model is SchemaVersion:
                row = {"version": SCHEMA_VERSION, "at": at}
                queries.append(insert(self.sql(model), self.columns, row))
        return queries

    def grants(self, user: str, *, writes: bool) -> Iterator[str]:
        """What gives a user, as SQL, the privileges to read the history, or to write it too."""
        together: dict[str, list[str]] = {}
        for model in MODELS:
            privileges = f"SELECT{_WRITTEN_BY[model]}" if writes else "SELECT"
            together.setdefault(privileges, []).append(self.name(model))
        for privileges, names in together.items():
            several = self.backend.features.grants_on_several
            for tables in [", ".join(names)] if several else names:
                yield f"GRANT {privileges} ON {tables} TO {user}"

    def name(self, model: type[models.Model]) -> str:
        """The name of a table as SQL, whatever a file has done to the session."""
        if model not in self._names:
            parts = [part for part in (self.schema, table_name(model, self.prefix)) if part]
            self._names[model] = ".".join(map(self.backend.quote, parts))
        return self._names[model]

    def sql(self, model: type[models.Model]) -> str:
        """The name of a table for the SQL of a query."""
        return self.name(model).replace("%", "%%")

    def of(self, model: type[Any]) -> Any:
        """The model of these very tables, which its queries are made with."""
        if self.schema is None and self.prefix == HISTORY_TABLE_PREFIX:
            return model
        placed: Any = _placed
        return placed(model, self.sql(model), self.prefix)


@lru_cache(maxsize=1000)
def _placed(model: Any, table: str, prefix: str) -> type[models.Model]:
    """A model like another one, of another table."""
    options = model._meta
    meta = {
        "apps": Apps(),
        "app_label": options.app_label,
        "managed": False,
        "db_table": table,
        "verbose_name": options.verbose_name,
        "verbose_name_plural": options.verbose_name_plural,
        "default_permissions": (),
        "constraints": [_renamed(constraint, prefix) for constraint in options.constraints],
    }
    attributes: dict[str, Any] = {field.name: field.clone() for field in options.local_fields}
    attributes |= {"__module__": model.__module__, "__str__": model.__str__}
    return type(model.__name__, (models.Model,), attributes | {"Meta": type("Meta", (), meta)})


def _applied_once() -> str:
    """How the name of the constraint ends that every history has."""
    (constraint,) = AppliedMigration._meta.constraints
    return constraint.name.removeprefix(HISTORY_TABLE_PREFIX)


def _renamed(constraint: models.BaseConstraint, prefix: str) -> models.BaseConstraint:
    """The names of indexes are unique in their schema."""
    renamed = constraint.clone()
    renamed.name = prefix + constraint.name.removeprefix(HISTORY_TABLE_PREFIX)
    return renamed
