from argparse import ArgumentParser
from typing import Any

from ..base import JetbaseCommand


class Command(JetbaseCommand):
    help = "Undoes applied versions, newest first, with their rollback sections."
    waits = True
    offers_json = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        target = parser.add_mutually_exclusive_group()
        target.add_argument(
            "-c",
            "--count",
            type=int,
            metavar="N",
            help="undo the last N versioned files (default: 1)",
        )
        target.add_argument(
            "-t",
            "--to-version",
            metavar="VERSION",
            help="undo everything above this version, which stays; 'zero' undoes everything",
        )
        self.add_previews(parser)
        parser.add_argument(
            "--fake", action="store_true", help="record it as rolled back, and run nothing"
        )

    def run(self, **options: Any) -> None:
        migrator = self.migrator(**options)
        result = migrator.rollback(
            options["count"],
            options["to_version"],
            dry_run=options["dry_run"] or options["sql"],
            fake=options["fake"],
        )
        self.show(result, migrator, **options)
