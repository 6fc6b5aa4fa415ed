import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from ...files.script import Section
from ...sql.scanner import Statement
from ..base.backend import Backend
from ..base.session import Frame, Moved, Session, Setting
from .backend import SQLiteBackend

_PRAGMA = re.compile(r"\bPRAGMA\b", re.IGNORECASE)
_DROP_TABLE = re.compile(r"DROP TABLE\b", re.IGNORECASE)
INSIDE = (
    "query_only ignore_check_constraints legacy_alter_table recursive_triggers writable_schema"
    " reverse_unordered_selects automatic_index busy_timeout cache_size read_uncommitted"
    " secure_delete trusted_schema cell_size_check defer_foreign_keys"
).split()
OUTSIDE = "foreign_keys synchronous temp_store locking_mode".split()  # of a transaction


class SQLiteSession(Session):
    backend: SQLiteBackend

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self.pragmas: dict[str, Any] = {}  # that the run began with

    def note(self) -> None:
        values = {name: self.backend.pragma(name) for name in [*INSIDE, *OUTSIDE]}
        self.pragmas = {name: value for name, value in values.items() if value is not None}

    def moved(self) -> Collection[str]:
        return {name for name, value in self.pragmas.items() if self.backend.pragma(name) != value}

    def frame(self, section: Section, *, atomic: bool) -> Frame:
        """With enforcement on, DROP TABLE would first delete the rows and cascade."""
        given, places = section.directives, section.places
        before = []
        if given.lock_timeout is not None:
            milliseconds = round(given.lock_timeout * 1000)
            before.append(_set("busy_timeout", milliseconds, places.get("lock_timeout")))
        drops = given.foreign_keys is None and self._drops_table(section)
        if drops or given.foreign_keys is not None:
            enforced = int(bool(given.foreign_keys))
            before.append(_set("foreign_keys", enforced, places.get("foreign_keys")))
        if not before and not _PRAGMA.search(section.text):
            return Frame()
        return Frame(
            before=before,
            checks_references=drops,
            restore=partial(self._restore, INSIDE),
            after=partial(self._restore, OUTSIDE),
        )

    def _drops_table(self, section: Section) -> bool:
        return any(map(self._drops, section.statements))

    def _drops(self, statement: Statement) -> bool:
        if statement.keyword != "DROP":
            return False
        return bool(_DROP_TABLE.match(self.backend.operations.lead(statement)))

    def _restore(self, names: Sequence[str], moved: Moved) -> Iterator[Setting]:
        found = moved()
        for name in names:
            if name in found:
                yield _set(name, self.pragmas[name])

    @contextmanager
    def inside_schema_editor(self) -> Iterator[None]:
        """It has turned foreign keys off, and expects them to be so at its end."""
        self.connection.enable_constraint_checking()
        try:
            yield
        finally:
            self.connection.disable_constraint_checking()


def _set(name: str, value: Any, place: int | None = None) -> Setting:
    """Set a pragma, whose values are numbers or words."""
    text = str(value)
    if not re.fullmatch(r"-?\w+", text):
        raise ValueError(f"{text!r} is no value of a pragma")
    return Setting(f"PRAGMA {name} = {text}", place)
