"""The sessions that a newcomer follows: the tutorial, and those of the README."""

from pathlib import Path

import pytest

from ..conftest import CLIENTS, Project
from ..engines import NAME
from .conftest import run_page


@pytest.mark.engines("postgresql")
def test_tutorial(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if project.vendor not in CLIENTS:
        pytest.skip("createdb, which comes with psql, is not installed")
    for key in ("HOST", "PORT", "USER", "PASSWORD"):
        if value := str(project.connection.settings_dict[key]):
            monkeypatch.setenv(f"PG{key}", value)
    empty = tmp_path / "empty"
    empty.mkdir()
    name = f"{NAME}_teahouse"
    try:
        run_page("tutorial.md", project, empty, teahouse=name)
    finally:
        project.engine.drop(name)


@pytest.mark.engines("sqlite")
def test_the_readme(project: Project, site: Path) -> None:
    (site / "jetbase" / "migrations").rmdir()
    (site / "jetbase").rmdir()
    run_page("../README.md", project, site)
