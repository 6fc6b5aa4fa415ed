from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ...exceptions import ProblemsError
from ...migration import Kind
from ...plan.inspection import Skip
from ...plan.plan import ALL
from ..base import FINDING, PENDING, USAGE, JetbaseCommand
from ..documents import migration_document, problem_documents


class Command(JetbaseCommand):
    help = "Applies the SQL migrations that are pending."
    waits = True
    offers_json = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        target = parser.add_mutually_exclusive_group()
        target.add_argument(
            "-c", "--count", type=int, metavar="N", help="apply at most the next N versioned files"
        )
        target.add_argument(
            "-t", "--to-version", metavar="VERSION", help="apply versioned files up to this version"
        )
        target.add_argument(
            "--repeat",
            action="append",
            metavar="FILE",
            help="run this ROC or RA file once more, by its path or name, or all of them:"
            f" {ALL}; may be repeated",
        )
        self.add_previews(parser).add_argument(
            "--check",
            action="store_true",
            help=f"run nothing; exit with {PENDING} if a versioned or changed ROC file is pending,"
            f" with {FINDING} if something is wrong",
        )
        parser.add_argument(
            "--fake", action="store_true", help="record what is pending as applied, and run nothing"
        )
        parser.add_argument(
            "--resume",
            action="store_true",
            help="go on with a file that stopped half-way, behind its last statement that ran"
            " (PostgreSQL)",
        )
        parser.add_argument("--skip-validation", action="store_true", help="both of the next two")
        parser.add_argument(
            "--skip-checksum-validation",
            action="store_true",
            help="accept applied files whose upgrade section has changed",
        )
        parser.add_argument(
            "--skip-file-validation",
            action="store_true",
            help="accept applied files that are missing, and ignore new ones below the highest"
            " applied version",
        )

    def run(self, **options: Any) -> None:
        files = options["skip_validation"] or options["skip_file_validation"]
        skip = Skip(
            checksums=options["skip_validation"] or options["skip_checksum_validation"],
            files=files,
            another_history=files,
        )
        if options["check"]:
            if options["repeat"]:
                said = (
                    "--check says what is pending, and --repeat what is to run: give one of both."
                )
                raise CommandError(said, returncode=USAGE)
            self.check_pending(skip, **options)
            return
        if options["resume"] and (options["fake"] or options["sql"]):
            raise CommandError("--resume runs it: without --fake and --sql.", returncode=USAGE)
        migrator = self.migrator(**options)
        result = migrator.upgrade(
            options["count"],
            options["to_version"],
            dry_run=options["dry_run"] or options["sql"],
            fake=options["fake"],
            resume=options["resume"],
            repeat=options["repeat"] or (),
            skip=skip,
        )
        self.show(result, migrator, **options)

    def check_pending(self, skip: Skip, **options: Any) -> None:
        """Runs-always files are always due, so they count as nothing."""
        try:
            result = self.migrator(**options).upgrade(
                options["count"], options["to_version"], dry_run=True, skip=skip
            )
        except ProblemsError as error:
            raise self.failure(error, str(error), FINDING) from error
        steps = (planned.step for planned in result.planned)
        due = [step.subject for step in steps if not step.retires and not step.renames]
        pending = [*(m for m in due if m.kind is not Kind.RUNS_ALWAYS), *result.left]
        if self.json:
            self.print_json(
                {
                    "pending": [migration_document(migration) for migration in pending],
                    "problems": problem_documents(result.warnings),
                }
            )
        self.warn(result.warnings)
        if pending:
            paths = "\n".join(f"  {migration.path}" for migration in pending)
            raise CommandError(f"Pending:\n{paths}", returncode=PENDING)
        self.say("Nothing is pending.")
