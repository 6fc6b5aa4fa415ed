from typing import Any

from ...migration import MigrationState, Origin
from ...plan.state import Entry
from ..base import JetbaseCommand, local
from ..documents import status_document


class Command(JetbaseCommand):
    help = "Shows what is applied, what is pending, and what is wrong."
    offers_json = True

    def run(self, **options: Any) -> None:
        status = self.migrator(**options).status()
        if self.json:
            self.print_json(status_document(status))
            return
        if self.verbosity >= 2:
            self.write(f"History: {status.history}")
        if not status.entries:
            self.write("There are no migrations.")
        for entry in status.entries:
            self.write(_line(entry, only_recorded=entry.subject.path in status.only_recorded))
            # A versioned one that is applied has failed to be rolled back.
            counts = entry.state != MigrationState.APPLIED or entry.subject.version
            if entry.failure and counts:
                at = local(entry.failure.at)
                self.write(f"{'':<11}failed {at}: {entry.failure.summary}")
        for problem in status.problems:
            self.complain(str(problem))


def _line(entry: Entry, *, only_recorded: bool) -> str:
    row = entry.applied
    when = local(row.applied_at) if row else ""
    if row is None and only_recorded:
        when = "(would only record)"
    how = f"  ({row.origin})" if row and row.origin != Origin.RUN else ""
    return f"{entry.state:<11}{entry.subject.label:<60} {when}{how}".rstrip()
