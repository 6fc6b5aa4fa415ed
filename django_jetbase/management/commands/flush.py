from typing import Any

from django.core.management.base import CommandError
from django.core.management.color import no_style
from django.core.management.commands import flush
from django.core.management.sql import emit_post_migrate_signal
from django.db import Error, connections

from ...dialects import dialect_of
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
        dialect = dialect_of(connection)
        tables = [*managed, *dialect.unmanaged_tables(managed)]
        statements = connection.ops.sql_flush(
            no_style(),
            tables,
            reset_sequences=options.get("reset_sequences", True),
            allow_cascade=dialect.flush_cascades or options.get("allow_cascade", False),
        )
        try:
            with connection.constraint_checks_disabled():
                connection.ops.execute_sql_flush(statements)
        except Error as error:
            name = connection.settings_dict["NAME"]
            raise CommandError(f"Database {name} could not be flushed: {error}") from error
        if managed and not options.get("inhibit_post_migrate", False):
            emit_post_migrate_signal(options["verbosity"], options["interactive"], alias)
