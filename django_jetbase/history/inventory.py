"""What a file must leave of the history, beside its own record."""

from typing import Any, NamedTuple

from ..models import AppliedMigration, Event, Heartbeat, LockHolder, SchemaVersion
from ..sql.queries import Certain, Query
from .tables import Tables, table_names

_NOBODY = "-"  # a token of no owner, within one transaction


class Inventory(NamedTuple):
    """How many migrations have a record, what else is compared, and the last event, or 0."""

    migrations: int
    others: tuple[Any, ...]
    event: int


def take(tables: Tables) -> Inventory:
    """One query, of tables that are there; while the lock is held."""
    state, events = tables.sql(AppliedMigration), tables.sql(Event)
    last = f"(SELECT coalesce(max(id), 0) FROM {events})"
    sql = f"SELECT count(*), {last}, {', '.join(_compared(tables))} FROM {state}"
    ((count, event, *others),) = tables.backend.execute(sql, ())
    return Inventory(count, tuple(others), event)


def unharmed(tables: Tables, inventory: Inventory, token: str) -> list[Query]:
    """What fails where some of that is gone, or where the lock, which has `token`, would stay."""
    parts = ["count(*)", *_compared(tables)]
    same = " AND ".join(f"{sql} = %s" for sql in parts)
    found = Certain(
        f"SELECT count(*) FROM {tables.sql(AppliedMigration)} HAVING {same}"
        f" AND (SELECT coalesce(max(id), 0) FROM {tables.sql(Event)} WHERE id = %s) = %s"
        f" AND NOT EXISTS (SELECT 1 FROM {tables.sql(Heartbeat)} WHERE 1 = 0)",  # reads no row
        (inventory.migrations, *inventory.others, inventory.event, inventory.event),
    )
    lock = tables.sql(LockHolder)
    return [found, *_changed(lock, token, _NOBODY), *_changed(lock, _NOBODY, token)]


def _compared(tables: Tables) -> list[str]:
    """Expressions over the rows of the state that tell whether one is gone or is another."""
    key = tables.columns["key"]
    catalogue = tables.backend.introspection.count_in_catalogue(table_names(tables.prefix))
    return [
        "coalesce(sum(id), 0)",
        f"coalesce(min({key}), '')",
        f"coalesce(max({key}), '')",
        f"coalesce(sum(length({key})), 0)",
        "coalesce(min(checksum), '')",
        "coalesce(max(checksum), '')",
        f"(SELECT count(*) FROM {tables.sql(SchemaVersion)})",
        *([catalogue] if catalogue else []),
    ]


def _changed(lock: str, before: str, after: str) -> list[Query]:
    """Change the token of the lock; what fails where it stays."""
    where = "namespace = '' AND token = %s"
    unchanged = f"SELECT 1 FROM {lock} WHERE {where}"
    one_row = "SELECT 1 FROM (SELECT 1 AS one) AS one_row"
    return [
        Query(f"UPDATE {lock} SET token = %s WHERE {where}", (after, before)),
        Certain(f"{one_row} WHERE NOT EXISTS ({unchanged})", (before,)),
    ]
