"""A backend and its parts."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

import django_jetbase
from django_jetbase import backends, split
from django_jetbase.backends import BACKENDS
from django_jetbase.backends.base.backend import Backend, _PartOf
from django_jetbase.backends.postgresql.backend import PostgreSQLBackend
from django_jetbase.exceptions import JetbaseError

FOLDER = Path(django_jetbase.__file__).parent / "backends"
PARTS = [name for name, value in vars(Backend).items() if isinstance(value, _PartOf)]


class RelativeBackend(PostgreSQLBackend):
    """Of a database that is like PostgreSQL, with no part of its own."""


@pytest.mark.parametrize("name", PARTS)
def test_a_part_comes_from_the_backend_that_has_one(name: str) -> None:
    part = getattr(RelativeBackend(connections["default"]), name)
    own = (FOLDER / "postgresql" / f"{name}.py").is_file()
    assert type(part).__name__ == ("PostgreSQL" if own else "") + name.title()
    assert part.connection is connections["default"]


@pytest.mark.parametrize("name", [name for name in PARTS if name != "client"])
def test_a_database_without_a_folder_has_every_part(name: str) -> None:
    assert type(getattr(Backend(connections["default"]), name)).__name__ == name.title()


def test_but_for_a_client() -> None:
    with pytest.raises(JetbaseError, match=r"There is no script for \w+: its client is not known"):
        Backend(connections["default"]).client  # noqa: B018


@pytest.fixture
def relative(monkeypatch: Any, tmp_path: Path) -> Iterator[None]:
    """A folder in `backends` with nothing but a backend like that of PostgreSQL."""
    folder = tmp_path / "relative"
    folder.mkdir()
    source = "from ..postgresql.backend import PostgreSQLBackend\n"
    source += "class RelativeBackend(PostgreSQLBackend): pass\n"
    (folder / "backend.py").write_text(source)
    monkeypatch.setattr(backends, "__path__", [*backends.__path__, str(tmp_path)])
    monkeypatch.setitem(BACKENDS, "relative", "Relative")
    yield
    for name in [name for name in sys.modules if name.startswith(f"{backends.__name__}.relative")]:
        del sys.modules[name]


@pytest.mark.usefixtures("relative")
def test_text_is_cut_as_by_the_database_that_it_is_like() -> None:
    found = split("SELECT $$a;b$$; SELECT 2", "relative")
    assert [statement.text for statement in found] == ["SELECT $$a;b$$", "SELECT 2"]


def test_nothing_in_a_folder_is_nearly_a_part() -> None:
    """A class of another name would be an error when it is asked for; a module, silence."""
    helpers = {"backend", "lexicon", "__init__"}
    helpers |= {"catalogues", "indexes", "lost_session", "pipeline", "search_path", "references"}
    for folder in BACKENDS:
        assert {path.stem for path in (FOLDER / folder).glob("*.py")} <= helpers | {*PARTS}
