"""Everything that the admin can show, with one command."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections

from django_jetbase.conf import aliases

# Applied, and then changed, taken away, or failing half-way.
GIFT_CARDS = """\
CREATE TABLE gift_card (
    code VARCHAR(20) PRIMARY KEY,
    cents INTEGER NOT NULL
);

-- rollback

DROP TABLE gift_card;
"""
NEWSLETTER = """\
CREATE TABLE newsletter (
    email VARCHAR(254) PRIMARY KEY,
    password VARCHAR(100)
);
INSERT INTO newsletter (email, password) VALUES ('ada@example.com', 'never shown');

-- rollback

DROP TABLE newsletter;
"""
NEWSLETTER_NOW = NEWSLETTER.replace(
    "password VARCHAR(100)", "password VARCHAR(200),\n    since DATE"
)
REVIEWS = """\
-- jetbase: transaction=off
CREATE TABLE review (id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL, stars INTEGER);
CREATE INDEX review_product ON review (products);
"""
# Not applied.
LATE = "CREATE TABLE coupon (code VARCHAR(20) PRIMARY KEY);\n"
VOUCHERS = (
    "create table voucher (code varchar(20) primary key);\n\n-- rollback\n\ndrop table voucher;\n"
)


class Command(BaseCommand):
    help = "Brings migrations of every database into every state, and serves the admin."
    requires_system_checks = []  # they would want the databases to be there

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("address", nargs="?", default="127.0.0.1:8000")

    def handle(self, *args: Any, **options: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for alias in aliases():
                create(alias)
                migrations = Path(folder) / alias
                for directory in settings.JETBASE["DATABASES"][alias]["MIGRATIONS_DIR"]:
                    shutil.copytree(directory, migrations, dirs_exist_ok=True)
                given = {"MIGRATIONS_DIR": migrations, "OUT_OF_ORDER": "warn"}
                settings.JETBASE["DATABASES"][alias] = given
                prepare(alias, migrations)
            call_command("migrate", verbosity=0)
            User.objects.create_superuser("admin", password="admin")
            self.stdout.write("User admin, password admin, below /admin/.")
            call_command("runserver", options["address"], use_reloader=False)


def create(alias: str) -> None:
    """Create the database, which must not be there yet."""
    connection = connections[alias]
    name = str(connection.settings_dict["NAME"])
    is_file = connection.vendor == "sqlite"
    exists = Path(name).exists() if is_file else not _is_missing(alias)
    if exists:
        raise CommandError(f"The demonstration needs new databases, and {name} is there already.")
    if not is_file:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {connection.ops.quote_name(name)}")


def _is_missing(alias: str) -> bool:
    try:
        connections[alias].ensure_connection()
    except OperationalError:
        return True
    connections[alias].close()
    return False


def prepare(alias: str, folder: Path) -> None:
    """Bring some migration into each state."""

    def write(**texts: str) -> None:
        for name, text in texts.items():
            (folder / f"{name}.sql").write_text(text)

    def upgrade() -> None:
        call_command("jetbase_upgrade", database=alias, verbosity=0)

    write(V4__gift_cards=GIFT_CARDS, V5__newsletter=NEWSLETTER)
    upgrade()
    call_command("jetbase_rollback", database=alias, verbosity=0)
    upgrade()
    write(V6__reviews=REVIEWS)
    with suppress(CommandError):  # the index is on a column that is not there
        upgrade()
    (folder / "V4__gift_cards.sql").unlink()
    write(V3_1__coupons=LATE, V5__newsletter=NEWSLETTER_NOW, V7__vouchers=VOUCHERS)
