"""What was read is never a part of SQL: not from our tables, whoever can write to them."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import Error, models

from django_jetbase.history.heartbeat import Timing
from django_jetbase.history.tables import MODELS
from django_jetbase.models import AppliedMigration, Event, LockHolder

from ..conftest import Project
from ..interop.test_foreign import flyway_rows, jetbase_rows

QUOTES = {
    "postgresql": ["';DROP TABLE victim;--", "$$;DROP TABLE victim;--", '";DROP TABLE victim;--'],
    "mysql": ["';DROP TABLE victim;-- ", "\\';DROP TABLE victim;-- ", "`;DROP TABLE victim;-- "],
    "sqlite": ["';DROP TABLE victim;--", '";DROP TABLE victim;--'],
}
FORMATS = "%s%(x)s%d%%{0}${name}"
FILES = {
    "V1__a": "CREATE TABLE IF NOT EXISTS a (id INTEGER);\n-- rollback\nDROP TABLE IF EXISTS a;",
    "ROC__v": "SELECT 1;",
    "RA__r": "SELECT 2;",
}
COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("status", {}),
    ("status", {"json": True}),
    ("history", {"json": True}),
    ("current", {}),
    ("upgrade", {"sql": True}),
    ("rollback", {"sql": True}),
    ("rollback", {}),
    ("upgrade", {}),
    ("fix", {}),
    ("resolve", {"args": ["1"], "applied": True}),
]
HALF_WAY: list[tuple[str, dict[str, Any]]] = [
    ("status", {"json": True}),
    ("upgrade", {"resume": True}),
    ("resolve", {"args": ["2"], "applied": True}),
    ("fix", {}),
    ("rollback", {}),
]
LOG: list[tuple[str, dict[str, Any]]] = [
    ("history", {}),
    ("history", {"json": True}),
    ("upgrade", {"sql": True}),
]


@pytest.fixture
def victim(project: Project) -> Project:
    project.query("CREATE TABLE victim (id INTEGER)")
    project.write(**FILES)
    project.call("upgrade")
    return project


def call(project: Project, command: str, args: Any = (), **options: Any) -> None:
    """Run a command, which may refuse what it finds, but not because of its SQL."""
    try:
        project.call(command, *args, **options)
    except CommandError as error:
        cause: BaseException | None = error
        while cause:
            assert not isinstance(cause, Error), f"{command}: {cause!r}"
            cause = cause.__cause__


def columns(project: Project, model: type[models.Model]) -> list[Any]:
    """Those that can hold text: on SQLite all but the key."""
    keeps = project.vendor != "sqlite"
    text = (models.CharField, models.TextField)
    fields = [field for field in model._meta.local_fields if field.name != "id"]
    return [field for field in fields if not keeps or isinstance(field, text)]


@contextmanager
def put(project: Project, model: type[models.Model], column: str, value: str) -> Iterator[None]:
    """Have the value in every row, as far as the column takes it; behind, all is as before."""
    field, quote = model._meta.get_field(column), project.connection.ops.quote_name
    table, key = model._meta.db_table, str(model._meta.pk.name)
    before = project.query(f"SELECT * FROM {table}")
    longest = field.max_length if project.connection.vendor != "sqlite" else None
    with project.connection.cursor() as cursor:
        for number, (pk,) in enumerate(project.query(f"SELECT {key} FROM {table}")):
            own = f"{number}{value}" if column == "key" else value
            changed = f"UPDATE {table} SET {quote(column)} = %s WHERE {key} = %s"
            cursor.execute(changed, [own[:longest], pk])
    yield
    with project.connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")
        marks = ", ".join(["%s"] * len(before[0]))
        cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", before)


@pytest.mark.parametrize("model", [AppliedMigration, Event], ids=["state", "log"])
def test_in_every_column(victim: Project, model: type[models.Model]) -> None:
    values = [*QUOTES[victim.vendor], FORMATS]
    commands = COMMANDS if model is AppliedMigration else LOG
    for number, field in enumerate(columns(victim, model)):
        for value in {values[0], values[number % len(values)]}:
            with put(victim, model, field.attname, value):
                for command, options in commands:
                    call(victim, command, **options)
    assert victim.query("SELECT * FROM victim") == []


def test_in_every_column_of_one_that_stopped_half_way(victim: Project) -> None:
    off = "-- jetbase: transaction=off\n"
    made = "CREATE TABLE IF NOT EXISTS b (id INTEGER);"
    victim.write(V2__b=f"{off}{made}\nSELECT * FROM nowhere;\n-- rollback\n")
    with pytest.raises(CommandError, match="nowhere"):
        victim.call("upgrade")
    (victim.folder / "V2__b.sql").write_text(f"{off}{made}\nSELECT 1;\n-- rollback\nSELECT 1;")
    for field in columns(victim, AppliedMigration):
        for option in ("applied", "rolled_back"):
            with put(victim, AppliedMigration, field.attname, QUOTES[victim.vendor][0]):
                for command, options in HALF_WAY:
                    call(victim, command, **options)
                keys = victim.query(
                    "SELECT version, path FROM django_jetbase_migration WHERE incomplete <> ''"
                )
                for known in {known for row in keys for known in row}:
                    call(victim, "resolve", [known], **{option: True})
    assert victim.query("SELECT * FROM victim") == []


def test_in_every_column_there_is(victim: Project) -> None:
    assert set(MODELS) >= {AppliedMigration, Event, LockHolder}
    assert len(columns(victim, AppliedMigration)) >= 12


def test_in_the_row_of_the_lock(victim: Project) -> None:
    """A role that may write nothing else has a stronger one's session run what it likes."""
    victim.timing = Timing(beat=0.1, stale=0.1)
    victim.query(
        "INSERT INTO django_jetbase_lock (namespace, token, host, pid, session, session_start,"
        " database_user, command, since) VALUES ('', 'x', '', 0, 0, '', '', '', '2026-01-01')"
        if not victim.query("SELECT 1 FROM django_jetbase_lock")
        else "UPDATE django_jetbase_lock SET token = 'x', session = 0"
    )
    for value in [*QUOTES[victim.vendor], FORMATS]:
        for field in columns(victim, LockHolder):
            if field.name in ("namespace", "token"):
                continue
            with put(victim, LockHolder, field.attname, value):
                call(victim, "lock_status", json=True)
        with put(victim, LockHolder, "namespace", value):
            assert victim.call("lock_status") == "The lock is free.\n"
            assert "Applied RA__r.sql" in victim.call("upgrade", lock_wait=5)
        with put(victim, LockHolder, "token", value):
            call(victim, "lock_status")
            call(victim, "upgrade", sql=True)
            call(victim, "unlock", force=True, interactive=False)
            victim.query("SELECT 1")
            assert victim.call("lock_status") == "The lock is free.\n"
        victim.query("UPDATE django_jetbase_lock SET session = 0, pid = 0")  # of this very process
        with put(victim, LockHolder, "token", value):
            assert "Applied RA__r.sql" in victim.call("upgrade", lock_wait=5)
            assert victim.call("lock_status") == "The lock is free.\n"
    assert victim.query("SELECT * FROM victim") == []


