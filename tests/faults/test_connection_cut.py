"""The network between a run and its server breaks, and is there again."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NamedTuple

import pytest

from .. import engines
from ..conftest import Project
from ..waiting import is_working, until
from .conftest import LONG, Outcome, Runs, applied_events, ended, log, said, together

PORTS = {"postgresql": "5432", "mysql": "3306"}
SLOW = {"postgresql": "SELECT pg_sleep(3);", "mysql": "SELECT SLEEP(3);"}
PATHS = ["V1__log.sql", "V2__x.sql", "V3__x.sql"]
WAYS = [pytest.param(True, id="comes back"), pytest.param(False, id="stays away")]
ROW = "INSERT INTO log VALUES (2);"


def connected(host: str, port: int) -> socket.socket:
    """To a server, or to its socket in a directory."""
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(f"{host}/.s.PGSQL.{port}")
    return connection


class Link:
    """One connection through the proxy, a thread for each direction."""

    def __init__(self, proxy: "Proxy", client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._sockets = (client, server)
        self._asked = b""
        self._threads = [
            threading.Thread(target=self._forward, args=(client, server, self._ask)),
            threading.Thread(target=self._forward, args=(server, client, self._answer)),
        ]
        for thread in self._threads:
            thread.start()

    def cut(self) -> None:
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        for thread in self._threads:
            thread.join()
        for end in self._sockets:
            end.close()

    def _forward(self, source: socket.socket, target: socket.socket, passes: Any) -> None:
        try:
            while (data := source.recv(1 << 16)) and passes(data):
                target.sendall(data)
        except OSError:  # the other direction was cut
            pass
        finally:
            self.cut()

    def _ask(self, data: bytes) -> bool:
        self._asked += data
        return True

    def _answer(self, data: bytes) -> bool:
        """The answer to the first COMMIT behind the text is the one that does not arrive."""
        text = self._proxy.swallow
        if not text or b"COMMIT" not in self._asked.partition(text)[2]:
            return True
        self._proxy.swallow = b""
        self._proxy.cut()
        return False


class Proxy:
    """Forwards connections to a server; `swallow` is the text whose COMMIT gets no answer.

    Unless `heals`, the first cut is for ever.
    """

    def __init__(self, config: dict[str, Any], heals: bool) -> None:
        self._config = config
        self.swallow = b""
        self._heals = heals
        self._is_cut = False
        self._links: list[Link] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for link in self._links:
            link.close()

    def cut(self) -> None:
        """Break all connections."""
        self._is_cut = True
        for link in list(self._links):  # not what is connected again meanwhile
            link.cut()

    def _accept(self) -> None:
        host, port = self._config["HOST"], int(self._config["PORT"])
        with suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                if self._is_cut and not self._heals:
                    client.close()
                    continue
                server = connected(host, port)
                self._links.append(Link(self, client, server))


class Line(NamedTuple):
    """A project as it is reached through the proxy."""

    project: Project
    proxy: Proxy


@pytest.fixture
def lines(
    servers: list[Project], heals: bool, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Line]]:
    """The way to every server, unencrypted."""
    monkeypatch.setenv("PGSSLMODE", "disable")
    monkeypatch.setenv("PGGSSENCMODE", "disable")
    with ExitStack() as stack:
        yield {project.vendor: stack.enter_context(line(project, heals)) for project in servers}


@contextmanager
def line(project: Project, heals: bool) -> Iterator[Line]:
    settings = project.connection.settings_dict
    host, port = settings["HOST"] or "127.0.0.1", settings["PORT"] or PORTS[project.vendor]
    with Proxy(settings | {"HOST": host, "PORT": port}, heals) as proxy:
        twin = project.another(f"proxied_{project.vendor}", HOST="127.0.0.1", PORT=str(proxy.port))
        try:
            yield Line(twin, proxy)
        finally:
            engines.forget(twin.alias)


def write(project: Project, slow: str = "") -> None:
    project.write(
        V1__log="CREATE TABLE log (n INTEGER);",
        V2__x=f"{ROW}\n{slow}",
        V3__x="INSERT INTO log VALUES (3);",
    )


def settle(project: Project, runs: Runs) -> None:
    """Let a second run do the rest, after saying of what is incomplete what is so."""
    second = runs.run(project)
    if project.vendor == "mysql" and "has not come to its end" in second.err:
        assert log(project) == [2]
        assert runs.run(project, "jetbase_resolve", "2", "--applied").status == 0
        second = runs.run(project)
    assert second.status == 0, second
    assert log(project) == [2, 3]
    assert project.applied() == PATHS
    assert len(applied_events(project)) == len(set(applied_events(project)))


def says_what_is_so(project: Project, first: Outcome) -> None:
    """A file of which everything is committed is not said to be undone, or half done."""
    assert first.is_clear, first
    assert first.status in (0, 1), first
    if "V2__x.sql" in project.applied():
        assert "Nothing of this file was kept" not in first.err, first
        assert "Put the database right by hand" not in first.err, first


@pytest.mark.parametrize("heals", WAYS if LONG else WAYS[:1])
def test_in_the_middle_of_a_statement(
    servers: list[Project], lines: dict[str, Line], runs: Runs
) -> None:
    def scenario(project: Project) -> None:
        write(project, SLOW[project.vendor])
        proxied, proxy = lines[project.vendor]
        process = runs.start(proxied)
        said(process, "Applied V1__log.sql")
        until(lambda: is_working(project))
        proxy.cut()
        first = ended(process)
        until(lambda: not is_working(project))
        says_what_is_so(project, first)
        settle(project, runs)

    together(servers, scenario)


@pytest.mark.parametrize("heals", WAYS)
def test_before_the_answer_to_commit(
    servers: list[Project], lines: dict[str, Line], runs: Runs
) -> None:
    def scenario(project: Project) -> None:
        write(project)
        proxied, proxy = lines[project.vendor]
        proxy.swallow = ROW.rstrip(";").encode()
        process = runs.start(proxied)
        said(process, "Applied V1__log.sql")
        first = ended(process)
        assert proxy.swallow == b"", first
        assert project.applied()[:2] == PATHS[:2]
        says_what_is_so(project, first)
        settle(project, runs)

    together(servers, scenario)
