from typing import Any

from ...results import Entry
from ..base import JetbaseCommand, local, subject_document


class Command(JetbaseCommand):
    help = "Shows what is applied, what is pending, and what is wrong."
    offers_json = True

    def run(self, **options: Any) -> None:
        status = self.migrator(**options).status()
        if self.json:
            self.print_json(
                {
                    "current": str(status.current) if status.current else None,
                    "migrations": [_document(entry) for entry in status.entries],
                    "problems": [problem._asdict() for problem in status.problems],
                }
            )
            return
        if not status.entries:
            self.stdout.write("There are no migrations.")
        for entry in status.entries:
            when = local(entry.applied.applied_at) if entry.applied else ""
            self.stdout.write(f"{entry.state:<11}{entry.subject.path:<60} {when}".rstrip())
        for problem in status.problems:
            self.stderr.write(str(problem))


def _document(entry: Entry) -> dict[str, Any]:
    applied = entry.applied
    return subject_document(entry.subject) | {
        "state": entry.state,
        "applied_at": applied.applied_at.isoformat() if applied else None,
    }
