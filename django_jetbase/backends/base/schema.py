from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from .backend import Part

OWN = "(:own)"  # in a query: the names of the history's own tables
_KINDS = {"v": "view", "p": "partition"}


class Definition(NamedTuple):
    """One object, or one part of it; `name` begins with its kind."""

    name: str
    text: str

    def lines(self) -> Iterator[str]:
        """Its text, with the name before every line."""
        for line in self.text.rstrip("\n").split("\n"):
            yield f"{self.name}: {line}".rstrip() if line.strip() else self.name


class Schema(Part):
    """Everything in a database but its rows; here what Django's introspection knows of it.

    Nothing here writes.
    """

    own: Collection[str] = ()

    def lines(self, own: Collection[str]) -> list[str]:
        """A sorted line (or block of lines) each; `own` are the tables of the history."""
        self.own = own
        return [line for definition in sorted(self.definitions()) for line in definition.lines()]

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query in which OWN stands."""
        names = ", ".join(f"'{name}'" for name in self.own)  # letters, digits and _ alone
        return self.execute(sql.replace(OWN, f"({names})"))

    def definitions(self) -> Iterator[Definition]:
        with self.backend.cursor() as cursor:
            for table in self.connection.introspection.get_table_list(cursor):
                if table.name not in self.own:
                    yield from self._table(cursor, table)

    def _table(self, cursor: Any, table: Any) -> Iterator[Definition]:
        introspection: Any = self.connection.introspection
        yield Definition(f"{_KINDS.get(table.type, 'table')} {table.name}", "")
        for column in introspection.get_table_description(cursor, table.name):
            yield Definition(f"column {table.name}.{column.name}", _told(column._asdict()))
        if table.type != "v":
            for name, constraint in introspection.get_constraints(cursor, table.name).items():
                yield Definition(f"constraint {name} on {table.name}", _told(constraint))


def _told(properties: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in properties.items() if key != "name")
