"""The sessions in the documentation, run: the commands print what the page says they print.

A block with a caption is a file, and is written. An ellipsis stands for anything.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from .conftest import CLIENTS, Project
from .test_jetbase_tool import url_of

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(
    r"^```(?:\{code-block\} \w+\n:caption: (?P<file>\S+)\n\n|(?P<console>console)\n)"
    r"(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
SETTINGS = """\
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "x"
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = ["django.contrib.sessions", "django_jetbase"]
DATABASES = {{"default": {database!r}}}
"""
MANAGE = """\
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
"""
VARYING = [
    (re.compile(r"\d+\.\d\d s\b"), "0.00 s"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "2026-01-01 00:00:00"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+"), "2026-01-01T00:00:00"),
    (re.compile(r"\d{8}\.\d{6}"), "20260101.000000"),
    (re.compile(r"(?<= )\w+@[\w.-]+$", re.MULTILINE), "user@host"),
]


class Command(NamedTuple):
    line: str
    expected: str


def blocks(page: str) -> Iterator[tuple[str, str] | Command]:
    """Files and commands, in the order of the page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        if block["file"]:
            yield block["file"], block["text"]
            continue
        for command in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
            line, _, expected = command.partition("\n")
            yield Command(line, expected)


def plain(text: str) -> str:
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return text


def fits(printed: str, expected: str) -> bool:
    pattern = (
        re.escape(plain(expected).strip("\n")).replace("…\\\n", "(?:.*\n)*").replace("…", ".*")
    )
    return re.fullmatch(pattern, plain(printed).strip("\n"), re.DOTALL) is not None


@pytest.fixture
def site(project: Project, tmp_path: Path) -> Path:
    """A Django project on the database, with the app installed and no file yet."""
    given = project.connection.settings_dict
    keys = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")
    folder = tmp_path / "site"
    (folder / "jetbase" / "migrations").mkdir(parents=True)
    database = {key: str(given[key]) for key in keys}
    (folder / "settings.py").write_text(SETTINGS.format(database=database))
    (folder / "manage.py").write_text(MANAGE)
    return folder


def run_page(page: str, project: Project, site: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {
        "PATH": path,
        "PYTHONPATH": str(DOCS.parent),
        "PYTHONUTF8": "1",
        "DATABASE": str(project.connection.settings_dict["NAME"]),
        "JETBASE_SQLALCHEMY_URL": url_of(project).render_as_string(hide_password=False),
    }
    for block in blocks(page):
        if not isinstance(block, Command):
            path_of_file = site / block[0]
            path_of_file.parent.mkdir(exist_ok=True)
            path_of_file.write_text(block[1])
            continue
        done = subprocess.run(
            ["bash", "-c", block.line],
            cwd=site,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert fits(done.stdout, block.expected), f"$ {block.line}\n{done.stdout}"


@pytest.mark.engines("postgresql")
def test_from_jetbase(project: Project, site: Path) -> None:
    run_page("from-jetbase.md", project, site)


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("page", ["existing.md", "dba.md", "json.md", "testing.md", "databases.md"])
def test_a_page(page: str, project: Project, site: Path) -> None:
    if project.vendor not in CLIENTS:
        pytest.skip("sqlite3 is not installed")
    run_page(page, project, site)
