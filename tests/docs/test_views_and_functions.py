"""The session of docs/views-and-functions.md."""

from pathlib import Path

import pytest

from ..conftest import Project
from .conftest import run_section


@pytest.mark.engines("postgresql")
def test_the_page(project: Project, site: Path) -> None:
    run_section("views-and-functions.md", "", project, site)
