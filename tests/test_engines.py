"""What a test run says where it cannot have an engine."""

import subprocess
from pathlib import Path

import pytest

from .engines import why_not_started


def test_root_without_useradd(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:  # as the wheel calls it
        subprocess.run(["useradd", "x"], env={"PATH": str(tmp_path)}, check=True)
    said = why_not_started(caught.value)
    assert "useradd, which would add a user for it, is not in PATH" in said
    assert "JETBASE_TEST_POSTGRESQL" in said


def test_whatever_else(tmp_path: Path) -> None:
    said = why_not_started(RuntimeError("no room"))
    assert "does not start: no room" in said
    assert "JETBASE_TEST_POSTGRESQL" in said
