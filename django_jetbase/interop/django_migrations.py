"""Django's own migrations as SQL, for a file of ours."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from typing import Any, NamedTuple

from django.apps import apps
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.exceptions import (
    AmbiguityError,
    IrreversibleError,
)
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from ..backends import backend_of, message_of
from ..backends.base.backend import Backend
from ..backends.base.introspection import DJANGO_MIGRATIONS
from ..exceptions import DjangoMigrationError
from ..files.placeholders import expand
from ..files.script import parse
from ..migration import Direction
from ..sql.scanner import may_end_in_comment

_Key = tuple[str, str]  # app and name


class DjangoSQL(NamedTuple):
    """A Django migration as SQL. `rollback` is None where it cannot be reversed.

    `unsure` is the direction whose SQL depends on names that this database does not have now;
    `after` are migrations that stay with Django and must be applied before. With `only_sql` it is
    not the whole, and stands for nothing: it runs behind the migration.
    """

    app_label: str
    name: str
    upgrade: str
    rollback: str | None
    transaction: bool
    unsure: Direction | None = None
    after: tuple[str, ...] = ()
    only_sql: bool = False

    @property
    def label(self) -> str:
        return f"{self.app_label}.{self.name}"

    @property
    def text(self) -> str:
        """The text of a migration file."""
        if self.rollback is None:
            return self.above
        below = ["-- rollback", *self._doubt(Direction.ROLLBACK), "", self.rollback, ""]
        return self.above + "\n".join(below)

    @property
    def above(self) -> str:
        """What stands above the rollback section."""
        lines = [] if self.only_sql else [f"-- jetbase: django={self.label}"]
        lines += [f"-- jetbase: after={label}" for label in self.after]
        if self.only_sql:
            lines += [
                f"-- jetbase: after={self.label}",
                "-- Take this SQL out of that migration. A database that has it is told so once:",
                "-- jetbase_upgrade --fake",
            ]
        if not self.transaction:
            lines.append("-- jetbase: transaction=off")
        lines += [*self._doubt(Direction.UPGRADE), "", self.upgrade, "", ""]
        if self.rollback is None:
            said = "-- Django cannot reverse this migration, so there is no rollback section.\n"
            lines[-1] = said
        return "\n".join(lines)

    def _doubt(self, direction: Direction) -> list[str]:
        if direction is not self.unsure:
            return []
        when = "before" if direction is Direction.UPGRADE else "after"
        return [
            "-- CHECK THIS SECTION: Django looks names of constraints up in the database, and this",
            f"-- one was not as it is {when} the migration, so statements may be missing.",
        ]


def all_sql_of(
    connection: BaseDatabaseWrapper,
    app_label: str,
    names: str,
    placeholders: Mapping[str, str],
    moved: Callable[[str], bool] = lambda label: False,
    *,
    only_sql: bool = False,
) -> list[DjangoSQL]:
    """The SQL of a migration, or of all from one to another (`0002..0041`) in their order.

    As `sqlmigrate` gives it, and the write to Django's own record. `moved` tells which other
    migrations are files already. With `only_sql` it is that of RunSQL alone.

    Raises DjangoMigrationError where there is no such migration, or not as SQL alone.
    """
    loader = MigrationLoader(connection, replace_migrations=False)
    migrations = _all_found(loader, app_label, names)
    if only_sql:
        migrations = list(map(_without_others, migrations))
    for migration in migrations:
        _refuse(loader, migration)
        loader.graph.nodes[app_label, migration.name] = migration
    own = {(one.app_label, one.name) for one in migrations}
    found = []
    for migration in migrations:
        parents = loader.graph.node_map[migration.app_label, migration.name].parents
        labels = sorted(".".join(parent.key) for parent in parents if parent.key not in own)
        after = () if only_sql else tuple(label for label in labels if not moved(label))
        sql = _sql_of(connection, loader, migration, placeholders, only_sql=only_sql)
        found.append(sql._replace(after=after))
    return found


def _all_found(loader: MigrationLoader, app_label: str, names: str) -> list[Migration]:
    first, dots, last = names.partition("..")
    begin = _found(loader, app_label, first)
    if not dots:
        return [begin]
    end = _found(loader, app_label, last)
    plan = [key for key in loader.graph.forwards_plan((app_label, end.name)) if key[0] == app_label]
    if (app_label, begin.name) not in plan:
        raise DjangoMigrationError(
            f"{app_label}.{begin.name} does not come before {app_label}.{end.name}."
        )
    return [loader.graph.nodes[key] for key in plan[plan.index((app_label, begin.name)) :]]


def _sql_of(
    connection: BaseDatabaseWrapper,
    loader: MigrationLoader,
    migration: Migration,
    placeholders: Mapping[str, str],
    *,
    only_sql: bool,
) -> DjangoSQL:
    app_label = migration.app_label
    applied = (app_label, migration.name) in loader.applied_migrations
    upgrade, looked = _collected(connection, loader, migration, backwards=False)
    unsure = Direction.UPGRADE if looked and applied else None
    rollback: list[str] | None = None
    with suppress(IrreversibleError):
        rollback, looked = _collected(connection, loader, migration, backwards=True)
        unsure = Direction.ROLLBACK if looked and not applied else unsure
    backend = backend_of(connection)
    quote = connection.ops.quote_name
    table, app, name, at = map(quote, (DJANGO_MIGRATIONS, "app", "name", "applied"))
    label, full_name = _literal(app_label), _literal(migration.name)
    now = backend.introspection.django_now
    insert = f"INSERT INTO {table} ({app}, {name}, {at}) VALUES ({label}, {full_name}, {now});"
    delete = f"DELETE FROM {table} WHERE {app} = {label} AND {name} = {full_name};"
    record = ([], []) if only_sql else (["", insert], ["", delete])
    sql = DjangoSQL(
        app_label,
        migration.name,
        "\n".join([*upgrade, *record[0]]),
        None if rollback is None else "\n".join([*rollback, *record[1]]),
        migration.atomic,
        unsure,
        only_sql=only_sql,
    )
    _verify(sql, backend, placeholders)
    return sql


def _verify(sql: DjangoSQL, backend: Backend, placeholders: Mapping[str, str]) -> None:
    """Raise where the file would not be read as it was put together, or not be sent as it is."""
    script = parse(f"{sql.app_label}.{sql.name}", sql.text, backend.lexicon)
    reason = ""
    if script.problems:
        reason = str(script.problems[0])
    elif script.upgrade_text != sql.above or (script.rollback is None) != (sql.rollback is None):
        reason = "its SQL holds a comment that a file would take for the rollback marker"
    elif expand(sql.text, placeholders).replaced:
        reason = "its SQL holds what would be replaced as one of the PLACEHOLDERS"
    for section in filter(None, (script.upgrade, script.rollback)):
        for statement in section.statements:
            if statement.sql.count("\r") != backend.operations.as_sent(statement, section).count(
                "\r"
            ):
                reason = "its SQL holds carriage returns, which a file loses on this database"
    if reason:
        raise DjangoMigrationError(
            f"{sql.app_label}.{sql.name} cannot be written as a file: {reason}. Change that in the"
            " Django migration, or write the file by hand."
        )


def _found(loader: MigrationLoader, app_label: str, prefix: str) -> Migration:
    try:
        apps.get_app_config(app_label)
    except LookupError as error:
        raise DjangoMigrationError(str(error)) from error
    if app_label not in loader.migrated_apps:
        raise DjangoMigrationError(f"The app {app_label!r} has no migrations.")
    if (app_label, prefix) in loader.disk_migrations:
        return loader.disk_migrations[app_label, prefix]
    try:
        return loader.get_migration_by_prefix(app_label, prefix)
    except AmbiguityError as error:
        raise DjangoMigrationError(
            f"More than one migration of {app_label!r} begins with {prefix!r}; write more of it."
        ) from error
    except KeyError as error:
        raise DjangoMigrationError(
            f"The app {app_label!r} has no migration {prefix!r}; showmigrations lists them."
        ) from error


def _refuse(loader: MigrationLoader, migration: Migration) -> None:
    """Raise for what cannot become a file."""
    label = f"{migration.app_label}.{migration.name}"
    if migration.replaces:
        raise DjangoMigrationError(
            f"{label} replaces other migrations, of which Django keeps a record each: name one of"
            " those, or finish the squash by removing its `replaces`."
        )
    mixed = list(_changing_state(loader, migration))
    if mixed and any(isinstance(one, RunSQL) for one in _database_operations(migration.operations)):
        raise DjangoMigrationError(
            f"{label} has SQL beside what changes models ({mixed[0].describe()}), and stays with"
            " Django for that: a file that stands for it would then be recorded on a new database,"
            " and its SQL never run. Split it into two migrations; or write its SQL alone, with"
            " --only-sql."
        )
    for operation in _database_operations(migration.operations):
        if not operation.reduces_to_sql:
            code = getattr(operation, "code", None)
            name = f"{type(operation).__name__}({code.__name__})" if code else operation.describe()
            raise DjangoMigrationError(
                f"{label} runs Python, which no SQL file can: {name}. Leave it to Django in a"
                " migration of its own, or write its work as SQL."
            )


def _without_others(migration: Migration) -> Migration:
    """The same with nothing but its RunSQL. Raises DjangoMigrationError where it has none."""
    alone: Any = copy(migration)
    alone.operations = [
        RunSQL(one.sql, one.reverse_sql, hints=one.hints)
        for one in _database_operations(migration.operations)
        if isinstance(one, RunSQL)
    ]
    if not alone.operations:
        label = f"{migration.app_label}.{migration.name}"
        raise DjangoMigrationError(
            f"{label} has no RunSQL, of which --only-sql could write a file."
        )
    return alone  # type: ignore[no-any-return]


def _changing_state(loader: MigrationLoader, migration: Migration) -> Iterator[Operation]:
    """The operations behind which Django's models are others."""
    state = loader.project_state((migration.app_label, migration.name), at_end=False)
    for operation in migration.operations:
        before = state.clone()
        operation.state_forwards(migration.app_label, state)
        if state != before:
            yield operation


