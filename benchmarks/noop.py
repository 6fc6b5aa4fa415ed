"""A no-op `jetbase_upgrade` over many applied files, against a bare command that runs one query.

    python benchmarks/noop.py [--files 10000] [--runs 7] [--vendor postgresql] [--url …]

Whole processes take turns, Python's and Django's start included; what counts is the ratio of each
pair.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from urllib.parse import urlsplit

NAME = "jetbase_benchmark"
URLS = {
    "sqlite": "",
    "postgresql": "postgresql://postgres@127.0.0.1:5432",
    "mysql": "mysql://root@127.0.0.1:3306",
}
FILE = textwrap.dedent("""\
    -- Add what the feature needs.
    CREATE TABLE t{n} (id bigint PRIMARY KEY, name varchar(100) NOT NULL);
    CREATE INDEX t{n}_name ON t{n} (name);

    -- rollback

    DROP TABLE t{n};
    """)
BARE = textwrap.dedent("""\
    from django.core.management.base import BaseCommand
    from django.db import connection


    class Command(BaseCommand):
        requires_system_checks = []

        def handle(self, *args, **options):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                self.stdout.write(str(cursor.fetchone()))
    """)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--vendor", choices=URLS, default="postgresql")
    parser.add_argument("--url", help="of the server")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        env = make_project(folder, arguments)
        measure(env, arguments)
        if arguments.vendor != "sqlite":
            administer(database(folder, arguments), f"DROP DATABASE {NAME}")
    finally:
        shutil.rmtree(folder)


def make_project(folder: Path, arguments: argparse.Namespace) -> dict[str, str]:
    """Write a project with applied files and return the environment in which it runs."""
    migrations = folder / "jetbase" / "migrations"
    migrations.mkdir(parents=True)
    for number in range(1, arguments.files + 1):
        (migrations / f"V{number}__create_t{number}.sql").write_text(FILE.format(n=number))
    commands = folder / "bare" / "management" / "commands"
    commands.mkdir(parents=True)
    for package in (commands, commands.parent, commands.parent.parent):
        (package / "__init__.py").touch()
    (commands / "bare.py").write_text(BARE)
    (folder / "benchmark_settings.py").write_text(
        textwrap.dedent(f"""\
            BASE_DIR = {str(folder)!r}
            SECRET_KEY = "x"
            INSTALLED_APPS = ["django_jetbase", "bare"]
            DATABASES = {{"default": {database(folder, arguments)!r}}}
            """)
    )
    root = str(Path(__file__).parents[1])
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(folder), root]),
        "DJANGO_SETTINGS_MODULE": "benchmark_settings",
    }
    if arguments.vendor != "sqlite":
        drop, create = f"DROP DATABASE IF EXISTS {NAME}", f"CREATE DATABASE {NAME}"
        administer(database(folder, arguments), drop, create)
    manage("jetbase_baseline", env, str(arguments.files))
    return env


def database(folder: Path, arguments: argparse.Namespace) -> dict[str, str]:
    if arguments.vendor == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3")}
    url = urlsplit(arguments.url or URLS[arguments.vendor])
    return {
        "ENGINE": f"django.db.backends.{arguments.vendor}",
        "NAME": NAME,
        "USER": url.username or "",
        "PASSWORD": url.password or "",
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
    }


def administer(config: dict[str, str], *statements: str) -> None:
    """Run statements on the server, through Django as the commands do."""
    server = {"postgresql": "postgres", "mysql": "mysql"}[config["ENGINE"].rpartition(".")[2]]
    program = textwrap.dedent(f"""\
        import django
        from django.conf import settings
        settings.configure(DATABASES={{"default": {config | {"NAME": server}!r}}})
        django.setup()
        from django.db import connection
        with connection.cursor() as cursor:
            for statement in {statements!r}:
                cursor.execute(statement)
        """)
    subprocess.run([sys.executable, "-c", program], check=True)


def manage(command: str, env: dict[str, str], *options: str) -> float:
    """Run a management command; the seconds it took."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "django", command, *options],
        env=env,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


def measure(env: dict[str, str], arguments: argparse.Namespace) -> None:
    for command in ("bare", "jetbase_upgrade"):
        manage(command, env)
    pairs = [
        (manage("jetbase_upgrade", env), manage("bare", env)) for _run in range(arguments.runs)
    ]
    ours, bare = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(own / other for own, other in pairs)
    print(f"{arguments.files} applied files on {arguments.vendor}, {arguments.runs} runs")
    print(f"jetbase_upgrade {ours:.3f} s, bare command {bare:.3f} s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
