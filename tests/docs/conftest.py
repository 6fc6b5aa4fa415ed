"""What the sessions in the documentation share: the commands print what the page says they print.

A block below a path is a file, and is written, or added to. An ellipsis stands for anything.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from ..conftest import CLIENTS, Project
from ..interop.test_jetbase_tool import url_of

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(
    r"^(?:`(?P<file>[^`\n]+)`(?P<end>, at its end)?:\n\n```\w+\n|```(?P<console>console)\n)"
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


class File(NamedTuple):
    path: str
    text: str
    mode: str


def blocks(
    page: str, section: str = "", names: Mapping[str, str] | None = None
) -> Iterator[File | Command]:
    """Files and commands, in the order of the page, or of one of its sections.

    `names` stand for others in the text.
    """
    text = (DOCS / page).read_text(encoding="utf-8")
    if section:
        text = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    for name, instead in (names or {}).items():
        text = text.replace(name, instead)
    for block in BLOCK.finditer(text):
        if block["file"]:
            yield File(block["file"], block["text"], "a" if block["end"] else "w")
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


def run_page(page: str, project: Project, site: Path, section: str = "", **names: str) -> None:
    clients = [str(Path(program).parent) for program in CLIENTS.values()]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], *clients])
    environment = os.environ | {
        "PATH": path,
        "PYTHONPATH": str(DOCS.parent),
        "PYTHONUTF8": "1",
        "DATABASE": str(project.connection.settings_dict["NAME"]),
        "JETBASE_SQLALCHEMY_URL": url_of(project).render_as_string(hide_password=False),
    }
    for name in ("DJANGO_SETTINGS_MODULE", "PYTHONUNBUFFERED"):
        environment.pop(name, None)
    for block in blocks(page, section, names):
        if isinstance(block, File):
            path_of_file = site / block.path
            path_of_file.parent.mkdir(exist_ok=True)
            with path_of_file.open(block.mode, encoding="utf-8") as file:
                file.write(block.text)
            continue
        done = subprocess.run(
            ["bash", "-c", block.line],
            cwd=site,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        assert fits(done.stdout, block.expected), f"$ {block.line}\n{done.stdout}"


def run_section(page: str, section: str, project: Project, site: Path) -> None:
    if project.vendor not in CLIENTS or not shutil.which("git"):
        pytest.skip("the client of the database, or git, is not installed")
    run_page(page, project, site, section)


def is_whole(page: str, sections: Sequence[str]) -> bool:
    """Whether the sections have all that there is to run on the page."""
    ran = [block for section in sections for block in blocks(page, section)]
    return ran == list(blocks(page))
