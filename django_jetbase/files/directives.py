"""The directives of a file, `-- jetbase: name=value`: a row for each."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from ..conf import LONGEST_TIME
from ..sql.lexicon import Lexicon
from ..sql.regex import compiled
from .names import parse_name

_BAD_DELIMITER = compiled(r"[\s'\"`\[\]\\]|--|/\*")
_DURATION = compiled(r"([0-9]+(?:\.[0-9]+)?)(ms|s|min|h)?")
_SHORTEST_TIME = 0.001  # of which less would be none to PostgreSQL, and so no limit
_SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600}
_DJANGO = compiled(r"\w+\.[\w-]+")
_ROLE = compiled(r"[^\x00-\x1f\x7f'\"=]+")


def _delimiter(value: str) -> str:
    if not value or _BAD_DELIMITER.search(value):
        raise ValueError
    return value


def _on_off(value: str) -> bool:
    return {"on": True, "off": False}[value.lower()]


def _seconds(value: str) -> float:
    number, unit = _matching(_DURATION, value.lower()).groups()
    seconds = float(number) * _SECONDS[unit or "s"]
    if seconds > LONGEST_TIME:
        raise ValueError("no time is longer than 24 days", "write a shorter one, or 0 for no limit")
    return max(seconds, _SHORTEST_TIME) if seconds else 0.0


def _role(value: str) -> str:
    return str(_matching(_ROLE, value)[0])


def _ignore(value: str) -> str:
    return {"ignore": "ignore"}[value.lower()]


def _django_migration(value: str) -> str:
    return str(_matching(_DJANGO, value)[0])


def _django_migrations(value: str) -> tuple[str, ...]:
    return (_django_migration(value),)


def _name_of_repeatable(value: str) -> str:
    name = parse_name(value.rpartition("/")[2])
    if name is None or name.version:
        raise ValueError
    return value


def _repeatables(value: str) -> tuple[str, ...]:
    return (_name_of_repeatable(value),)


def _matching(pattern: Any, value: str) -> Any:
    if not (found := pattern.fullmatch(value)):
        raise ValueError
    return found


class Row(NamedTuple):
    """How a directive is written and read, where it may stand, and what it needs.

    `read` raises ValueError or KeyError for what is no value. `needs` names the attribute of the
    features of a database without which it holds for nothing. In the `head` of a file it stands
    above both sections; it is given `once`, or each is added to those before, or the last holds.
    """

    example: str
    read: Callable[[str], Any]
    needs: str = ""
    head: bool = False
    once: bool = False
    adds: bool = False


def _row(*args: Any, default: Any = None, **kwargs: Any) -> Any:
    return field(default=default, metadata={"row": Row(*args, **kwargs)})


@dataclass(frozen=True)
class Directives:
    """What holds for a section: its own directives, and those of the head of the file.

    Times are in seconds; None where nothing is asked for.
    """

    # What ends a statement, instead of a semicolon.
    delimiter: str | None = _row("…", _delimiter)
    # Whether the section is one transaction with its record.
    transaction: bool = _row("on|off", _on_off, default=True)
    # Whether foreign keys are enforced meanwhile.
    foreign_keys: bool | None = _row("on|off", _on_off, needs="switches_foreign_keys")
    # How long a statement waits for a lock, and may take.
    lock_timeout: float | None = _row("5s", _seconds, needs="has_timeouts")
    statement_timeout: float | None = _row("5min", _seconds, needs="has_timeouts")
    # In which role the section runs.
    role: str | None = _row("NAME", _role, needs="has_roles")
    # Whether comments that look like the rollback marker mean nothing.
    other_markers: str | None = _row("ignore", _ignore, head=True)
    # The migrations of Django's that must be applied before.
    after: tuple[str, ...] = _row(
        "app.0001_name", _django_migrations, head=True, adds=True, default=()
    )
    # The repeatable files that run before, if they are due.
    needs: tuple[str, ...] = _row("ROC__x.sql", _repeatables, head=True, adds=True, default=())
    # The path that this repeatable file had before.
    was: str | None = _row("ROC__old.sql", _name_of_repeatable, head=True, once=True)
    # The migration of Django's that does the same.
    django: str | None = _row("app.0001_name", _django_migration, head=True, once=True)

    def given(self, name: str, text: str, *, in_head: bool) -> "Directives":
        """These and one more.

        Raises ValueError for what is no directive here; with what is wrong and a hint where it is
        one that does not hold.
        """
        row, before = ROWS.get(name), getattr(self, name, None)
        if row and row.once and before is not None:
            raise ValueError(f"a file has one {name}", "keep one")
        if row is None or (row.head and not in_head):
            raise ValueError
        try:
            value: Any = row.read(text)
        except KeyError as error:
            raise ValueError from error
        changes: dict[str, Any] = {name: before + value if row.adds else value}
        return replace(self, **changes)

    def applied_to(self, lexicon: Lexicon) -> Lexicon:
        """The rules by which the section is read."""
        if self.delimiter is None:
            return lexicon
        return replace(lexicon, delimiter=self.delimiter, at_line_end=self.delimiter != ";")


ROWS: dict[str, Row] = {column.name: column.metadata["row"] for column in fields(Directives)}


def _listed(*, head: bool) -> list[str]:
    return [f"{name}={row.example}" for name, row in ROWS.items() if row.head is head]


KNOWN = (
    f"known are {', '.join(_listed(head=False))} and, above the upgrade,"
    f" {', '.join(_listed(head=True))}"
)
