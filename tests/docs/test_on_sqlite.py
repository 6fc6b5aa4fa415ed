"""The sessions of the pages whose commands say the same on every engine."""

from pathlib import Path

import pytest

from ..conftest import CLIENTS, Project
from .conftest import run_page

PAGES = ["changing-applied.md", "databases.md", "dba.md", "existing.md", "json.md", "testing.md"]


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("page", PAGES)
def test_a_page(page: str, project: Project, site: Path) -> None:
    if project.vendor not in CLIENTS:
        pytest.skip("sqlite3 is not installed")
    run_page(page, project, site)
