"""Fixtures for pytest, which finds this module by its entry point. They need pytest-django."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .scratch.database import Scratch

# Django may not be set up yet when pytest imports this: hence the late imports.


@pytest.fixture
def jetbase_database() -> str:
    """The alias whose migrations are tested; override it for another one."""
    return "default"


@pytest.fixture
def jetbase_scratch(db: None, jetbase_database: str) -> "Iterator[Scratch]":
    """A scratch database, with the alias connected to it; no SQL migration is applied at first."""
    from .scratch.database import scratch_database

    with scratch_database(jetbase_database) as scratch:
        yield scratch


@pytest.fixture
def jetbase_assert_reversible(db: None, jetbase_database: str) -> Callable[..., None]:
    """`assert_reversible` for the alias."""
    from .scratch.reversibility import assert_reversible

    def check(**options: Any) -> None:
        assert_reversible(jetbase_database, **options)

    return check
