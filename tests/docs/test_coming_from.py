"""The sessions of the pages for those who come from another tool."""

from pathlib import Path

import pytest

from ..conftest import Project
from .conftest import run_page, run_section


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("page", ["from-jetbase.md", "from-runsql.md"])
def test_a_page(page: str, project: Project, site: Path) -> None:
    run_page(page, project, site)


@pytest.mark.engines("postgresql")
def test_from_flyway(project: Project, site: Path) -> None:
    run_section("from-flyway.md", "", project, site)
