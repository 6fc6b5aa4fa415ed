"""The admin under other looks, each in a project of its own, since it stands before Django's."""

import subprocess
import sys
from pathlib import Path

import pytest

SKINS = {
    "Django's own": [],
    "unfold": ["unfold", "unfold.contrib.filters"],
    "jazzmin": ["jazzmin"],
    "grappelli": ["grappelli"],
}


@pytest.mark.parametrize("skin", SKINS)
def test_every_page(skin: str, tmp_path: Path) -> None:
    migrations = tmp_path / "migrations"
    migrations.mkdir()
    (migrations / "V1__a.sql").write_text("CREATE TABLE a (id INT);\n-- rollback\nDROP TABLE a;")
    (migrations / "V2__b.sql").write_text("SELECT 'of the second';")
    done = subprocess.run(
        [sys.executable, "-m", "tests.skins.pages", str(tmp_path), *SKINS[skin]],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    _head, *pages = f"\n{done.stdout}".split("\n--- ")
    index, listed, found, first, second, log, applied = pages
    assert all(page.splitlines()[0].endswith(" 200") for page in pages)
    assert "Migrations" in index
    for page in (listed, found):
        assert "jetbase-applied" in page
    assert "CREATE TABLE a" in first
    assert "DROP TABLE a" in first
    assert "of the second" in second
    for page in (log, applied):
        assert "a.sql" in page
        assert "b.sql" in page
    assert "_save" not in first  # nothing is to be saved
    assert "historylink" not in first
    assert ">History<" not in first
