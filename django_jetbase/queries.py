"""Queries of the tool's own, as values."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Quote = Callable[[str], str]


class Query(NamedTuple):
    """SQL with its parameters."""

    sql: str
    params: tuple[Any, ...] = ()


class Expression(str):
    """SQL that stands in a query for a value."""


def insert(quote: Quote, table: str, values: Mapping[str, Any], where: str = "") -> Query:
    """Insert a row, whose values may be expressions; `where` begins with FROM."""
    columns = ", ".join(map(quote, values))
    marks = ", ".join(map(_mark, values.values()))
    row = f"SELECT {marks} {where}" if where else f"VALUES ({marks})"
    return Query(f"INSERT INTO {quote(table)} ({columns}) {row}", _params(values))


def update(
    quote: Quote, table: str, values: Mapping[str, Any], where: str, params: tuple[Any, ...] = ()
) -> Query:
    """Change rows; `params` are those of the condition."""
    changes = ", ".join(f"{quote(name)} = {_mark(value)}" for name, value in values.items())
    return Query(f"UPDATE {quote(table)} SET {changes} WHERE {where}", (*_params(values), *params))


def _mark(value: Any) -> str:
    """What stands for a value in the SQL of a query."""
    return value.replace("%", "%%") if isinstance(value, Expression) else "%s"


def _params(values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(value for value in values.values() if not isinstance(value, Expression))
