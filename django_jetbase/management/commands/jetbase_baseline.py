from argparse import ArgumentParser
from typing import Any

from ..base import JetbaseCommand


class Command(JetbaseCommand):
    help = "Records that an existing database is at a version, without running anything."
    several = False
    waits = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "baseline_version", metavar="VERSION", help="versioned files up to it count as applied"
        )

    def run(self, **options: Any) -> None:
        version = options["baseline_version"]
        recorded = self.repair(**options).baseline(version)
        for migration in recorded:
            self.say(f"Recorded {migration.path or f'version {version}'} as baseline")
        if not recorded:
            self.say(f"The history says already that {version} is applied.")
