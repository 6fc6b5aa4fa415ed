"""For the tests of a project: migrations at any version, and whether they can be rolled back.

`MigrationTestCase` and `assert_reversible` work with Django's test runner and pytest-django; the
fixtures of `pytest_plugin.py` are the same for pytest.
"""

from typing import Any, ClassVar

from django.db import DEFAULT_DB_ALIAS
from django.test import TestCase

from .scratch.database import Scratch, scratch_database
from .scratch.reversibility import assert_reversible

__all__ = ["MigrationTestCase", "Scratch", "assert_reversible", "scratch_database"]


class MigrationTestCase(TestCase):
    """Each test has a scratch database, with the alias `database` connected to it.

    No SQL migration is applied at first: `self.scratch.migrate_to("3")` goes to a version.
    """

    database: ClassVar[str] = DEFAULT_DB_ALIAS
    scratch: Scratch

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.databases = {cls.database, *cls.databases}

    def setUp(self) -> None:
        super().setUp()
        self.scratch = self.enterContext(scratch_database(self.database))
