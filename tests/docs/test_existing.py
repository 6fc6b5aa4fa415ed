"""The dumps of docs/existing.md make, on a new database, what Django's migrations do not."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import CLIENTS, Project
from .conftest import DOCS

ORDER = ["postgresql", "mysql", "sqlite"]
OWN = {
    "postgresql": "CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS n FROM customer;"
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;"
    "CREATE TRIGGER t BEFORE INSERT ON customer FOR EACH ROW EXECUTE FUNCTION f()",
    "mysql": "CREATE TRIGGER t BEFORE INSERT ON customer FOR EACH ROW SET @x = 1",
    "sqlite": "CREATE TRIGGER t AFTER INSERT ON customer BEGIN SELECT 1; END",
}


def test_a_dump_without_djangos_tables(project: Project, site: Path) -> None:
    if project.vendor not in CLIENTS:
        pytest.skip("the client of the database is not installed")
    dump = "mariadb-dump" if project.vendor == "mysql" else "pg_dump"
    if project.vendor != "sqlite" and not shutil.which(dump):
        pytest.skip(f"{dump} is not installed")
    given = project.connection.settings_dict
    name = str(given["NAME"])
    fresh = str(site / "fresh.sqlite3") if project.vendor == "sqlite" else f"{name}_fresh"
    text = (DOCS / "existing.md").read_text(encoding="utf-8")
    section = text.split("### A dump without Django's tables")[1].split("\n## ")[0]
    command = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[ORDER.index(project.vendor)]
    access = f"mariadb-dump -h{given['HOST']} -u{given['USER']} -P{given['PORT'] or 3306}"
    command = command.replace("mariadb-dump", access)
    clients = [str(Path(program).parent) for program in CLIENTS.values()]
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], *clients]),
        "PYTHONPATH": str(DOCS.parent),
        "DATABASE": name,
        "PGHOST": str(given["HOST"]),
        "PGPORT": str(given["PORT"] or 5432),
        "PGUSER": str(given["USER"]),
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)

    if dump == "pg_dump" and project.vendor == "postgresql":
        said = subprocess.run([dump, "--version"], capture_output=True, text=True).stdout
        client, server = re.search(r"\d+", said), project.connection.pg_version // 10_000
        if client and int(client[0]) < server:
            pytest.skip(f"{dump} is older than the server")

    def run(line: str) -> None:
        done = subprocess.run(
            ["bash", "-c", line], cwd=site, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    (site / "fresh.py").write_text(
        f"from settings import *\nDATABASES['default']['NAME'] = {fresh!r}\n"
    )
    run("python manage.py migrate -v 0")
    project.query(
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, session VARCHAR(40)"
        " REFERENCES django_session (session_key))"
    )
    project.query("CREATE VIEW names AS SELECT session FROM customer")
    for statement in OWN[project.vendor].split(";CREATE"):
        project.query(statement if statement.startswith("CREATE") else f"CREATE{statement}")
    (site / "jetbase" / "migrations").mkdir(parents=True, exist_ok=True)
    run(command)
    if project.vendor != "sqlite":
        project.query(f"CREATE DATABASE {fresh}")
    try:
        run("python manage.py migrate -v 0 --settings fresh")
        run("python manage.py jetbase_upgrade --settings fresh")
        run("python manage.py jetbase_baseline 1")
        twin = project.another("fresh", NAME=fresh)
        assert twin.query("SELECT session FROM names") == []
        twin.query("INSERT INTO customer (id) VALUES (1)")
        twin.connection.close()
    finally:
        if project.vendor != "sqlite":
            project.query(f"DROP DATABASE {fresh}")
