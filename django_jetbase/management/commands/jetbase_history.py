from typing import Any

from ...history.history import Past
from ...migration import Origin
from ..base import JetbaseCommand, local
from ..documents import event_document


class Command(JetbaseCommand):
    help = "Shows what ran, when, how long and by whom, oldest first."
    offers_json = True

    def run(self, **options: Any) -> None:
        events = self.migrator(**options).events()
        if self.json:
            self.print_json([event_document(event) for event in events])
            return
        if not events:
            self.write("Nothing ran yet.")
        for event in events:
            self.write(_lines(event))


def _lines(event: Past) -> str:
    who = f"{event.database_user}@{event.host}".strip("@")
    took = f"{event.duration_ms / 1000:.2f} s"
    if event.origin != Origin.RUN:
        took = f"not run ({event.origin})"
    line = f"{local(event.at)}  {event.event:<14} {event.label}  {took}  {who}"
    return "\n    ".join([line, *event.detail.splitlines()])
