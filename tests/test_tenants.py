"""Backends that move the search_path by themselves are refused, before anything runs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .engines import NAME, Engine

pytestmark = pytest.mark.engines("postgresql")
TEMPLATE = Path(__file__).parent / "tenants"
COMMANDS = [
    *("baseline 1", "current", "fix", "fix_checksums", "fix_files", "history", "import jetbase"),
    *("init", "lock_status", "new x", "resolve 1 --applied", "rollback", "status"),
    *("unlock --noinput", "upgrade", "upgrade --check", "upgrade --dry-run", "upgrade --sql"),
    *("validate_checksums", "validate_files"),
]
TABLES = "SELECT count(*) FROM pg_class WHERE relname ~ '^(invoice|django_jetbase)'"


class TenantProject:
    """A copy of the project on a database of its own, each command in a process of its own."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self.engine = engine
        shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))

    def manage(self, *args: str, package: str = "django_tenants") -> tuple[int, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "PYTEST_"))}
        given = {
            "TENANTS_PACKAGE": package,
            "TENANTS_DATABASE": json.dumps(self.engine.config(f"{NAME}_tenants")),
        }
        done = subprocess.run(
            [sys.executable, "manage.py", *args],
            cwd=self.folder,
            env=kept | given,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def tenants(engine: Engine, tmp_path: Path) -> Iterator[TenantProject]:
    names = [f"{NAME}_tenants", f"test_{NAME}_tenants"]
    for name in names:
        engine.drop(name)
    engine.administer(f"CREATE DATABASE {names[0]}")
    yield TenantProject(tmp_path / "project", engine)
    for name in names:
        engine.drop(name)


def test_no_command_of_a_tenant_runs(tenants: TenantProject) -> None:
    assert tenants.manage("makemigrations", "customers")[0] == 0
    assert tenants.manage("migrate_schemas", "--shared")[0] == 0
    make = "from customers.models import Client; Client(schema_name='a').save()"
    assert tenants.manage("shell", "-c", make)[0] == 0
    status, said = tenants.manage("tenant_command", "jetbase_upgrade", "--schema=a")
    assert (status, "moves the search_path by itself" in said) == (1, True), said
    check = f"from django.db import connection as c; x = c.cursor(); x.execute({TABLES!r})"
    assert tenants.manage("shell", "-c", f"{check}; print('left', x.fetchone()[0])")[1].endswith(
        "left 0\n"
    )


@pytest.mark.parametrize("package", ["django_tenants", "tenant_schemas"])
def test_every_command_is_refused(tenants: TenantProject, package: str) -> None:
    """In one process, since each start takes a second."""
    if package == "tenant_schemas":
        shutil.rmtree(tenants.folder / "customers")
        settings = tenants.folder / "settings.py"
        text = settings.read_text().replace('"customers", ', "")
        settings.write_text(text.replace("SHARED_APPS = [PACKAGE, ", "SHARED_APPS = ["))
    (tenants.folder / "every.py").write_text(
        "import os, sys, django\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\n"
        "django.setup()\n"
        "from django.core.management import CommandError, call_command\n"
        f"for command in {COMMANDS!r}:\n"
        "    name, *args = command.split()\n"
        "    try:\n"
        "        call_command('jetbase_' + name, *args)\n"
        "    except CommandError as error:\n"
        "        assert 'moves the search_path by itself' in str(error), (command, error)\n"
        "    else:\n"
        "        raise AssertionError(command)\n"
    )
    shutil.copy(tenants.folder / "every.py", tenants.folder / "manage.py")
    status, said = tenants.manage(package=package)
    assert status == 0, said


def test_the_tests_of_such_a_project_pass_with_a_warning(tenants: TenantProject) -> None:
    assert tenants.manage("makemigrations", "customers")[0] == 0
    status, said = tenants.manage("test", "--noinput")
    assert status == 0, said
    assert "RuntimeWarning: No SQL migrations in test databases" in said
    assert "django_tenants.postgresql_backend" in said


def test_the_check_says_so(tenants: TenantProject) -> None:
    status, said = tenants.manage("check", "--database", "default")
    assert status == 0
    assert "jetbase.W005" in said
    assert "moves the search_path by itself" in said
