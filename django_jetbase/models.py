"""The tables of the history: unmanaged, created on first use by `recorder.py`."""

from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _


class InstantField(models.Field):  # type: ignore[type-arg]
    """A point in time, kept in UTC in a column without a time zone.

    USE_TZ and the time zones of project, connection and session cannot move it.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        data_type = str(connection.data_types["DateTimeField"] % {"max_length": None})
        return data_type.replace(" with time zone", "")

    def get_internal_type(self) -> str:
        return "InstantField"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return None if value is None else utc_text(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> datetime | None:
        if value is None:
            return None
        found = parse_datetime(value) if isinstance(value, str) else value
        if not isinstance(found, datetime):
            raise ValueError(f"{value!r} is no point in time")
        return found.replace(tzinfo=UTC)


def utc_text(instant: datetime) -> str:
    """An aware datetime as the columns hold it."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


class Run(models.Model):
    """What the state and the event log both say of a migration that ran."""

    namespace = models.CharField(max_length=100, default="")
    key = models.CharField(max_length=255)
    kind = models.CharField(_("kind"), max_length=3)
    version = models.CharField(_("version"), max_length=255)
    description = models.CharField(_("description"), max_length=255)
    path = models.CharField(_("path"), max_length=1000)
    checksum = models.CharField(max_length=100)
    upgrade_checksum = models.CharField(max_length=100)
    text = models.BinaryField(null=True)
    at = InstantField(_("at"))
    duration_ms = models.BigIntegerField(_("duration in ms"))
    statements = models.IntegerField(_("statements"))
    database_user = models.CharField(_("database user"), max_length=255)
    host = models.CharField(_("host"), max_length=255)
    app_version = models.CharField(_("app version"), max_length=50)
    origin = models.CharField(_("origin"), max_length=10)

    class Meta:
        abstract = True


class AppliedMigration(Run):
    """The state: one row for each migration that is applied.

    A row is inserted when a migration is applied and deleted when it is rolled back or runs again,
    so that `id` is the order in which migrations were applied, and the unique key lets each be
    applied once. `attempted` statements of one that is incomplete have begun; UNKNOWN where the
    history does not hear of each.
    """

    UNKNOWN = -1

    id = models.BigAutoField(primary_key=True)
    incomplete = models.CharField(_("incomplete"), max_length=10, default="")
    committed = models.IntegerField(_("statements committed"), default=0)
    attempted = models.IntegerField(_("statements begun"), default=0)

    class Meta:
        managed = False
        db_table = "django_jetbase_migration"
        verbose_name = _("migration")
        verbose_name_plural = _("migrations")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["namespace", "key"], name="django_jetbase_migration_applied_once"
            )
        ]

    def __str__(self) -> str:
        return self.path


class Event(Run):
    """The log: one row for everything that happened; never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    event = models.CharField(_("event"), max_length=20)
    detail = models.TextField(_("detail"))

    class Meta:
        managed = False
        db_table = "django_jetbase_event"
        verbose_name = _("event")
        verbose_name_plural = _("events")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.event} {self.path}"


class MadeObject(models.Model):
    """What a repeatable file has made: an object of the database, as it was then.

    `key` is that of the migration.
    """

    id = models.BigAutoField(primary_key=True)
    namespace = models.CharField(max_length=100, default="")
    key = models.CharField(max_length=255)
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=500)
    definition = models.TextField()

    class Meta:
        managed = False
        db_table = "django_jetbase_object"
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class LockHolder(models.Model):
    """Who holds the lock: nobody where `token` is empty.

    `session` and `session_start` identify the session in the database.
    """

    namespace = models.CharField(max_length=100, primary_key=True)
    token = models.CharField(max_length=32)
    host = models.CharField(_("host"), max_length=255)
    pid = models.BigIntegerField(_("process"))
    session = models.BigIntegerField(_("session"))
    session_start = models.CharField(max_length=64)
    database_user = models.CharField(_("database user"), max_length=255)
    command = models.CharField(_("command"), max_length=50)
    since = InstantField(_("since"))

    class Meta:
        managed = False
        db_table = "django_jetbase_lock"
        verbose_name = _("lock")
        default_permissions = ()

    def __str__(self) -> str:
        return self.command


class Heartbeat(models.Model):
    """How often the holder of the lock has said that it is alive."""

    namespace = models.CharField(max_length=100, primary_key=True)
    beat = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "django_jetbase_heartbeat"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.beat)


class SchemaVersion(models.Model):
    """The version of these tables; the highest row holds."""

    id = models.BigAutoField(primary_key=True)
    version = models.IntegerField()
    at = InstantField()

    class Meta:
        managed = False
        db_table = "django_jetbase_schema"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.version)


LOCK = LockHolder._meta.db_table
