"""What the scenarios share: processes that do not outlive a test, and databases side by side."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.db import connections

from .. import engines
from ..conftest import ENGINES, Project, end
from ..run.test_concurrency import spawn

LONG = os.environ.get("JETBASE_TEST_FAULTS") == "long"
SERVERS = ["postgresql", "mysql"]
Fresh = Callable[[engines.Engine, str], Project]


class Outcome(NamedTuple):
    out: str
    err: str
    status: int

    @property
    def is_clear(self) -> bool:
        """Whether it is a success, or a failure with one message."""
        if "Traceback" in self.err or "Error in sys.excepthook" in self.err:
            return False
        return self.err.count("CommandError: ") == (1 if self.status else 0)


class Runs:
    """The processes of a test."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def start(self, project: Project, *args: str) -> "subprocess.Popen[str]":
        """A process with a settings module of its own, by default an upgrade."""
        folder = tempfile.mkdtemp(dir=project.folder.parent)
        return self.add(spawn(project, Path(folder), *(args or ["jetbase_upgrade"])))

    def add(self, process: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
        self._started.append(process)
        return process

    def run(self, project: Project, *args: str) -> Outcome:
        return ended(self.start(project, *args))

    def kill_all(self) -> None:
        for process in self._started:
            end(process)


def ended(process: "subprocess.Popen[str]") -> Outcome:
    out, err = process.communicate(timeout=600)
    return Outcome(out, err, process.returncode)


def killed(process: "subprocess.Popen[str]") -> Outcome:
    process.send_signal(signal.SIGKILL)
    return ended(process)


def said(process: "subprocess.Popen[str]", text: str) -> None:
    """Wait until it has printed a line that begins so, and nothing else before."""
    assert process.stdout
    line = process.stdout.readline()
    if not line.startswith(text):
        pytest.fail(f"{line!r} {ended(process)}")


def noticed(process: "subprocess.Popen[str]", text: str) -> None:
    """Wait until it has printed a line to stderr that begins so."""
    assert process.stderr
    line = process.stderr.readline()
    if not line.strip().startswith(text):
        pytest.fail(f"{line!r} {ended(process)}")


def stop(process: "subprocess.Popen[str]") -> None:
    """Let it stand still, and wait until it does."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert process.poll() is None


def log(project: Project) -> list[int]:
    return sorted(n for (n,) in project.query("SELECT n FROM log"))


def applied_events(project: Project) -> list[str]:
    """The files that the log says were applied, in order."""
    return [event["path"] for event in project.events() if event["event"] == "applied"]


@pytest.fixture
def runs() -> Iterator[Runs]:
    made = Runs()
    try:
        yield made
    finally:
        made.kill_all()


@pytest.fixture
def fresh(tmp_path: Path, settings: Any) -> Iterator[Fresh]:
    """Makes a project under an alias, on a database of its own."""
    settings.JETBASE = {"MIGRATIONS_DIR": tmp_path, "DATABASES": {}}
    with ExitStack() as stack:
        yield lambda engine, alias: stack.enter_context(_project(engine, alias, tmp_path, settings))


@pytest.fixture
def projects(fresh: Fresh) -> list[Project]:
    """One for every engine."""
    return [fresh(engine, f"side_{vendor}") for vendor, engine in ENGINES.items()]


@pytest.fixture
def servers(fresh: Fresh) -> list[Project]:
    """One for every engine that has sessions."""
    found = on_servers(fresh, "side")
    return found or pytest.skip("no engine of this run has sessions")


def on_servers(fresh: Fresh, prefix: str) -> list[Project]:
    return [fresh(ENGINES[name], f"{prefix}_{name}") for name in SERVERS if name in ENGINES]


@contextmanager
def _project(engine: engines.Engine, alias: str, folder: Path, settings: Any) -> Iterator[Project]:
    migrations = folder / alias / "migrations"
    migrations.mkdir(parents=True)
    name = f"{engines.NAME}_{alias}"
    if engine.vendor == "sqlite":
        name = str(folder / alias / "side.sqlite3")
    else:
        engine.drop(name)
        engine.administer(f"CREATE DATABASE {name}")
    engines.use(alias, engine.config(name))
    settings.JETBASE["DATABASES"][alias] = {"MIGRATIONS_DIR": migrations}
    try:
        yield Project(alias, migrations, engine, settings)
    finally:
        engines.forget(alias)
        engine.drop(name)


def together(projects: Sequence[Project], scenario: Callable[[Project], None]) -> None:
    """Let the scenario happen in all of them at the same time, since it mostly waits."""

    def run(project: Project) -> None:
        try:
            scenario(project)
        except BaseException as error:
            error.add_note(f"on {project.alias}")
            raise
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(projects) or 1) as pool:
        futures = [pool.submit(run, project) for project in projects]
    errors = [error for future in futures if (error := future.exception())]
    if errors:
        raise errors[0] if len(errors) == 1 else BaseExceptionGroup("on several", errors)
