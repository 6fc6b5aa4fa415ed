"""SQL migrations as a step of one of Django's own migrations."""

from django.db import router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from .conf import aliases_in_use
from .exceptions import AtomicError
from .migrator import Migrator


class JetbaseUpgrade(Operation):
    """Apply SQL migrations up to the version `to`, on the alias that is migrated.

    The migration needs `atomic = False`. It can be unapplied where `back_to` names the version, or
    "zero", to which the SQL migrations are then rolled back. Raises AtomicError in an atomic
    migration, and JetbaseError as `upgrade()` does.
    """

    reduces_to_sql = False

    def __init__(self, to: str, back_to: str | None = None) -> None:
        self.to = to
        self.back_to = back_to

    @property
    def reversible(self) -> bool:  # type: ignore[override]
        return self.back_to is not None

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models stay as they are."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if migrator := self._migrator(app_label, schema_editor):
            with migrator.database.backend.session.inside_schema_editor():
                migrator.upgrade(to_version=self.to)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if self.back_to is None:
            raise IrreversibleError(f"{self.describe()}: give it back_to.")
        if migrator := self._migrator(app_label, schema_editor):
            with migrator.database.backend.session.inside_schema_editor():
                migrator.rollback(to_version=self.back_to)

    def _migrator(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor) -> Migrator | None:
        """None for an alias that has no SQL migrations, or not this app."""
        alias = schema_editor.connection.alias
        if alias not in aliases_in_use() or not router.allow_migrate(alias, app_label):
            return None
        if schema_editor.atomic_migration or self._is_in_atomic_migration():
            raise AtomicError(
                f"{self.describe()}: SQL migrations commit, so this Django migration needs"
                " `atomic = False`; best it has no other operation."
            )
        for sql in schema_editor.deferred_sql:  # the tables before this are whole then
            schema_editor.execute(sql, None)
        schema_editor.deferred_sql.clear()
        return Migrator(alias)

    def _is_in_atomic_migration(self) -> bool:
        """Where DDL cannot be rolled back the editor does not tell."""
        migrations = MigrationLoader(None).disk_migrations.values()
        return any(m.atomic and any(o is self for o in m.operations) for m in migrations)

    def describe(self) -> str:
        return f"Apply SQL migrations up to version {self.to}"

    @property
    def migration_name_fragment(self) -> str:
        return f"jetbase_{self.to.replace('.', '_')}"
