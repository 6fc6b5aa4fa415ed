from argparse import ArgumentParser
from typing import Any

from ...conf import Settings
from ...files import create_migration, versions
from ...migration import Kind
from ..base import JetbaseCommand

KINDS = {"versioned": Kind.VERSIONED, "roc": Kind.RUNS_ON_CHANGE, "ra": Kind.RUNS_ALWAYS}


class Command(JetbaseCommand):
    help = "Writes a new migration file with an upgrade and a rollback section."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("description", help="what it does, in a few words")
        parser.add_argument(
            "--migration-version",
            metavar="VERSION",
            help="digits separated by '.' or '_' (default: the time in UTC)",
        )
        parser.add_argument(
            "--kind",
            choices=KINDS,
            default="versioned",
            help="runs once, when it changes, or always (default: %(default)s)",
        )

    def run(self, **options: Any) -> None:
        roots = Settings.of(options["database"]).migrations_dir
        kind = KINDS[options["kind"]]
        path = create_migration(
            roots[0],
            kind,
            options["description"],
            options["migration_version"],
            versions(roots),
        )
        self.stdout.write(str(path))
