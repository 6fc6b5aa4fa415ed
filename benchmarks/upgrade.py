"""Apply many small files on PostgreSQL, against `psql -f` of the same statements.

    python benchmarks/upgrade.py [--files 1000] [--runs 3] [--url postgresql://postgres@127.0.0.1]

The two take turns, each on a fresh database; what counts is the ratio of each pair. psql gets all
the files in one call, once as it comes (each statement commits) and once with a transaction a file,
which is what the migrations have. Whole processes are measured, Python's start included.
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


def tables(number: int) -> str:
    """DDL: the server's own work outweighs everything else."""
    return textwrap.dedent(f"""\
        CREATE TABLE t{number} (id bigint PRIMARY KEY, name text NOT NULL);
        CREATE INDEX t{number}_name ON t{number} (name);
        INSERT INTO t{number} VALUES (1, 'one'), (2, 'two');
        """)


def rows(number: int) -> str:
    """DML and comments: the round trips count."""
    table = "CREATE TABLE t (id bigint, name text);\n" if number == 1 else ""
    inserts = (f"INSERT INTO t VALUES ({number}, 'row {n}');\n" for n in range(10))
    return table + "".join(inserts)


SHAPES = {"tables": tables, "rows": rows}


def seconds(command: list[str], env: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--shape", choices=SHAPES, help="default: each")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--url", default="postgresql://postgres@127.0.0.1:5432")
    arguments = parser.parse_args()
    url = urlsplit(arguments.url)
    for shape in [arguments.shape] if arguments.shape else SHAPES:
        folder = Path(tempfile.mkdtemp())
        server = (url.hostname or "", str(url.port or 5432), url.username or "")
        try:
            measure(arguments, shape, *server, folder)
        finally:
            shutil.rmtree(folder)


def measure(
    arguments: argparse.Namespace, shape: str, host: str, port: str, user: str, folder: Path
) -> None:
    migrations = folder / "jetbase" / "migrations"
    migrations.mkdir(parents=True)
    for number in range(1, arguments.files + 1):
        (migrations / f"V{number}__t{number}.sql").write_text(SHAPES[shape](number))
    files = [str(migrations / f"V{n}__t{n}.sql") for n in range(1, arguments.files + 1)]
    wrapped = folder / "wrapped.sql"
    wrapped.write_text("".join(f"BEGIN;\n\\i {file}\nCOMMIT;\n" for file in files))
    (folder / "benchmark_settings.py").write_text(
        textwrap.dedent(f"""\
            BASE_DIR = {str(folder)!r}
            SECRET_KEY = "x"
            INSTALLED_APPS = ["django_jetbase"]
            DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql",
                "NAME": {NAME!r}, "USER": {user!r}, "HOST": {host!r}, "PORT": {port!r}}}}}
            """)
    )
    root = str(Path(__file__).parents[1])
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(folder), root]),
        "DJANGO_SETTINGS_MODULE": "benchmark_settings",
        "PGHOST": host,
        "PGPORT": port,
        "PGUSER": user,
    }
    psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    contenders = {
        "jetbase_upgrade": [sys.executable, "-m", "django", "jetbase_upgrade", "-v0"],
        "psql -f": [*psql, "-d", NAME, *(word for file in files for word in ("-f", file))],
        "psql -f, a transaction a file": [*psql, "-d", NAME, "-f", str(wrapped)],
    }
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _run in range(arguments.runs):
        for name, command in contenders.items():
            for sql in (f"DROP DATABASE IF EXISTS {NAME}", f"CREATE DATABASE {NAME}"):
                subprocess.run([*psql, "-d", "postgres", "-c", sql], env=env, check=True)
            taken[name].append(seconds(command, env))
    ours = taken["jetbase_upgrade"]
    print(f"{arguments.files} files of {shape}, {arguments.runs} runs")
    for name, times in taken.items():
        ratio = statistics.median(own / other for own, other in zip(ours, times, strict=True))
        print(f"{name:<32}{statistics.median(times):7.2f} s   ours / this {ratio:5.2f}")
    subprocess.run([*psql, "-d", "postgres", "-c", f"DROP DATABASE {NAME}"], env=env, check=True)


if __name__ == "__main__":
    main()
