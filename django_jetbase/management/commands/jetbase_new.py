import re
import sys
from argparse import ArgumentParser
from collections.abc import Collection, Iterable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import connections

from ...conf import Settings
from ...files.disk import exists, read_files
from ...files.names import versions
from ...files.new import TEMPLATE, create_migration
from ...interop.django_migrations import DjangoSQL, all_sql_of
from ...migration import Kind
from ..base import USAGE, JetbaseCommand

_STANDS_FOR = re.compile(r"^--[ \t]*jetbase:.*?\bdjango=(\S+)", re.IGNORECASE | re.MULTILINE)
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
            help="write the SQL of this Django migration, which is then recorded with Django too;"
            " of several in their order, a file each, with 0002..0041",
        )
        parser.add_argument(
            "--only-sql",
            action="store_true",
            help="of a migration that stays with Django: write what it has as RunSQL alone",
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
        description = options["description"]
        if options["from_django"]:
            found = self.sql_of(**options)
            texts = [(description or f"{sql.app_label} {sql.name}", sql.text) for sql in found]
        elif options["only_sql"]:
            raise CommandError("--only-sql is for --from-django.", returncode=USAGE)
        elif description is None:
            raise CommandError("Describe in a few words what it does.", returncode=USAGE)
        else:
            texts = [(description, TEMPLATE)]
        roots = Settings.of(options["database"]).migrations_dir
        for words, text in texts:
            path = create_migration(
                roots[0],
                KINDS[options["kind"]],
                words,
                options["migration_version"],
                versions(roots),
                text,
            )
            self.stdout.write(str(path))
        if self.by_verbosity and not options["migration_version"]:
            self.complain(f"-v is the verbosity; {_INSTEAD}")

    def sql_of(self, **options: Any) -> list[DjangoSQL]:
        """That of one migration, or of several; nothing is written where one cannot be."""
        if options["kind"] != "versioned":
            raise CommandError("A Django migration runs once: it is versioned.", returncode=USAGE)
        alias, (app_label, names) = options["database"], options["from_django"]
        if ".." in names and (options["migration_version"] or options["description"]):
            said = "Several files cannot have one version or description: leave it out."
            raise CommandError(said, returncode=USAGE)
        settings = Settings.of(alias)
        found = all_sql_of(
            connections[alias],
            app_label,
            names,
            settings.placeholders,
            partial(_is_moved, _moved(settings.migrations_dir)),
            only_sql=options["only_sql"],
        )
        for sql in found:
            if sql.unsure:
                self.complain(
                    f"CHECK THE {sql.unsure.upper()} SECTION of the file of {sql.label}; it says"
                    " why."
                )
        return found


def _moved(roots: Iterable[Path]) -> set[str]:
    """The migrations that files stand for, as they name them."""
    texts = (file.data.decode(errors="replace") for file in read_files(filter(exists, roots)))
    return {name for text in texts for name in _STANDS_FOR.findall(text)}


def _is_moved(moved: Collection[str], label: str) -> bool:
    return any(label == name or label.startswith(f"{name}_") for name in moved)
