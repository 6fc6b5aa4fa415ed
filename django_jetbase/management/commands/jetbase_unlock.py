from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ..base import JetbaseCommand


class Command(JetbaseCommand):
    help = "Removes the lock of a run that is gone, or with --force of any run."
    several = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--force",
            action="store_true",
            help="also of a run that is alive, whose session in the database is ended",
        )
        parser.add_argument(
            "--noinput",
            "--no-input",
            action="store_false",
            dest="interactive",
            help="do not ask",
        )

    def run(self, **options: Any) -> None:
        database = self.database(**options)
        holder = database.holder()
        if holder is None:
            self.say("The lock is free.")
            return
        question = f"Remove the lock of {holder}? Type 'yes' to continue: "
        if options["interactive"] and not self.agrees(question):
            raise CommandError("The lock was not removed; --noinput does not ask.")
        database.unlock(holder, force=options["force"])
        self.say(f"Removed the lock of {holder}.")

    def agrees(self, question: str) -> bool:
        try:
            return input(question) == "yes"
        except EOFError:  # nobody is there
            return False