def test_in_the_name_of_a_file(victim: Project) -> None:
    for number, value in enumerate([*QUOTES[victim.vendor], FORMATS]):
        victim.write(
            **{
                f"V{number + 2}__{value}": f"SELECT {number};\n-- rollback\n",
                f"ROC__{value}": "SELECT 1;",
            }
        )
        assert value in victim.call("upgrade")
        assert value in victim.call("rollback")
        victim.call("upgrade")
    assert victim.query("SELECT * FROM victim") == []


@pytest.mark.engines("postgresql", "mysql")
def test_in_the_name_of_a_role(victim: Project) -> None:
    """Also in that of the session, which is put back behind a file."""
    name = {"postgresql": '";DROP TABLE victim;--"', "mysql": "`;DROP TABLE victim;#"}[
        victim.vendor
    ]
    quote = '"' if victim.vendor == "postgresql" else "`"
    quoted = quote + name.replace(quote, quote * 2) + quote
    victim.query(f"DROP ROLE IF EXISTS {quoted}")
    victim.query(f"CREATE ROLE {quoted}")
    try:
        if victim.vendor == "postgresql":
            victim.query(f"GRANT ALL ON SCHEMA public TO {quoted}")
            victim.query(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {quoted}")
            victim.query(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {quoted}")
            victim.configure(ROLE=name)
        else:
            victim.query(f"SET ROLE {quoted}")
        victim.write(
            V2__b="SET ROLE NONE;\nSELECT 1;", V3__c="-- jetbase: transaction=off\nSET ROLE NONE;"
        )
        assert "Applied V3__c.sql" in victim.call("upgrade")
        shown = "current_setting('role')" if victim.vendor == "postgresql" else "CURRENT_ROLE()"
        expected = "none" if victim.vendor == "postgresql" else name
        assert victim.query(f"SELECT {shown}") == [(expected,)]
        assert victim.run_script(victim.call("upgrade", sql=True)).returncode == 0
        assert victim.query("SELECT * FROM victim") == []
    finally:
        if victim.vendor == "postgresql":
            victim.query(f"DROP OWNED BY {quoted}")
        else:
            victim.query("SET ROLE NONE")
        victim.query(f"DROP ROLE {quoted}")


@pytest.mark.parametrize("tool", ["jetbase", "flyway"])
def test_in_the_history_of_another_tool(project: Project, tool: str) -> None:
    project.query("CREATE TABLE victim (id INTEGER)")
    if tool == "jetbase":
        table, column, kind = "jetbase_migrations", "filename", "RUNS_ON_CHANGE"
        jetbase_rows(project, ("NULL", "x", kind, "CURRENT_TIMESTAMP", "x"))
    else:
        table, column = "flyway_schema_history", "script"
        flyway_rows(project, "NULL SQL R__x.sql 1 true")
    for value in [*QUOTES[project.vendor], FORMATS]:
        with project.connection.cursor() as cursor:
            for name in ("description", column, "checksum" if tool == "jetbase" else column):
                cursor.execute(f"UPDATE {table} SET {name} = %s", [value])
        project.call("import", tool)
        assert project.applied() == [value.replace("\\", "/")]  # as Windows has it
        call(project, "status", json=True)
        call(project, "fix")
        for name in ("migration", "event"):
            project.query(f"DELETE FROM django_jetbase_{name}")
    assert project.query("SELECT * FROM victim") == []


@pytest.mark.engines("postgresql", "mysql")
def test_a_session_of_somebody_else_is_not_ended(victim: Project) -> None:
    """Whoever can write to the row of the lock names it there."""
    innocent = victim.another("innocent")
    number = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
    ((session,),) = innocent.query(number[victim.vendor])
    if not victim.query("SELECT 1 FROM django_jetbase_lock"):
        victim.call("upgrade")
    victim.query(
        f"UPDATE django_jetbase_lock SET token = 'x', session = {session}, session_start = ''"
    )
    victim.call("unlock", force=True, interactive=False)
    assert victim.call("lock_status") == "The lock is free.\n"
    assert innocent.query(number[victim.vendor]) == [(session,)]


@pytest.mark.parametrize("value", ["0001-01-01 00:00:00", "9999-12-31 23:59:59"])
def test_instants_at_the_ends_of_the_calendar(victim: Project, settings: Any, value: str) -> None:
    settings.TIME_ZONE = "America/New_York" if value.startswith("0") else "Asia/Tokyo"
    with put(victim, AppliedMigration, "at", value):
        assert value.lstrip("0") in victim.call("status")
    with put(victim, Event, "at", value):
        assert value.lstrip("0") in victim.call("history")


@pytest.mark.engines("mysql")
def test_a_date_that_is_none(victim: Project) -> None:
    victim.query("SET sql_mode = ''")
    with (
        put(victim, AppliedMigration, "at", "0000-00-00 00:00:00"),
        pytest.raises(CommandError, match="holds what no run writes there"),
    ):
        victim.call("status", json=True)


@pytest.mark.engines("sqlite")
def test_a_process_that_cannot_be(victim: Project) -> None:
    victim.query(
        "INSERT INTO django_jetbase_lock (namespace, token, host, pid, session, session_start,"
        " database_user, command, since) VALUES ('', 'x', '', 99999999999, 0, '', '', '',"
        " '2026-01-01 00:00:00')"
    )
    victim.query(f"UPDATE django_jetbase_lock SET host = '{platform.node()}'")
    assert victim.call("unlock", force=True, interactive=False).startswith("Removed the lock")


@pytest.mark.engines("postgresql")
def test_more_statements_than_a_file_has(victim: Project) -> None:
    off = "-- jetbase: transaction=off\n"
    victim.write(V2__b=f"{off}SELECT 1;\nSELECT * FROM nowhere;")
    with pytest.raises(CommandError, match="nowhere"):
        victim.call("upgrade")
    victim.write(V2__b=f"{off}SELECT 1;\nSELECT 2;")
    for number in (1_000_000, 2_147_483_647, -5):
        with (
            put(victim, AppliedMigration, "committed", str(number)),
            pytest.raises(CommandError, match="cannot go on: the history says"),
        ):
            victim.call("upgrade", resume=True)


def test_a_terminal_is_told_nothing(victim: Project) -> None:
    """What moves its cursor, or forges a line, is shown as an escape."""
    with put(victim, AppliedMigration, "path", "V1__\x1b[2J\u202ex\nApplied V9.sql"):
        for command, options in [("status", {}), ("validate_files", {}), ("upgrade", {})]:
            try:
                shown = victim.call(command, **options)
            except CommandError as error:
                shown = str(error)
            shown += victim.said
            assert "\x1b" not in shown
            assert "\u202e" not in shown
            assert "\nApplied V9.sql" not in shown
