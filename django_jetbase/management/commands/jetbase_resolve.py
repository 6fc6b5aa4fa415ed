from argparse import ArgumentParser
from typing import Any

from ..base import JetbaseCommand


class Command(JetbaseCommand):
    help = "Records what only a person can know of a migration that stopped half-way."
    several = False
    waits = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("migration", help="its version, or the path of a repeatable file")
        answer = parser.add_mutually_exclusive_group(required=True)
        answer.add_argument(
            "--applied", action="store_true", help="everything that it does is done"
        )
        answer.add_argument(
            "--rolled-back", action="store_true", help="nothing of what it does is left"
        )

    def run(self, **options: Any) -> None:
        self.repair(**options).resolve(options["migration"], applied=options["applied"])
        answer = "applied" if options["applied"] else "not applied"
        self.say(f"{options['migration']} is now recorded as {answer}.")
