from typing import Any

from ...conf import Settings
from ...files.new import create_directory
from ..base import JetbaseCommand


class Command(JetbaseCommand):
    help = "Creates the migrations directory."

    def run(self, **options: Any) -> None:
        for directory in Settings.of(options["database"]).migrations_dir:
            created = create_directory(directory)
            self.say(f"{'Created' if created else 'Exists already:'} {directory}")
