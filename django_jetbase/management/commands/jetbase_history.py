from typing import Any

from ..base import JetbaseCommand, local


class Command(JetbaseCommand):
    help = "Shows what ran, when, how long and by whom, oldest first."
    offers_json = True

    def run(self, **options: Any) -> None:
        events = self.migrator(**options).events()
        if self.json:
            self.print_json([event._asdict() | {"at": event.at.isoformat()} for event in events])
            return
        if not events:
            self.stdout.write("Nothing ran yet.")
        for event in events:
            who = f"{event.database_user}@{event.host}"
            took = f"{event.duration_ms / 1000:.2f} s"
            self.stdout.write(f"{local(event.at)}  {event.event:<12} {event.path}  {took}  {who}")
            if event.detail:
                self.stdout.write("    " + event.detail.replace("\n", "\n    "))
