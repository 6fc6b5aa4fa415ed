"""Queries of the tool's own, as values."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Query(NamedTuple):
    """SQL with its parameters, each marked by `%s`; any other per cent sign is doubled."""

    sql: str
    params: tuple[Any, ...] = ()


class Certain(Query):
    """One that has failed where it changes, or gives, no row, whatever keeps it from that."""

    __slots__ = ()


class Expression(NamedTuple):
    """SQL that stands in a query for a value; marked and doubled as in a query."""

    sql: str
    params: tuple[Any, ...] = ()


def insert(
    table: str, names: Mapping[str, str], values: Mapping[str, Any], where: Query | None = None
) -> Query:
    """Insert a row, whose values may be expressions, into a table whose name is SQL already.

    `names` are the columns as SQL; `where` begins with FROM.
    """
    columns = ", ".join(names[name] for name in values)
    marks = ", ".join(map(_mark, values.values()))
    row = f"SELECT {marks} {where.sql}" if where else f"VALUES ({marks})"
    return Query(
        f"INSERT INTO {table} ({columns}) {row}",
        (*_params(values), *(where.params if where else ())),
    )


def update(table: str, names: Mapping[str, str], values: Mapping[str, Any], where: Query) -> Query:
    """Change the rows of a table, whose name is SQL already, for which the condition holds."""
    changes = ", ".join(f"{names[name]} = {_mark(value)}" for name, value in values.items())
    return Query(
        f"UPDATE {table} SET {changes} WHERE {where.sql}", (*_params(values), *where.params)
    )


def _mark(value: Any) -> str:
    """What stands for a value in the SQL of a query."""
    return value.sql if isinstance(value, Expression) else "%s"


def _params(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """The parameters of all values, in order."""
    return tuple(
        param
        for value in values.values()
        for param in (value.params if isinstance(value, Expression) else (value,))
    )
