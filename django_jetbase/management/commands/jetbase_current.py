from typing import Any

from ..base import JetbaseCommand


class Command(JetbaseCommand):
    help = "Shows the highest applied version."
    offers_json = True

    def run(self, **options: Any) -> None:
        current = self.migrator(**options).current()
        if self.json:
            self.print_json({"current": str(current) if current else None})
        else:
            self.write(str(current) if current else "No version is applied.")
