from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError
from django.core.management.color import no_style
from django.core.management.commands import flush
from django.core.management.sql import emit_post_migrate_signal
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ...backends import backend_of, message_of
from ...history.tables import records
from ...receivers import is_kept_by_tests


class Command(flush.Command):
    """Empties, in a test database, the tables that SQL made as well.

    Every TransactionTestCase flushes at its end.
    """

    def handle(self, **options: Any) -> None:
        alias = options["database"]
        if options["interactive"] or not is_kept_by_tests(alias):
            super().handle(**options)
            return
        connection = connections[alias]
        managed = connection.introspection.django_table_names(
            only_existing=True, include_views=False
        )
        others = backend_of(connection).creation.unmanaged_tables(managed, records())
        try:
            try:
                _empty(connection, managed, others, **options)
            except Error:
                willing = [table for table in others if _is_willing(connection, table, **options)]
                _empty(connection, managed, willing, **options)
        except Error as error:
            name = connection.settings_dict["NAME"]
            said = message_of(error, alias)
            raise CommandError(f"Database {name} could not be flushed: {said}") from error
        if managed and not options.get("inhibit_post_migrate", False):
            emit_post_migrate_signal(options["verbosity"], options["interactive"], alias)


def _empty(
    connection: BaseDatabaseWrapper,
    managed: Sequence[str],
    others: Sequence[str],
    reset_sequences: bool = True,
    allow_cascade: bool = False,
    **options: Any,
) -> None:
    """Empty all tables; the others twice where triggers may fill them meanwhile."""
    cascades = backend_of(connection).features.flush_cascades
    rounds = [[*managed, *others]] if cascades else [[*managed, *others], [*others]]
    statements = [
        sql
        for tables in rounds
        for sql in connection.ops.sql_flush(
            no_style(),
            tables,
            reset_sequences=reset_sequences,
            allow_cascade=cascades or allow_cascade,
        )
    ]
    with connection.constraint_checks_disabled():
        connection.ops.execute_sql_flush(statements)


def _is_willing(connection: BaseDatabaseWrapper, table: str, **options: Any) -> bool:
    """Whether the table lets itself be emptied; one that is only ever added to may not."""
    try:
        _empty(connection, [], [table], **options)
    except Error:
        return False
    return True
