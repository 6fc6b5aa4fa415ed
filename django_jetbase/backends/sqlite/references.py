"""Rows that refer to nothing. What is in a database already is no fault of a file's."""

from contextlib import suppress
from typing import NamedTuple

from django.db import Error

from ..base.backend import Backend


class Violation(NamedTuple):
    table: str
    row: int | None
    parent: str


def violations(backend: Backend) -> set[Violation]:
    """The rows that refer to nothing, as far as that can be told."""
    try:
        rows = backend.execute(violations_sql(0), ())
    except Error:
        names = unchecked(backend)
        rows = backend.execute(violations_sql(len(names)), tuple(names))
    return {Violation(*row) for row in rows}


def violations_sql(unchecked: int) -> str:
    """SQL that gives them, with the names of so many tables that cannot be checked."""
    names = ", ".join(["%s"] * unchecked)
    return (
        'SELECT violation."table", violation.rowid, violation.parent FROM main.sqlite_master'
        " JOIN pragma_foreign_key_check(name) AS violation"
        f" WHERE type = 'table' AND name NOT IN ({names})"
    )


def unchecked(backend: Backend) -> list[str]:
    """The tables with a foreign key that names no unique columns, at whose use SQLite objects."""
    rows = backend.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")
    return [name for (name,) in rows if not _is_checkable(backend, name)]


def _is_checkable(backend: Backend, table: str) -> bool:
    with suppress(Error):
        backend.execute(f"PRAGMA foreign_key_check({backend.quote(table)})")
        return True
    return False
