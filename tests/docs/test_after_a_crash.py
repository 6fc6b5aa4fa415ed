"""The sessions of docs/after-a-crash.md, each section on its engine."""

from pathlib import Path

from ..conftest import Project
from .conftest import is_whole, run_section

PAGE = "after-a-crash.md"
SECTIONS = {"postgresql": "PostgreSQL", "mysql": "MariaDB and MySQL", "sqlite": "SQLite"}


def test_a_section(project: Project, site: Path) -> None:
    run_section(PAGE, SECTIONS[project.vendor], project, site)


def test_no_section_is_left_out() -> None:
    assert is_whole(PAGE, [*SECTIONS.values()])
