"""What can be wrong with settings, files and history; each rule has an id that stays the same."""

from enum import StrEnum
from typing import NamedTuple


class Rule(StrEnum):
    """The ids. An `E` stops a run, a `W` does not."""

    SETTING = "jetbase.E001"
    BAD_NAME = "jetbase.E002"
    SAME_PATH = "jetbase.E003"
    UNREADABLE_FILE = "jetbase.E004"
    DUPLICATE_VERSION = "jetbase.E005"
    SECOND_MARKER = "jetbase.E006"
    UNKNOWN_DIRECTIVE = "jetbase.E007"
    LATE_DIRECTIVE = "jetbase.E008"
    UNREADABLE_SQL = "jetbase.E009"
    CANNOT_RUN = "jetbase.E010"
    NO_ROLLBACK = "jetbase.E011"
    MISSING_FILE = "jetbase.E012"
    OUT_OF_ORDER = "jetbase.E013"
    CHANGED = "jetbase.E014"
    INCOMPLETE = "jetbase.E015"
    ANOTHER_HISTORY = "jetbase.E016"
    NEAR_MARKER = "jetbase.E017"
    LOST_RECORDS = "jetbase.E018"
    MISSING_DIRECTORY = "jetbase.W001"
    AHEAD = "jetbase.W002"
    IGNORED = "jetbase.W003"
    PENDING = "jetbase.W004"
    UNREADABLE = "jetbase.W005"
    TAKES_NO_WRITES = "jetbase.W006"
    NOT_RUN_AS_WRITTEN = "jetbase.W007"
    KEPT_TEXT = "jetbase.W008"
    NO_EFFECT = "jetbase.W009"
    EMPTY = "jetbase.W010"
    STARTS_OVER = "jetbase.W011"
    CANNOT_ROLL_BACK = "jetbase.W012"
    RETIRED = "jetbase.W013"
    UNMADE = "jetbase.W014"


class Problem(NamedTuple):
    """One thing that is wrong: which rule, where, what, and the way out.

    It `waits` if it ends by itself once Django's migrations are applied.
    """

    id: Rule
    path: str
    message: str
    hint: str = ""
    line: int | None = None
    column: int | None = None
    version: str | None = None
    waits: bool = False

    @property
    def is_error(self) -> bool:
        return self.id.rpartition(".")[2].startswith("E")

    @property
    def place(self) -> str:
        """Where it is; a baseline may have no path."""
        path = self.path or f"baseline {self.version}"
        return ":".join(str(part) for part in (path, self.line, self.column) if part)

    def __str__(self) -> str:
        advice = f"; {self.hint}" if self.hint else ""
        return f"{self.place}: {self.message}{advice} ({self.id})"
