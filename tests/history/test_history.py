"""What the history keeps, where, and that reading never writes."""

import json
import re
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

import django_jetbase
from django_jetbase.models import AppliedMigration, Event

from ..conftest import Project

TEXT = "CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;\n"


def test_what_is_kept(project: Project) -> None:
    (project.folder / "sub").mkdir()
    (project.folder / "sub" / "V1_5__create_a.sql").write_text(TEXT)
    before = datetime.now(UTC)
    out = project.call("upgrade")
    after = datetime.now(UTC)
    row = AppliedMigration.objects.using(project.alias).get()
    assert (row.version, row.key, row.kind) == ("1.5", "1.5", "V")
    assert (row.path, row.description) == ("sub/V1_5__create_a.sql", "create a")
    assert row.checksum.startswith("sha256:")
    assert row.checksum != row.upgrade_checksum
    assert zlib.decompress(row.text).decode() == TEXT
    assert before <= row.at <= after
    assert (row.statements, row.app_version) == (1, django_jetbase.__version__)
    printed = re.search(r"\((\d+)\.(\d\d) s\)", out)  # which counts a bit longer
    assert printed
    assert 0 <= row.duration_ms <= int(printed[1] + printed[2] + "0") + 5
    assert row.database_user
    assert row.host


def test_a_text_above_the_limit_is_not_kept(project: Project) -> None:
    project.configure(HISTORY_TEXT_LIMIT=10)
    project.write(V1__a=TEXT)
    project.call("upgrade")
    assert AppliedMigration.objects.using(project.alias).get().text is None


def test_runs_always_files_are_kept_once(project: Project) -> None:
    project.write(RA__a="SELECT 1;")
    for _run in range(3):
        project.call("upgrade")
    texts = list(Event.objects.using(project.alias).filter(event="applied").values_list("text"))
    assert len(texts) == 3
    assert [text is None for (text,) in texts] == [False, True, True]


@pytest.mark.parametrize("use_tz", [True, False])
def test_an_instant_is_the_same_whatever_the_time_zone(
    project: Project, settings: Any, use_tz: bool
) -> None:
    project.write(V1__a=TEXT)
    project.call("upgrade")
    instant = AppliedMigration.objects.using(project.alias).get().at
    settings.USE_TZ = use_tz
    settings.TIME_ZONE = "Asia/Tokyo"
    twin = project.another(**({} if not use_tz else {"TIME_ZONE": None}))
    assert AppliedMigration.objects.using(twin.alias).get().at == instant
    twin.write(V2__b="SELECT 1;")
    before = datetime.now(UTC)
    twin.call("upgrade")
    after = datetime.now(UTC)
    assert before <= AppliedMigration.objects.using(project.alias).get(key="2").at <= after


@pytest.mark.parametrize("command", ["status", "history", "current"])
def test_reading_writes_nothing(project: Project, command: str) -> None:
    project.write(V1__a=TEXT)
    project.call(command)
    assert project.connection.introspection.table_names() == []


def test_history_shows_everything_in_order(project: Project) -> None:
    project.write(V1__a=TEXT, ROC__v="SELECT 1;")
    project.call("upgrade")
    project.write(ROC__v="SELECT 2;")
    project.call("upgrade")
    project.call("rollback")
    lines = [
        " ".join(line.split()[3:-3])
        for line in project.call("history").splitlines()
        if " started " not in line and not line.startswith("    ")
    ]
    assert lines == [
        "applied V1__a.sql",
        "applied ROC__v.sql",
        "applied ROC__v.sql",
        "rolled back V1__a.sql",
    ]


def test_json(project: Project) -> None:
    project.write(V1__a=TEXT)
    planned = json.loads(project.call("upgrade", dry_run=True, json=True))
    assert planned["steps"][0]["statements"] == ["CREATE TABLE a (id INTEGER)"]
    done = json.loads(project.call("upgrade", json=True))
    assert done["steps"][0]["path"] == "V1__a.sql"
    status = json.loads(project.call("status", json=True))
    assert status["current"] == "1"
    assert status["migrations"][0]["state"] == "applied"
    assert json.loads(project.call("history", json=True))[-1]["event"] == "applied"
    assert json.loads(project.call("upgrade", check=True, json=True)) == {
        "pending": [],
        "problems": [],
    }
    undone = json.loads(project.call("rollback", json=True))
    assert undone["steps"][0]["direction"] == "rollback"


def test_makemigrations_finds_nothing(project: Project) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_migrate_flush_and_dumpdata_leave_it_alone(project: Project, capsys: Any) -> None:
    call_command("migrate", database=project.alias, verbosity=0)
    call_command("dumpdata", database=project.alias)
    assert not any(
        name.startswith("django_jetbase") for name in project.connection.introspection.table_names()
    )
    project.write(V1__a=TEXT)
    project.call("upgrade")
    call_command("flush", database=project.alias, interactive=False, verbosity=0)
    assert project.applied() == ["V1__a.sql"]
    capsys.readouterr()
    call_command("dumpdata", "django_jetbase", database=project.alias)
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.engines("postgresql", "mysql")
def test_a_role_that_may_only_read(project: Project) -> None:
    project.write(V1__a=TEXT)
    project.call("upgrade")
    name = project.connection.settings_dict["NAME"]
    if project.vendor == "postgresql":
        project.query("DROP ROLE IF EXISTS jetbase_reader")
        project.query("CREATE ROLE jetbase_reader LOGIN")
        project.query("GRANT SELECT ON ALL TABLES IN SCHEMA public TO jetbase_reader")
    else:
        project.query("CREATE OR REPLACE USER jetbase_reader@'%'")
        project.query("CREATE OR REPLACE USER jetbase_reader@localhost")
        project.query(f"GRANT SELECT ON {name}.* TO jetbase_reader@'%'")
        project.query(f"GRANT SELECT ON {name}.* TO jetbase_reader@localhost")
    try:
        reader = project.another(USER="jetbase_reader", PASSWORD="")
        assert "applied" in reader.call("status")
        assert reader.call("upgrade") == "Nothing to do.\n"
        reader.write(V2__b="CREATE TABLE b (id INTEGER);")
        assert "CREATE TABLE b" in reader.call("upgrade", dry_run=True)
        with pytest.raises(CommandError, match=r"(?i)denied"):
            reader.call("upgrade")
        reader.connection.close()
    finally:
        for drop in (
            ["DROP OWNED BY jetbase_reader", "DROP ROLE jetbase_reader"]
            if project.vendor == "postgresql"
            else ["DROP USER jetbase_reader@'%'", "DROP USER jetbase_reader@localhost"]
        ):
            project.query(drop)
