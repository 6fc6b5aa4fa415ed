from datetime import UTC, datetime
from typing import Any

from ..base import JetbaseCommand
from ..documents import lock_document


class Command(JetbaseCommand):
    help = "Shows who holds the lock, since when, and whether that run is alive."
    offers_json = True

    def run(self, **options: Any) -> None:
        status = self.database(**options).lock_status()
        if self.json:
            self.print_json(lock_document(status))
        elif status.holder is None:
            self.say("The lock is free.")
        else:
            age = (datetime.now(UTC) - status.holder.since).total_seconds()
            self.say(f"Held by {status.holder} ({age:.0f} s ago), session {status.holder.session}.")
            self.say(
                "It is alive." if status.alive else "It is gone: the next run takes the lock over."
            )
