"""The example in testproject/, on each engine: its own tests, and its demonstration."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest

from .engines import NAME, Engine

EXAMPLE = Path(__file__).parents[1] / "testproject"
SHOP = f"{NAME}_shop"


@pytest.fixture
def environment(engine: Engine, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What lets the example live in a database that is not there yet."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DJANGO_")}
    kept["PYTHONPATH"] = str(EXAMPLE.parent)
    config = engine.config(SHOP)
    if engine.vendor == "sqlite":
        yield kept | {"SHOP_DATABASES": f"sqlite:///{tmp_path / 'shop.sqlite3'}"}
        return
    url = f"{engine.vendor}:///{SHOP}"
    if engine.vendor == "mysql":
        url = "mysql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**config)
    names = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
    kept |= {name: str(config[key]) for key, name in names.items() if config[key]}
    yield kept | {"SHOP_DATABASES": url}
    engine.drop(SHOP)
    engine.drop(f"{SHOP}_demo")
    engine.drop(f"test_{SHOP}")
    engine.drop(f"test_{SHOP}_scratch")


def test_its_own_tests(environment: dict[str, str]) -> None:
    """Its rollback sections among them."""
    command = [sys.executable, "manage.py", "test"]
    done = subprocess.run(
        command, cwd=EXAMPLE, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def demonstration(environment: dict[str, str]) -> Iterator[str]:
    """The address where it is served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "manage.py", "demo", address]
    server = subprocess.Popen(command, cwd=EXAMPLE, env=environment, stderr=subprocess.PIPE)
    try:
        yield f"http://{address}"
    finally:
        server.terminate()
        server.communicate()


def opened(site: str, browser: OpenerDirector | None = None) -> str:
    """The page to log in, once the demonstration is served."""
    browser = browser or build_opener()
    for _ in range(300):
        try:
            return str(browser.open(f"{site}/admin/login/").read().decode())
        except URLError:
            time.sleep(0.2)
    raise AssertionError("The demonstration was not served.")


def test_the_demonstration_has_a_migration_in_every_state(environment: dict[str, str]) -> None:
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    with demonstration(environment) as site:
        login = opened(site, browser)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', login)
        assert token
        form = {"username": "admin", "password": "admin", "csrfmiddlewaretoken": token[1]}
        form["next"] = "/admin/"
        browser.open(f"{site}/admin/login/", urlencode(form).encode())
        page = browser.open(f"{site}/admin/django_jetbase/appliedmigration/").read().decode()
    states = re.findall(r'class="jetbase-state jetbase-\w+">\d+ (\w+)<', page)
    assert states == ["applied", "pending", "changed", "missing", "ignored", "incomplete"]


def test_the_demonstration_leaves_nothing_behind(
    engine: Engine, environment: dict[str, str]
) -> None:
    url = environment["SHOP_DATABASES"]
    for _ in range(2):
        with demonstration(environment) as site:
            opened(site)
    if engine.vendor == "sqlite":
        assert not Path(url.partition("///")[2]).exists()
        return
    query = {
        "postgresql": "SELECT datname FROM pg_database",
        "mysql": "SELECT schema_name FROM information_schema.schemata",
    }
    names = {str(name) for (name,) in engine.administer(query[engine.vendor])}
    assert not {SHOP, f"{SHOP}_demo"} & names


@pytest.mark.engines("postgresql", "mysql")
def test_the_demonstration_drops_no_database_of_others(
    engine: Engine, environment: dict[str, str]
) -> None:
    engine.administer(f"CREATE DATABASE {SHOP}_demo")
    command = [sys.executable, "manage.py", "demo", "8765"]
    done = subprocess.run(
        command, cwd=EXAMPLE, env=environment, capture_output=True, text=True, timeout=600
    )
    assert f"There is a database {SHOP}_demo already" in done.stderr
    engine.administer(f"DROP DATABASE {SHOP}_demo")


@pytest.mark.engines("postgresql")
def test_the_demonstration_keeps_the_database_of_who_may_create_none(
    engine: Engine, environment: dict[str, str]
) -> None:
    role = f"{NAME}_poor"
    engine.administer(f"CREATE ROLE {role} LOGIN", f"CREATE DATABASE {SHOP} OWNER {role}")
    try:
        command = [sys.executable, "manage.py", "demo", "8766"]
        poor = environment | {"PGUSER": role}
        done = subprocess.run(
            command, cwd=EXAMPLE, env=poor, capture_output=True, text=True, timeout=600
        )
        assert done.returncode != 0
        assert "permission denied to create database" in done.stderr
        found = engine.administer(f"SELECT 1 FROM pg_database WHERE datname = '{SHOP}'")
        assert found == [(1,)]
    finally:
        engine.administer(f"DROP DATABASE IF EXISTS {SHOP}")
        engine.administer(f"DROP ROLE {role}")


@pytest.mark.engines("sqlite")
def test_a_busy_address_is_said_before_anything_is_made(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        command = [sys.executable, "manage.py", "demo", f"127.0.0.1:{busy.getsockname()[1]}"]
        done = subprocess.run(
            command, cwd=EXAMPLE, env=environment, capture_output=True, text=True, timeout=600
        )
    assert done.returncode == 1
    assert "Give another address" in done.stderr
