"""The sessions of docs/deploying.md, each section on a database of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..conftest import Project
from .conftest import is_whole, run_section

PAGE = "deploying.md"
SECTIONS = [
    "In a pull request",
    "Before the release starts",
    "Many servers at once",
    "Readiness",
    "A user with fewer rights",
    "Going back",
]
ROLES = {"A user with fewer rights": ["shop_app", "shop_deployer", "shop_owner"]}


@pytest.fixture
def roles(project: Project, section: str) -> Iterator[None]:
    """The roles that a section creates: the databases of a server share them."""
    yield
    for role in ROLES.get(section, []):
        if project.query(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'"):
            project.query(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


@pytest.mark.engines("postgresql")
@pytest.mark.usefixtures("roles")
@pytest.mark.parametrize("section", SECTIONS)
def test_a_section(section: str, project: Project, site: Path) -> None:
    run_section(PAGE, section, project, site)


def test_no_section_is_left_out() -> None:
    assert is_whole(PAGE, SECTIONS)
