from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import connections

from ...conf import Settings
from ...files.names import versions
from ...files.new import TEMPLATE, create_migration
from ...interop.django_migrations import DjangoSQL, sql_of
from ...migration import Kind
from ..base import USAGE, JetbaseCommand

KINDS = {"versioned": Kind.VERSIONED, "roc": Kind.RUNS_ON_CHANGE, "ra": Kind.RUNS_ALWAYS}


class Command(JetbaseCommand):
    help = "Writes a new migration file with an upgrade and a rollback section."
    several = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "description",
            nargs="?",
            help="what it does, in a few words (with --from-django: app and name of the migration)",
        )
        parser.add_argument(
            "--migration-version",
            metavar="VERSION",
            help="digits separated by '.' or '_' (default: the time in UTC, YYYYMMDD.HHMMSS)",
        )
        parser.add_argument(
            "--kind",
            choices=KINDS,
            default="versioned",
            help="runs once, when it changes, or always (default: %(default)s)",
        )

        parser.add_argument(
            "--from-django",
            nargs=2,
            metavar=("APP", "MIGRATION"),
            help="write the SQL of this Django migration, which is then recorded with Django too",
        )

    def run(self, **options: Any) -> None:
        description, text = options["description"], TEMPLATE
        if options["from_django"]:
            sql = self.sql_of(**options)
            description, text = description or f"{sql.app_label} {sql.name}", sql.text
        if description is None:
            raise CommandError("Describe in a few words what it does.", returncode=USAGE)
        roots = Settings.of(options["database"]).migrations_dir
        path = create_migration(
            roots[0],
            KINDS[options["kind"]],
            description,
            options["migration_version"],
            versions(roots),
            text,
        )
        self.stdout.write(str(path))

    def sql_of(self, **options: Any) -> DjangoSQL:
        if options["kind"] != "versioned":
            raise CommandError("A Django migration runs once: it is versioned.", returncode=USAGE)
        alias, (app_label, name) = options["database"], options["from_django"]
        sql = sql_of(connections[alias], app_label, name, Settings.of(alias).placeholders)
        if sql.unsure:
            self.complain(f"CHECK THE {sql.unsure.upper()} SECTION of the file; it says why.")
        return sql
