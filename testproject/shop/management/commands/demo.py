"""Everything that the admin can show, with one command."""

import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections

from django_jetbase.conf import aliases
from django_jetbase.models import AppliedMigration, Event

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
    help = "Serves the admin of new databases whose migrations are in every state there is."
    requires_system_checks = []  # they would want the databases to be there

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("address", nargs="?", default="127.0.0.1:8000")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        address = options["address"]
        address = f"127.0.0.1:{address}" if address.isdigit() else address
        refuse_busy(address)
        with TemporaryDirectory() as folder, ExitStack() as created:
            for alias in aliases():
                created.enter_context(new_database(alias, Path(folder)))
                prepare(alias, Path(folder) / alias)
            User.objects.create_superuser("admin", password="admin")
            self.stdout.write(f"See http://{address}/admin/ as user admin with password admin.")
            self.stdout.flush()
            call_command("runserver", address, use_reloader=False)


def refuse_busy(address: str) -> None:
    """Fail before anything is created."""
    host, _, port = address.partition(":")
    try:
        if not host:
            raise ValueError("it has no host")
        socket.create_server((host, int(port or 8000))).close()
    except (OSError, OverflowError, ValueError) as error:
        raise CommandError(f"Give another address, as 127.0.0.1:8001: {error}") from error


def refuse_existing(alias: str, name: str) -> None:
    """Fail where there is a database that is not ours to drop."""
    connection = connections[alias]
    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = name
    with suppress(OperationalError):
        connection.ensure_connection()
        raise CommandError(f"There is a database {name} already: drop it, or name another.")
    connection.settings_dict["NAME"] = before


@contextmanager
def new_database(alias: str, folder: Path) -> Iterator[None]:
    """A database beside that of the alias, as a test run has it, with Django's tables."""
    connection = connections[alias]
    given = connection.settings_dict
    name = given["NAME"]
    is_file = connection.vendor == "sqlite"
    new = str(folder / f"{alias}.sqlite3") if is_file else f"{name}_demo"
    given["TEST"]["NAME"] = new
    if not is_file:
        refuse_existing(alias, new)
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        yield
    finally:
        if given["NAME"] == new:  # else none was created, and this would drop the alias's own
            connection.creation.destroy_test_db(name, verbosity=0)


def prepare(alias: str, folder: Path) -> None:
    """Bring some migration into each state, of files in a folder of their own."""
    for directory in settings.JETBASE["DATABASES"][alias]["MIGRATIONS_DIR"]:
        shutil.copytree(directory, folder, dirs_exist_ok=True)
    given = {"MIGRATIONS_DIR": folder, "OUT_OF_ORDER": "warn"}
    settings.JETBASE["DATABASES"][alias] = given

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
    for model in (AppliedMigration, Event):
        model.objects.using(alias).update(database_user="shop", host="web-1")
