"""The exit statuses of the contract, as a shell sees them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETTINGS = """\
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "x"
INSTALLED_APPS = ["django_jetbase"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
"""
A = "CREATE TABLE a (id INTEGER);\n"


class Shell:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.migrations = folder / "jetbase" / "migrations"
        (folder / "settings.py").write_text(SETTINGS)

    def __call__(self, command: str, status: int) -> str:
        """What stderr says of a command that must end with that status."""
        done = subprocess.run(
            [sys.executable, "-m", "django", *command.split()],
            cwd=self.folder,
            env=os.environ
            | {
                "DJANGO_SETTINGS_MODULE": "settings",
                "PYTHONPATH": os.pathsep.join([str(self.folder), str(ROOT)]),
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_done_and_nothing_to_do(shell: Shell) -> None:
    for command in ("init", "init", "status", "upgrade", "upgrade --check", "validate_files"):
        assert shell(f"jetbase_{command}", 0) == ""
    (shell.migrations / "V1__a.sql").write_text(A)
    for command in ("upgrade", "upgrade --check", "upgrade --to-version 1", "fix", "history"):
        assert shell(f"jetbase_{command}", 0) == ""


def test_an_error_is_one_message(shell: Shell) -> None:
    assert shell("jetbase_upgrade", 1).startswith("CommandError: The migrations directory")
    shell("jetbase_init", 0)
    (shell.migrations / "V1__a.sql").write_text("SELECT * FROM nowhere;")
    assert "V1__a.sql:1:1: no such table: nowhere" in shell("jetbase_upgrade", 1)
    assert "Cannot roll back 1" in shell("jetbase_rollback", 1)
    assert "no version 7" in shell("jetbase_upgrade --to-version 7", 1)
    assert "at least 1" in shell("jetbase_upgrade --count 0", 1)
    assert "no alias 'other'" in shell("jetbase_status --database other", 1)


@pytest.mark.parametrize(
    "command",
    [
        "upgrade --nonsense",
        "upgrade --count 1 --to-version 1",
        "upgrade --sql --json",
        "upgrade --check --repeat all",
        "upgrade --sql --dry-run",
        "rollback --count x",
        "new",
        "new --from-django sessions 0001 --kind roc",
        "import elsewhere",
        "baseline",
        "resolve 1",
    ],
)
def test_wrong_usage(shell: Shell, command: str) -> None:
    shell("jetbase_init", 0)
    shell(f"jetbase_{command}", 2)


def test_options_that_mean_something_else(shell: Shell) -> None:
    """To the original both -v and --version name the version of a new file."""
    shell("jetbase_init", 0)
    for options in ("--version 1", "--version=1", "-v 2.5", "-v2.5", "-v 20260101"):
        said = shell(f"jetbase_new x {options}", 2)
        assert "name the version of a migration by --migration-version" in said
    assert list(shell.migrations.iterdir()) == []
    assert "-v is the verbosity; name the" in shell("jetbase_new x -v 1", 0)
    assert shell("jetbase_new x --migration-version 7 -v 1", 0) == ""
    assert shell("jetbase_new x --verbosity 0", 0) == ""
    assert "zero undoes all" in shell("jetbase_rollback --to-version 0", 1)


def test_pending(shell: Shell) -> None:
    shell("jetbase_init", 0)
    (shell.migrations / "RA__always.sql").write_text("SELECT 1;")
    shell("jetbase_upgrade --check", 0)
    (shell.migrations / "V1__a.sql").write_text(A)
    assert "V1__a.sql" in shell("jetbase_upgrade --check", 3)
    shell("jetbase_upgrade --check --json", 3)


def test_a_finding(shell: Shell) -> None:
    shell("jetbase_init", 0)
    (shell.migrations / "V1__a.sql").write_text(A)
    shell("jetbase_upgrade", 0)
    (shell.migrations / "V1__a.sql").write_text(A + "SELECT 1;")
    assert "jetbase.E014" in shell("jetbase_upgrade --check", 4)
    assert "jetbase.E014" in shell("jetbase_validate_checksums", 4)
    assert shell("jetbase_validate_files", 0) == ""
    assert "jetbase.E014" in shell("jetbase_upgrade", 1)
    assert shell("jetbase_validate_checksums --fix", 0) == ""
    (shell.migrations / "V1__a.sql").unlink()
    assert "jetbase.E012" in shell("jetbase_validate_files", 4)
    assert "no migration file at all" in shell("jetbase_fix", 1)
    (shell.migrations / "V2__b.sql").write_text("SELECT 1;")
    assert shell("jetbase_fix", 0) == ""
