from argparse import ArgumentParser
from typing import Any

from ...interop import FOREIGN_HISTORIES
from ..base import JetbaseCommand


class Command(JetbaseCommand):
    help = "Takes over the history that another tool has written in this database."
    several = False
    waits = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "source", choices=FOREIGN_HISTORIES, help="the tool that has written it"
        )
        parser.add_argument(
            "--rename",
            action="store_true",
            help="rename files on disk whose names are that tool's own (R__x.sql) to ours",
        )

    def run(self, **options: Any) -> None:
        source = options["source"]
        result = self.repair(**options).import_history(source, rename=options["rename"])
        for migration in result.recorded:
            self.say(f"Imported {migration.path or f'baseline {migration.version}'}")
        if not result.recorded:
            self.say(f"Nothing to import: the history has all that {source} has applied.")
        for theirs, ours in result.renamed:
            self.say(f"Renamed {theirs} to {ours}")
        self.warn(result.problems)
        for theirs, ours in result.to_rename:
            self.complain(
                f"{theirs} is recorded as {ours}: rename it, or run this again with --rename."
            )