def _database_operations(operations: Iterable[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from _database_operations(operation.database_operations)
        else:
            yield operation


def _collected(
    connection: BaseDatabaseWrapper,
    loader: MigrationLoader,
    migration: Migration,
    *,
    backwards: bool,
) -> tuple[list[str], bool]:
    """The statements, and whether the database was asked for names to make them."""
    queries: list[str] = []

    def note(execute: Any, sql: str, *args: Any) -> Any:
        queries.append(sql)
        return execute(sql, *args)

    node = loader.graph.nodes[migration.app_label, migration.name]
    try:
        with connection.execute_wrapper(note):
            statements: list[str] = loader.collect_sql([(node, backwards)])
    except (DatabaseError, TypeError, ValueError) as error:
        raise DjangoMigrationError(
            f"{migration.app_label}.{migration.name}: sqlmigrate cannot tell its SQL on this"
            f" database: {message_of(error, connection.alias)}"
        ) from error
    statements = [_whole(sql) for sql in statements]
    # SQLite's editor turns foreign keys off and begins, and asks for nothing.
    return statements, any(not sql.startswith(("PRAGMA", "BEGIN")) for sql in queries)


def _whole(sql: str) -> str:
    """A statement of sqlmigrate, whose semicolon may stand in a comment at its end."""
    is_comment = sql.startswith("--") and "\n" not in sql
    return f"{sql}\n;" if may_end_in_comment(sql) and not is_comment else sql


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
