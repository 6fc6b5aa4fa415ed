"""What the admin shows of all databases; one that cannot be read hides nothing of the others."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections, transaction
from django.utils.connection import ConnectionDoesNotExist

from ..conf import aliases_in_use
from ..dialects.values import Holder
from ..exceptions import JetbaseError
from ..migrator import Migrator
from ..problems import Problem
from ..redaction import without_secrets
from ..results import Status
from ..state import Entry
from .labels import STATES

_PROBLEMS = 20  # that are shown of one database
FAILURES = (JetbaseError, Error, ImproperlyConfigured, ConnectionDoesNotExist)


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
        numbers = Counter(entry.state for entry in self.entries)
        return [(s, label, numbers[s]) for s, label in STATES.items() if s in numbers]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The first of them."""
        return self.status.problems[:_PROBLEMS] if self.status else ()

    @property
    def more_problems(self) -> int:
        return len(self.status.problems) - len(self.problems) if self.status else 0


def overview_of(alias: str) -> Overview:
    """Look at one database."""
    try:
        with harmless(alias):
            migrator = Migrator(alias)
            return Overview(alias, migrator.status(), migrator.holder())
    except FAILURES as error:
        return Overview(alias, fault=said_by(error))


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


def said_by(error: Exception) -> str:
    """What an error says, without secrets."""
    return without_secrets(str(error).strip()) or type(error).__name__
