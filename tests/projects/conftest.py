"""Throw-away projects whose own tests run on databases that have the SQL migrations."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..engines import NAME, Engine

TEMPLATE = Path(__file__).parents[1] / "project"


class Throwaway:
    """A copy of the project, in a process of its own for each command."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self.engine = engine
        self.databases: dict[str, dict[str, Any]] = {}
        for alias in ("default", "analytics"):
            self.add(alias)
        self.jetbase: dict[str, Any] = {}
        shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))

    def add(self, alias: str, **changes: Any) -> None:
        name = f"{NAME}_{alias}"
        if self.engine.vendor == "sqlite":
            name = str(self.folder / f"{name}.sqlite3")
        self.databases[alias] = self.engine.config(name) | changes

    def drop(self) -> None:
        if self.engine.vendor == "sqlite":
            return
        for config in self.databases.values():
            for suffix in ("", "_1", "_2", "_scratch"):
                self.engine.drop(f"test_{config['NAME']}{suffix}")
            self.engine.drop(config["NAME"])

    def write(self, name: str, text: str) -> None:
        (self.folder / "jetbase" / "migrations" / f"{name}.sql").write_text(text)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        given = json.dumps({"DATABASES": self.databases, "JETBASE": self.jetbase})
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "PYTEST_"))}
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=kept | {"JETBASE_PROJECT": given, "PYTHONWARNINGS": "default"} | environment,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def manage(self, *args: str, **environment: str) -> str:
        """What a command prints, which must succeed."""
        done = self.run("manage.py", *args, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def test(self, *args: str, **environment: str) -> None:
        self.manage("test", "--noinput", *args, **environment)

    def pytest(self, *args: str, **environment: str) -> None:
        done = self.run("-m", "pytest", *args, **environment)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def throwaway(engine: Engine, tmp_path: Path) -> Iterator[Throwaway]:
    project = Throwaway(tmp_path / "project", engine)
    project.drop()
    yield project
    project.drop()
