import re
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import CommandError

from django_jetbase.conf import Settings, aliases, setting_errors
from django_jetbase.exceptions import SettingsError

from . import engines


@pytest.fixture
def other(settings: Any) -> Any:
    engines.use("other", {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"})
    yield "other"
    engines.forget("other")


def test_the_default_directory(settings: Any) -> None:
    settings.JETBASE = {}
    assert Settings.of("default").migrations_dir == (
        Path(settings.BASE_DIR) / "jetbase" / "migrations",
    )
    del settings.BASE_DIR
    with pytest.raises(SettingsError, match="MIGRATIONS_DIR"):
        Settings.of("default")


def test_another_alias_has_only_what_it_names(settings: Any, other: str) -> None:
    settings.JETBASE = {"MIGRATIONS_DIR": "/x", "SKIP_VALIDATION": True}
    assert aliases() == ["default"]
    with pytest.raises(SettingsError, match="has no migrations"):
        Settings.of(other)
    settings.JETBASE["DATABASES"] = {other: {"MIGRATIONS_DIR": ["/y", Path("/z")]}}
    assert aliases() == ["default", "other"]
    assert Settings.of(other).migrations_dir == (Path("/y"), Path("/z"))
    assert Settings.of(other).skip_validation


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ([], "must be a dictionary"),
        ({"MIGRATION_DIR": "/x"}, "is not a setting; did you mean MIGRATIONS_DIR?"),
        ({"lock_wait": 1}, "is not a setting; did you mean LOCK_WAIT?"),
        ({"SOMETHING": 1}, "is not a setting; known are"),
        ({"MIGRATIONS_DIR": 7}, "must be str or Path"),
        ({"MIGRATIONS_DIR": []}, "must be str or Path"),
        ({"SKIP_VALIDATION": "no"}, "must be bool"),
        ({"LOCK_WAIT": True}, "must be int or float"),
        ({"LOCK_WAIT": -1}, "must be int or float, and not below 0, not -1"),
        ({"RETRIES": -1}, "must be int, and not below 0, not -1"),
        ({"ROLE": ""}, "must be str, and not empty, not ''"),
        ({"LOCK_WAIT": float("inf")}, "must be at most 2147483 seconds"),
        ({"STATEMENT_TIMEOUT": 1e12}, "must be at most 2147483 seconds"),
        ({"ROLE": "clerk"}, r'JETBASE\["ROLE"\] is for PostgreSQL'),
        ({"HISTORY_SCHEMA": "x"}, r'JETBASE\["HISTORY_SCHEMA"\] is for PostgreSQL'),
        ({"LOCK_WAIT": float("nan")}, "must be int or float"),
        ({"LOCK_WAIT": ["5"]}, "must be int or float"),
        ({"SKIP_VALIDATION": ["x"]}, "must be bool"),
        ({"HISTORY_TEXT_LIMIT": ("5",)}, "must be int"),
        ({"PLACEHOLDERS": ["x"]}, "must be dict"),
        ({"MIGRATIONS_DIR": ""}, "must be str or Path"),
        ({"MIGRATIONS_DIR": ["/x", ""]}, "must be str or Path"),
        ({"DATABASES": {"nowhere": {}}}, "has no such alias"),
        ({"DATABASES": {"default": {"X": 1}}}, "is not a setting"),
        ({"DATABASES": {"default": 1}}, "must be a dictionary"),
    ],
)
def test_wrong_settings_are_errors_of_check_and_of_the_commands(
    settings: Any, setting: Any, message: str
) -> None:
    settings.JETBASE = setting
    found = [error for error in run_checks() if error.id == "jetbase.E001"]
    assert len(found) == 1
    assert re.search(message, found[0].msg)
    with pytest.raises(CommandError, match=message):
        call_command("jetbase_status")


def test_the_documented_defaults_may_be_given(settings: Any) -> None:
    none = dict.fromkeys(["LOCK_TIMEOUT", "STATEMENT_TIMEOUT", "OUT_OF_ORDER", "ROLE"])
    settings.JETBASE = {"TESTS": True, "UPGRADE_AFTER_MIGRATE": False, **none}
    assert not list(setting_errors())
    settings.JETBASE = {"RETRIES": None}
    assert list(setting_errors())


def test_a_missing_directory_is_a_warning_of_check(settings: Any, tmp_path: Path) -> None:
    settings.JETBASE = {"MIGRATIONS_DIR": tmp_path / "nowhere"}
    assert [warning.id for warning in run_checks() if "jetbase" in str(warning.id)] == [
        "jetbase.W001"
    ]
    (tmp_path / "nowhere").mkdir()
    assert not [warning for warning in run_checks() if "jetbase" in str(warning.id)]


def test_an_unknown_alias() -> None:
    with pytest.raises(CommandError, match="no alias 'nowhere'"):
        call_command("jetbase_status", database="nowhere")


@pytest.mark.parametrize("name", ["x" * 300, "a_file/below"])
def test_a_directory_that_cannot_be_looked_at(settings: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / "a_file").touch()
    settings.JETBASE = {"MIGRATIONS_DIR": tmp_path / name}
    (error,) = (message for message in run_checks() if message.id == "jetbase.E004")
    assert "cannot be read" in error.msg
    for command in ("upgrade", "status", "init"):
        with pytest.raises(CommandError, match="cannot be read"):
            call_command(f"jetbase_{command}")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("jetbase_new", "x")


def test_a_directory_that_is_a_file(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "a_file").touch()
    settings.JETBASE = {"MIGRATIONS_DIR": tmp_path / "a_file"}
    for command in ("upgrade", "init"):
        with pytest.raises(CommandError, match="is no directory: correct MIGRATIONS_DIR"):
            call_command(f"jetbase_{command}")
