from typing import Any

from ..base import JetbaseCommand


class Command(JetbaseCommand):
    help = "Shows the highest applied version."

    def run(self, **options: Any) -> None:
        current = self.migrator(**options).current()
        self.stdout.write(str(current) if current else "No version is applied.")
