from argparse import ArgumentParser
from typing import Any

from ..base import JetbaseCommand


class Command(JetbaseCommand):
    help = "Undoes applied versions, newest first, with their rollback sections."
    offers_json = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        target = parser.add_mutually_exclusive_group()
        target.add_argument("-c", "--count", type=int, help="undo so many versions (default: 1)")
        target.add_argument(
            "-t",
            "--to-version",
            metavar="VERSION",
            help="undo everything above this version; 'zero' undoes all",
        )
        parser.add_argument(
            "-d", "--dry-run", action="store_true", help="show what would run, and run nothing"
        )
        parser.add_argument(
            "--fake", action="store_true", help="record it as rolled back, and run nothing"
        )

    def run(self, **options: Any) -> None:
        result = self.migrator(**options).rollback(
            options["count"],
            options["to_version"],
            dry_run=options["dry_run"],
            fake=options["fake"],
        )
        self.show(result, options["dry_run"])
