"""What the admin shows of all databases; one that cannot be read hides nothing of the others."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections, transaction
from django.utils.connection import ConnectionDoesNotExist

from ..backends import message_of
from ..backends.base.values import Holder
from ..conf import aliases_in_use
from ..database import Database, logger
from ..exceptions import JetbaseError
from ..migrator import Migrator
from ..plan.state import Entry
from ..problems import Problem
from ..results import Status
from ..sql.redaction import message_without
from .labels import STATES, instant

_PROBLEMS = 20  # that are shown of one database
_EXPECTED = (JetbaseError, Error, ImproperlyConfigured, ConnectionDoesNotExist)


@dataclass(frozen=True)
class Overview:
    """One database: what its status is and who holds its lock, or why that cannot be said."""

    alias: str
    status: Status | None = None
    holder: Holder | None = None
    fault: str = ""

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.status.entries if self.status else ()

    @property
    def counts(self) -> list[tuple[str, Any, int]]:
        """Each state that there is, its name, and of how many migrations."""
        numbers = Counter(str(entry.state) for entry in self.entries)
        return [(s, label, numbers[s]) for s, label in STATES.items() if s in numbers]

    @property
    def problem_count(self) -> int:
        return len(self.status.problems) if self.status else 0

    @cached_property
    def problems(self) -> list[Problem]:
        """The first of them: those of no migration of the list, then in its order."""
        order = {entry.subject.path: number for number, entry in enumerate(self.entries)}
        problems = self.status.problems if self.status else ()
        return sorted(problems, key=lambda problem: order.get(problem.path, -1))[:_PROBLEMS]

    @property
    def more_problems(self) -> int:
        return self.problem_count - len(self.problems)

    @property
    def since(self) -> str:
        """Since when somebody holds the lock."""
        return instant(self.holder.since) if self.holder else ""


def overview_of(alias: str) -> Overview:
    """Look at one database."""
    try:
        with harmless(alias):
            migrator = Migrator(alias)
            return Overview(alias, migrator.status(), migrator.database.holder())
    except Exception as error:  # whatever a driver makes of wrong settings
        is_of_database = isinstance(error, Error)
        way_out = Database(alias).remedy(error, writes=False) if is_of_database else ""
        return Overview(alias, fault=f"{said_by(error, alias)}\n{way_out}".strip())


def overview_of_all() -> list[Overview]:
    """Look at every database that has migrations. Raises SettingsError."""
    return [overview_of(alias) for alias in aliases_in_use()]


@contextmanager
def harmless(alias: str) -> Iterator[None]:
    """Let a query that fails leave a transaction of the caller's as it is."""
    if not connections[alias].in_atomic_block:
        yield
        return
    with transaction.atomic(using=alias):
        yield


def said_by(error: Exception, alias: str) -> str:
    """What an error says, without secrets; one that is not expected is logged."""
    is_of_database = isinstance(error, Error)
    said = message_of(error, alias) if is_of_database else message_without(str(error).strip())
    said = said.encode(errors="replace").decode()
    if isinstance(error, _EXPECTED):
        return said or type(error).__name__
    logger.error("The admin could not read a database.", exc_info=error)
    return f"{type(error).__name__}: {said}"
