import sys
from argparse import ArgumentParser
from itertools import pairwise
from typing import Any

from django.core.management.base import CommandError
from django.db import connections

from ...conf import Settings
from ...files.names import versions
from ...files.new import TEMPLATE, create_migration
from ...interop.django_migrations import DjangoSQL, sql_of
from ...migration import Kind
from ..base import USAGE, JetbaseCommand

_INSTEAD = "name the version of a migration by --migration-version."
KINDS = {"versioned": Kind.VERSIONED, "roc": Kind.RUNS_ON_CHANGE, "ra": Kind.RUNS_ALWAYS}


class Command(JetbaseCommand):
    help = "Writes a new migration file with an upgrade and a rollback section."
    several = False
    by_verbosity = False  # somebody may have meant to give the version

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

    def run_from_argv(self, argv: list[str]) -> None:
        """Both options mean another thing to Django, and the version to the original."""
        for given, following in pairwise([*argv[2:], ""]):
            if given.startswith("-v"):
                self.by_verbosity = (given[2:].removeprefix("=") or following) in set("0123")
            if given.startswith("--version") or (given.startswith("-v") and not self.by_verbosity):
                hint = f"{given[:9] if given[1] == '-' else '-v'} is Django's own; {_INSTEAD}"
                self.stderr.write(f"CommandError: {hint}", self.style.ERROR)
                sys.exit(USAGE)
        super().run_from_argv(argv)

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
        if self.by_verbosity and not options["migration_version"]:
            self.complain(f"-v is the verbosity; {_INSTEAD}")

    def sql_of(self, **options: Any) -> DjangoSQL:
        if options["kind"] != "versioned":
            raise CommandError("A Django migration runs once: it is versioned.", returncode=USAGE)
        alias, (app_label, name) = options["database"], options["from_django"]
        sql = sql_of(connections[alias], app_label, name, Settings.of(alias).placeholders)
        if sql.unsure:
            self.complain(f"CHECK THE {sql.unsure.upper()} SECTION of the file; it says why.")
        return sql
