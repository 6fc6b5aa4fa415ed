from collections.abc import Callable, Collection, Sequence
from typing import ClassVar

from ...exceptions import HistoryError
from .backend import Part
from .values import Location

DJANGO_MIGRATIONS = "django_migrations"


class Introspection(Part):
    """Which tables there are, and in which of them a history is."""

    django_now: ClassVar[str] = "CURRENT_TIMESTAMP"  # SQL for the present as Django writes it

    def has_table(self, name: str) -> bool:
        """Whether the table is where this connection looks for it."""
        return bool(self.tables_among([name]))

    def tables_among(self, names: Sequence[str]) -> set[str]:
        """Which of the tables are where this connection looks for them."""
        return set(names) & set(self.connection.introspection.table_names())

    def locate(
        self, tables: Sequence[str], schema: str | None, claimed: Callable[[], Collection[str]]
    ) -> Location:
        """Where the history is whose tables have these names, the main one first.

        `schema` is the setting, of databases with schemas, and `claimed` gives the schemas of
        other aliases. Raises HistoryError where it cannot be told.
        """
        return Location(None, frozenset(self.tables_among(tables)))

    def count_in_catalogue(self, tables: Sequence[str]) -> str:
        """SQL for how many objects belong to the tables; empty where only DDL can change that.

        Their names are of small letters, digits and `_`.
        """
        return ""

    def histories(self, constraint: str) -> list[tuple[str | None, str, bool]]:
        """All histories of this database: schema and name of the table, and if it may be read.

        `constraint` is how the name of its constraint ends, whatever the table is called.
        """
        return []

    @property
    def named_schema(self) -> str | None:
        """The schema that the OPTIONS of the alias name first, where there are schemas."""
        return None

    def epoch(self, column: str) -> str:
        """SQL for the seconds since 1970 of a TIMESTAMP that another tool set to the present.

        Raises HistoryError where no such tool is known.
        """
        raise HistoryError(f"Histories of other tools cannot be read on {self.connection.vendor}.")
