"""The commands that compare files and history, and those that bring the history into line."""

from argparse import ArgumentParser
from typing import Any, ClassVar

from django.core.management.base import CommandError

from ..results import Validation
from .base import FINDING, JetbaseCommand
from .documents import validation_document


class ValidationCommand(JetbaseCommand):
    """Reports what is wrong with `files`, `checksums` or both; with `fixes` it always fixes."""

    offers_json = True
    waits = True
    files: ClassVar[bool] = False
    checksums: ClassVar[bool] = False
    fixes: ClassVar[bool] = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        if not self.fixes:
            parser.add_argument("--fix", action="store_true", help="bring the history into line")

    def run(self, **options: Any) -> None:
        fix = self.fixes or options["fix"]
        validation = self.repair(**options).validate(
            files=self.files, checksums=self.checksums, fix=fix
        )
        if self.json:
            self.print_json(validation_document(validation))
        self.show_fixed(validation)
        if not validation.is_valid:
            said = [*map(str, validation.problems)]
            said += ["Nothing was fixed."] if fix and not validation.fixed else []
            raise CommandError("\n".join(said), returncode=FINDING)
        self.warn(validation.problems)
        if not validation.fixed:
            self.say("Nothing to fix." if fix else "All is well.")

    def show_fixed(self, validation: Validation) -> None:
        for forgotten in validation.forgotten:
            self.say(f"Forgot {forgotten.label}, whose file is missing.")
        for accepted in validation.accepted:
            self.say(f"Accepted {accepted.label} as it now is.")
