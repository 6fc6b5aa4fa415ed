import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from ...files.script import Section
from ...sql.scanner import Statement
from ..base.backend import Backend
from ..base.session import Changes, Frame, Leftover, Session, Setting
from .backend import SQLiteBackend

_PRAGMA = re.compile(r"\bPRAGMA\b", re.IGNORECASE)
_REWRITES = re.compile(r"\bwritable_schema\b", re.IGNORECASE)
_LEAVES = re.compile(r"\b(?:TEMP|TEMPORARY|ATTACH)\b", re.IGNORECASE)
_TEMPORARY = (
    "SELECT upper(type), name FROM sqlite_temp_master"
    " WHERE type IN ('trigger', 'view', 'table') AND name NOT LIKE 'sqlite^_%' ESCAPE '^'"
    " ORDER BY type DESC, rowid"
)
_ATTACHED = "SELECT 'DATABASE', name FROM pragma_database_list WHERE name NOT IN ('main', 'temp')"
_DROP_TABLE = re.compile(r"DROP TABLE\b", re.IGNORECASE)
_LIKE = "case_sensitive_like"  # which cannot be asked for
INSIDE = (
    "query_only ignore_check_constraints legacy_alter_table recursive_triggers writable_schema"
    " reverse_unordered_selects automatic_index busy_timeout cache_size read_uncommitted"
    " secure_delete trusted_schema cell_size_check defer_foreign_keys cache_spill analysis_limit"
    " threads max_page_count checkpoint_fullfsync fullfsync count_changes full_column_names"
    " short_column_names empty_result_callbacks"
).split()
OUTSIDE = (  # of a transaction
    "foreign_keys synchronous temp_store locking_mode journal_mode journal_size_limit"
).split()
_IN_FILE = "wal"  # a journal mode that belongs to the database


class SQLiteSession(Session):
    backend: SQLiteBackend
    is_kept_apart: ClassVar[bool] = False  # what it is reading would keep the other from writing

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self.pragmas: dict[str, Any] = {}  # that the run began with
        self._there: set[Leftover] = set()  # the same
        self._look = ""  # SQL for the pragmas as they are

    def note(self) -> None:
        known = {name for (name,) in self.execute("SELECT name FROM pragma_pragma_list")}
        selects = [f"SELECT '{n}', * FROM pragma_{n}" for n in [*INSIDE, *OUTSIDE] if n in known]
        selects.append(f"SELECT '{_LIKE}', 'A' NOT LIKE 'a'")
        self._look = " UNION ALL ".join(selects)
        self.pragmas = dict(self.execute(self._look))
        self._there = set(self._objects())

    def moved(self) -> Collection[str]:
        now = dict(self.execute(self._look))
        found = {name for name, value in now.items() if self.pragmas[name] != value}
        modes = (now.get("journal_mode"), self.pragmas.get("journal_mode"))
        return found - {"journal_mode"} if _IN_FILE in modes else found

    def left(self) -> Collection[Leftover]:
        return [found for found in self._objects() if found not in self._there]

    def _objects(self) -> list[Leftover]:
        return [Leftover(*row) for sql in (_TEMPORARY, _ATTACHED) for row in self.execute(sql)]

    def holds(self, sections: Iterable[Section] | None) -> bool:
        return bool(self._objects())

    def as_noted(self) -> Iterator[Setting]:
        yield from self._restore([*INSIDE, _LIKE, *OUTSIDE], self)

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
        leaves = _LEAVES.search(section.text) is not None
        if not before and not leaves and not _PRAGMA.search(section.text):
            return Frame()
        rewrites = _REWRITES.search(section.text) is not None
        return Frame(
            before=before,
            checks_references=drops,
            restore=self._restore_inside,
            after=self._restore_rewritten if rewrites else self._restore_outside,
        )

    def _drops_table(self, section: Section) -> bool:
        return any(map(self._drops, section.statements))

    def _drops(self, statement: Statement) -> bool:
        if statement.keyword != "DROP":
            return False
        return bool(_DROP_TABLE.match(self.backend.operations.lead(statement)))

    def _restore_inside(self, changes: Changes) -> Iterator[Setting]:
        yield from self._restore([*INSIDE, _LIKE], changes)
        for kind, name in changes.left():
            if kind != "DATABASE":
                yield Setting(f"DROP {kind} IF EXISTS temp.{self.backend.quote(name)}")

    def _restore_rewritten(self, changes: Changes) -> Iterator[Setting]:
        """The connection does not see by itself what was written into its schema."""
        yield Setting("PRAGMA writable_schema = RESET")
        yield from self._restore_outside(changes)

    def _restore_outside(self, changes: Changes) -> Iterator[Setting]:
        for kind, name in changes.left():
            if kind == "DATABASE":
                yield Setting(f"DETACH DATABASE {self.backend.quote(name)}")
        yield from self._restore(OUTSIDE, changes)

    def _restore(self, names: Sequence[str], changes: Changes) -> Iterator[Setting]:
        found = changes.moved()
        for name in names:
            if name in found and name in self.pragmas:
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
