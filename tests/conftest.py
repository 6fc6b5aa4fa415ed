from __future__ import annotations

import compileall
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import django
import hypothesis
import pytest
from django.core.management import call_command
from django.db import connections

import django_jetbase
from django_jetbase.history.heartbeat import Timing

from . import browsers, clients, engines

ENGINES: dict[str, engines.Engine] = {}
CLIENTS: dict[str, str] = {}
VERSIONS: dict[str, str] = {}
# The folders of tests that wait, or use a product of many processes.
LONG = frozenset({"docs", "faults", "projects"})
# For whoever waits for a holder that is known to be gone.
SOON = Timing(stale=0.5)

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engines(*vendors): run on these engines only")
    if not hasattr(config, "workerinput"):
        compile_package()
    try:
        ENGINES.update(engines.available())
        CLIENTS.update(clients.available())
        browsers.program()
    except RuntimeError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of few and long tests first, so that none is left alone at the end of a run."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)


def compile_package() -> None:
    """Have the bytecode of the package on disk, once for the hundreds of processes of a run.

    With PYTHONDONTWRITEBYTECODE each of them would compile all of it, which takes as long as the
    rest of a command.
    """
    compileall.compile_dir(Path(django_jetbase.__file__).parent, quiet=2)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["versions"] = VERSIONS


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """What a process of pytest-xdist has used."""
    VERSIONS.update(getattr(node, "workeroutput", {}).get("versions", {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    used = ", ".join(f"{name} {version}" for name, version in VERSIONS.items())
    python = ".".join(map(str, sys.version_info[:3]))
    terminalreporter.write_line(f"Engines: {used} (Django {django.__version__}, Python {python})")
    ran = [clients.PROGRAMS[name] for name in VERSIONS if name in CLIENTS]
    if clients.POOLER in CLIENTS and "postgresql" in VERSIONS:
        ran.append(clients.POOLER)
    terminalreporter.write_line(f"Clients: {', '.join(ran) or 'none'}")
    browser = browsers.program()
    terminalreporter.write_line(f"Browser: {browsers.version(browser) if browser else 'none'}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("engines")
        names = [name for name in ENGINES if not only or name in only.args]
        metafunc.parametrize("engine", names, indirect=True)


@pytest.fixture(scope="session", autouse=True)
def _unblocked(django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        VERSIONS.update((name, engine.version) for name, engine in ENGINES.items())
        yield
        for engine in ENGINES.values():
            engine.close()


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> engines.Engine:
    return ENGINES[request.param]


class Project:
    """A database of its own and a directory of migrations, used as a project would."""

    def __init__(self, alias: str, folder: Path, engine: engines.Engine, settings: Any) -> None:
        self.alias = alias
        self.folder = folder
        self.engine = engine
        self.vendor = engine.vendor
        self.settings = settings
        self.out, self.err = io.StringIO(), io.StringIO()
        self.processes: list[subprocess.Popen[str]] = []
        self.timing = Timing()

    def configure(self, **values: Any) -> None:
        own = {"MIGRATIONS_DIR": self.folder} | values
        default = self.folder.parent / "of the default alias"
        default.mkdir(exist_ok=True)
        self.settings.JETBASE = {"MIGRATIONS_DIR": default, "DATABASES": {self.alias: own}}

    def write(self, **files: str | bytes) -> None:
        """Files by name without `.sql`."""
        for name, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            (self.folder / f"{name}.sql").write_bytes(data)

    def call(self, command: str, *args: str, **options: Any) -> str:
        """What the command prints to stdout; `timing` is how long it waits for what is gone."""
        self.out, self.err = io.StringIO(), io.StringIO()
        streams = {"stdout": self.out, "stderr": self.err}
        module: Any = import_module(f"django_jetbase.management.commands.jetbase_{command}")
        made = module.Command(timing=self.timing)
        call_command(made, *args, database=self.alias, **streams, **options)
        return self.out.getvalue()

    def run_script(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run a script through the engine's stock client."""
        if self.vendor not in CLIENTS:
            pytest.skip(f"{clients.PROGRAMS[self.vendor]} is not installed")
        script = self.folder.parent / "script.sql"
        script.write_text(text, encoding="utf-8", newline="")
        settings = self.connection.settings_dict
        return clients.run(CLIENTS[self.vendor], self.vendor, settings, script)

    @property
    def said(self) -> str:
        return self.err.getvalue()

    @property
    def connection(self) -> Any:
        return connections[self.alias]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def tables(self) -> set[str]:
        """The tables, apart from our own."""
        names = self.connection.introspection.table_names()
        return {name for name in names if not name.startswith("django_jetbase_")}

    def applied(self) -> list[str]:
        """The paths that are applied, in order."""
        sql = "SELECT path, incomplete FROM django_jetbase_migration ORDER BY id"
        return [path for path, incomplete in self.query(sql) if not incomplete]

    def events(self) -> list[dict[str, Any]]:
        """The event log."""
        events: list[dict[str, Any]] = json.loads(self.call("history", json=True))
        return events

    def another(self, alias: str = "another", **changes: Any) -> Project:
        """A second connection to the same database, as another process would have it."""
        engines.use(alias, self.connection.settings_dict | changes)
        twin = Project(alias, self.folder, self.engine, self.settings)
        databases = dict(self.settings.JETBASE["DATABASES"])
        databases[alias] = databases[self.alias]
        self.settings.JETBASE = self.settings.JETBASE | {"DATABASES": databases}
        return twin


def end(process: subprocess.Popen[str]) -> None:
    """Kill a process whose end nobody has waited for."""
    if process.stdout and not process.stdout.closed:
        process.kill()
        process.communicate()


@pytest.fixture
def project(
    engine: engines.Engine, tmp_path: Path, settings: Any, request: pytest.FixtureRequest
) -> Iterator[Project]:
    folder = tmp_path / "migrations"
    folder.mkdir()
    before = set(settings.DATABASES)
    with engine.fresh(tmp_path) as alias:
        made = Project(alias, folder, engine, settings)
        made.configure()
        yield made
        for process in made.processes:
            end(process)
        for name in set(settings.DATABASES) - before - {alias}:
            engines.forget(name)
