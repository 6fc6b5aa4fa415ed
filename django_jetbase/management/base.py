"""What the commands share: the alias, errors as CommandError, and how things are shown."""

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, Error
from django.utils import timezone

from ..exceptions import JetbaseError
from ..executor import Done
from ..migration import Applied, Direction, Migration
from ..migrator import Migrator
from ..results import Planned, Result

PENDING = 3
FINDING = 4
INTERRUPTED = 130

VERBS = {Direction.UPGRADE: "Applied", Direction.ROLLBACK: "Rolled back"}


class JetbaseCommand(BaseCommand):
    """A command whose `run` may raise JetbaseError or a database error."""

    requires_system_checks = []
    offers_json = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--database",
            default=DEFAULT_DB_ALIAS,
            metavar="ALIAS",
            help="the alias in DATABASES (default: %(default)s)",
        )
        if self.offers_json:
            parser.add_argument(
                "--json", action="store_true", help="print one JSON document and nothing else"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        self.verbosity = options["verbosity"]
        self.json = options.get("json", False)
        try:
            self.run(**options)
        except JetbaseError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted. jetbase_status says what is applied; run the command again.",
                returncode=INTERRUPTED,
            ) from None
        except Error as error:
            raise CommandError(f"Database {options['database']!r}: {str(error).strip()}") from error

    def run(self, **options: Any) -> None:
        raise NotImplementedError

    def migrator(self, **options: Any) -> Migrator:
        return Migrator(options["database"], report=self.report, notice=self.notice)

    def say(self, text: str) -> None:
        if self.verbosity >= 1 and not self.json:
            self.stdout.write(text)
            self.stdout.flush()  # a pipe, too, shall show how far a run has come

    def report(self, done: Done) -> None:
        how = "by another process" if done.by_other else f"{done.duration:.2f} s"
        self.say(f"{VERBS[done.step.direction]} {done.step.path} ({how})")

    def notice(self, text: str) -> None:
        if self.verbosity >= 1:
            self.stderr.write(f"  {text}")

    def print_json(self, document: Any) -> None:
        self.stdout.write(json.dumps(document, indent=2, default=str))

    def show(self, result: Result, dry_run: bool) -> None:
        """Print what a run did, or would do."""
        if self.json:
            self.print_json(_result_document(result, dry_run))
            return
        for planned in result.planned:
            self.say(f"Would run {planned.step.path}")
            for statement in planned.section.statements:
                self.say(f"{statement.sql}\n;")
        if not result.done and not result.planned:
            self.say("Nothing to do.")
        if result.left:
            self.say(
                f"{len(result.left)} versioned migrations stay pending; runs-on-change and"
                " runs-always files did not run."
            )


def _result_document(result: Result, dry_run: bool) -> dict[str, Any]:
    steps = [
        subject_document(done.step.subject)
        | {"direction": str(done.step.direction), "seconds": round(done.duration, 6)}
        for done in result.done
    ]
    return {
        "dry_run": dry_run,
        "steps": steps or [_planned_document(planned) for planned in result.planned],
        "left": [subject_document(migration) for migration in result.left],
    }


def _planned_document(planned: Planned) -> dict[str, Any]:
    return subject_document(planned.step.subject) | {
        "direction": str(planned.step.direction),
        "statements": [statement.text for statement in planned.section.statements],
    }


def subject_document(subject: Migration | Applied) -> dict[str, Any]:
    """What identifies a migration, as JSON."""
    return {
        "kind": str(subject.kind),
        "version": str(subject.version) if subject.version else None,
        "description": subject.description,
        "path": subject.path,
    }


def local(instant: datetime) -> str:
    """An instant in the project's time zone."""
    return timezone.localtime(instant).strftime("%Y-%m-%d %H:%M:%S %Z")
