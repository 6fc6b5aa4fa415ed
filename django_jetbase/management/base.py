"""What the commands share: the alias, errors as CommandError, and how things are shown."""

import json
from argparse import ArgumentParser, _MutuallyExclusiveGroup
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.utils.connection import ConnectionDoesNotExist

from .. import display
from ..backends import message_of
from ..conf import aliases_in_use
from ..database import Database, refuse_moving_backend
from ..exceptions import JetbaseError, SettingsError
from ..history.heartbeat import USUAL, Timing
from ..migrator import Migrator
from ..plan.inspection import Inspection
from ..plan.preparation import Planned
from ..problems import Problem
from ..repair.repair import Repair
from ..results import Result
from ..run.done import Done
from .documents import failure_document, result_document
from .interruption import interruptible

USAGE = 2
PENDING = 3
FINDING = 4
_BY_SIGNAL = 128  # and its number, as shells say it
_ONE_ONLY = "This is for one database at a time."
_WORST_FIRST = (1, FINDING, PENDING)

STOPPED = "Interrupted. jetbase_status says what is applied, and what to do before the next run."


class JetbaseCommand(BaseCommand):
    """A command whose `run` may raise JetbaseError or a database error."""

    requires_system_checks = []
    offers_json = False
    several = True  # whether it may go over several databases
    waits = False  # for the lock

    def __init__(self, *args: Any, timing: Timing = USUAL, **options: Any) -> None:
        super().__init__(*args, **options)
        self.timing = timing

    def add_arguments(self, parser: ArgumentParser) -> None:
        databases = parser.add_mutually_exclusive_group()
        repeated = "; may be repeated" if self.several else ""
        databases.add_argument(
            "--database",
            action="append",
            metavar="ALIAS",
            help=f"the alias in DATABASES (default: {DEFAULT_DB_ALIAS}){repeated}",
        )
        if self.several:
            databases.add_argument(
                "--all-databases", action="store_true", help="every alias that has migrations"
            )
        if self.waits:
            parser.add_argument(
                "--lock-wait",
                type=_seconds,
                metavar="SECONDS",
                help='how long to wait for another run (default: JETBASE["LOCK_WAIT"])',
            )
        if self.offers_json:
            parser.add_argument(
                "--json", action="store_true", help="print one JSON document and nothing else"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        self.verbosity = options["verbosity"]
        self.json = options.get("json", False)
        self.done: list[Done] = []
        self.asked: Database | None = None
        self.document: Any = None
        self.collects = False  # documents, to print one of all databases
        if self.json and options.get("sql"):
            raise CommandError("--json and --sql do not go together.", returncode=USAGE)
        with interruptible() as self.interruption:
            try:
                chosen = self.databases(**options)
            except JetbaseError as error:
                raise self.failure(error, str(error)) from error
            if len(chosen) > 1 or options.get("all_databases"):
                self.run_in_several(chosen, **options)
            else:
                self.run_in(chosen[0], **options)

    def databases(
        self, database: Any = None, all_databases: bool = False, **options: Any
    ) -> list[str]:
        """The aliases to go over, each once. Raises CommandError and JetbaseError."""
        if all_databases and options.get("sql"):
            raise CommandError(_ONE_ONLY, returncode=USAGE)
        if all_databases:
            if not (found := aliases_in_use()):
                raise SettingsError("No database has migrations: see JETBASE['MIGRATIONS_DIR'].")
            return found
        given = [database] if isinstance(database, str) else database or [DEFAULT_DB_ALIAS]
        chosen = list(dict.fromkeys(given))
        if len(chosen) > 1 and (not self.several or options.get("sql")):
            raise CommandError(_ONE_ONLY, returncode=USAGE)
        return chosen

    def run_in(self, alias: str, **options: Any) -> None:
        """Run on one database. Raises CommandError."""
        try:
            if alias in connections:
                refuse_moving_backend(connections[alias])
            self.run(**options | {"database": alias})
        except JetbaseError as error:
            raise self.failure(error, str(error)) from error
        except KeyboardInterrupt:
            raise self.failure(JetbaseError(STOPPED), STOPPED, _BY_SIGNAL + 2) from None
        except (Error, ConnectionDoesNotExist, ImproperlyConfigured) as error:
            message = f"Database {alias!r}: {message_of(error, alias)}"
            raise self.failure(
                error, f"{message}\n{self.remedy(error, **options)}".strip()
            ) from error

    def run_in_several(self, chosen: list[str], **options: Any) -> None:
        """Run on each database; one that fails does not keep the others from it."""
        failures: dict[str, CommandError] = {}
        documents: dict[str, Any] = {}
        for alias in chosen:
            self.say(f"{alias}:")
            self.done, self.document, self.collects = [], None, self.json
            try:
                self.run_in(alias, **options)
            except CommandError as error:
                if error.returncode == USAGE:
                    raise
                failures[alias] = error
            documents[alias] = self.document
            if self.interruption.signal:
                break
        self.collects = False
        if self.json:
            self.print_json({"databases": documents})
        if failures:
            statuses = {error.returncode for error in failures.values()}
            said = [f"{alias}: {error}" for alias, error in failures.items()]
            worst_first = (
                (max(statuses), *_WORST_FIRST) if self.interruption.signal else _WORST_FIRST
            )
            status = next(status for status in worst_first if status in statuses)
            raise CommandError("\n".join(said), returncode=status)

    def remedy(self, error: Exception, **options: Any) -> str:
        """The way out of a database error."""
        if self.asked is None:
            return ""
        looks = any(options.get(name) for name in ("dry_run", "check", "sql"))
        return self.asked.remedy(error, writes=self.waits and not looks)

    def run(self, **options: Any) -> None:
        raise NotImplementedError

    def failure(self, error: Exception, message: str, status: int = 1) -> CommandError:
        """The error as the command ends with it; with --json it is printed as well.

        A signal, which is what let a statement fail, has a status of its own.
        """
        self.stdout.flush()  # before the error is written elsewhere
        if self.interruption.signal:
            status = _BY_SIGNAL + self.interruption.signal
            message = f"{self.interruption.signal.name}: {message}"
        if self.json:
            self.print_json(failure_document(error, message, self.done))
        return CommandError(display.printable(message), returncode=status)

    def migrator(self, **options: Any) -> Migrator:
        migrator = Migrator(
            options["database"],
            lock_wait=options.get("lock_wait"),
            report=self.report,
            notice=self.notice,
            timing=self.timing,
        )
        self.asked = migrator.database
        self.interruption.target = migrator.database.backend
        return migrator

    def repair(self, **options: Any) -> Repair:
        return Repair(Inspection(self.database(**options)))

    def database(self, **options: Any) -> Database:
        database = Database(options["database"], self.notice, options.get("lock_wait"), self.timing)
        self.asked = database
        self.interruption.target = database.backend
        return database

    def write(self, text: str) -> None:
        self.stdout.write(display.printable(text))

    def say(self, text: str) -> None:
        if self.verbosity >= 1 and not self.json:
            self.write(text)
            self.stdout.flush()  # a pipe, too, shall show how far a run has come

    def complain(self, text: str) -> None:
        """Write to stderr, behind what went to stdout before, be they the same pipe."""
        self.stdout.flush()
        self.stderr.write(display.printable(text))

    def warn(self, problems: Iterable[Problem]) -> None:
        if self.verbosity >= 1 and not self.json:
            for problem in problems:
                self.complain(str(problem))

    def report(self, done: Done) -> None:
        self.done.append(done)
        self.say(str(done))

    def notice(self, text: str) -> None:
        if self.verbosity >= 1:
            self.complain(f"  {text}")

    def print_json(self, document: Any) -> None:
        if self.collects:
            self.document = document
            return
        self.stdout.write(json.dumps(document, indent=2, default=str))

    @staticmethod
    def add_previews(parser: ArgumentParser) -> _MutuallyExclusiveGroup:
        """The options that run nothing."""
        previews = parser.add_mutually_exclusive_group()
        previews.add_argument(
            "-d", "--dry-run", action="store_true", help="show what would run, and run nothing"
        )
        previews.add_argument(
            "--sql",
            action="store_true",
            help="print a script for the database's own client that does the same, and run nothing",
        )
        return previews

    def show(self, result: Result, migrator: Migrator, **options: Any) -> None:
        """Print what a run did, or would do."""
        if self.json:
            self.print_json(result_document(result, options["dry_run"]))
            return
        self.warn(result.warnings)
        if options["sql"]:
            self.print_script(migrator.script(result.planned))
            return
        for planned in result.planned:
            self._preview(planned)
        if not result.done and not result.planned:
            self.say("Nothing to do.")
        if result.left:
            steps = [*(item.step for item in result.planned), *(item.step for item in result.done)]
            others = "other " if any(not step.subject.version for step in steps) else ""
            self.say(
                f"{len(result.left)} versioned migrations stay pending; {others}runs-on-change and"
                " runs-always files did not run."
            )

    def print_script(self, script: str) -> None:
        """On every platform the same bytes."""
        if reconfigure := getattr(self.stdout, "reconfigure", None):
            reconfigure(encoding="utf-8", newline="\n")
        self.stdout.write(script)

    def _preview(self, planned: Planned) -> None:
        label = planned.step.subject.label
        if planned.section is None:
            verb = "retire" if planned.step.retires else "only record"
            if planned.step.renames and planned.step.applied:
                verb, label = "rename", f"{planned.step.applied.label} to {label}"
            self.say(f"Would {verb} {label}")
            return
        self.say(f"Would run {label}")
        for statement in planned.section.statements:
            self.say(f"{planned.section.as_written(statement)}\n;")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds >= 0:
        raise ValueError
    return seconds


def local(instant: datetime) -> str:
    """An instant in the project's time zone."""
    return display.local(instant).strftime("%Y-%m-%d %H:%M:%S %Z")
