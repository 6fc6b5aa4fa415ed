"""A backend and its parts."""

from pathlib import Path

import pytest
from django.db import connections

import django_jetbase
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


def test_nothing_in_a_folder_is_nearly_a_part() -> None:
    """A class of another name would be an error when it is asked for; a module, silence."""
    helpers = {"backend", "lexicon", "__init__"}
    helpers |= {"catalogues", "indexes", "lost_session", "messages", "search_path", "references"}
    for folder in BACKENDS:
        assert {path.stem for path in (FOLDER / folder).glob("*.py")} <= helpers | {*PARTS}
