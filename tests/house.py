"""The figures of the house: `python -m tests.house [URL OF AN EMPTY POSTGRESQL DATABASE]`.

How many modules lie at the top, how long they are, what a new database is asked for, and how often
one upgrade of a two-statement file goes from one module into another, on SQLite and PostgreSQL.
"""

import ast
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.db import connections

import django_jetbase

ROOT = Path(django_jetbase.__file__).parent
_LOADING = "<module>"  # what a module does when it is imported
FILE = "CREATE TABLE {0} (n INTEGER);\nINSERT INTO {0} VALUES (1);\n-- rollback\nDROP TABLE {0};\n"


def sizes() -> dict[str, int]:
    """The lines of each module."""
    return {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in ROOT.rglob("*.py")
    }


def members(module: str) -> dict[str, set[str]]:
    """The public members of each class of a module."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    return {
        node.name: {name for part in node.body for name in _names(part) if name[0] != "_"}
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }


def _names(part: ast.stmt) -> Iterator[str]:
    if isinstance(part, ast.FunctionDef):
        yield part.name
    elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
        yield part.target.id


class Rooms:
    """Counts the calls that lead from one module of the package into another."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event != "call" or not (here := self._room(frame)):
            return
        if _LOADING in (frame.f_code.co_name, frame.f_back and frame.f_back.f_code.co_name):
            return
        before = frame.f_back
        while before is not None and not self._room(before):
            before = before.f_back
        if before is not None and (there := self._room(before)) != here:
            self.calls[there, here] += 1

    def _room(self, frame: FrameType) -> str:
        """The module; empty for other code, through which a call may come."""
        name = frame.f_code.co_filename
        return name.removeprefix(f"{ROOT}{os.sep}") if name.startswith(str(ROOT)) else ""


def changes(config: dict[str, Any]) -> Iterator[Rooms]:
    """Upgrade a new database, whose history is created, and once more, counting."""
    settings.DATABASES["default"].update(config)
    del connections["default"]
    with tempfile.TemporaryDirectory() as folder:
        settings.JETBASE = {"MIGRATIONS_DIR": folder}
        for name in ("a", "b"):
            Path(folder, f"V{ord(name)}__{name}.sql").write_text(FILE.format(name))
            rooms = Rooms()
            sys.setprofile(rooms)
            try:
                django_jetbase.upgrade()
            finally:
                sys.setprofile(None)
            yield rooms
    connections["default"].close()


def main(postgresql: str | None) -> None:
    found = sizes()
    top = [name for name in found if "/" not in name]
    longest = sorted(found, key=lambda name: -found[name])[:8]
    print(f"{len(found)} modules, {sum(found.values())} lines; {len(top)} lie at the top")
    print("longest:", ", ".join(f"{name} {found[name]}" for name in longest))
    for module in sorted(name for name in found if name.startswith("backends/base/")):
        for name, public in members(module).items():
            print(f"{module}: {name} has {len(public)} public members")
    with tempfile.TemporaryDirectory() as folder:
        sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(Path(folder, "db"))}
        show("SQLite", changes(sqlite))
    if postgresql:
        show("PostgreSQL", changes(_config(postgresql)))


def show(name: str, upgrades: Iterator[Rooms]) -> None:
    first, second = upgrades
    most = ", ".join(f"{a} > {b} {n}" for (a, b), n in second.calls.most_common(5))
    print(
        f"{name}: {second.calls.total()} calls from one module into another, and"
        f" {first.calls.total()} where the history is created; most: {most}"
    )


def _config(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path[1:],
        "USER": parts.username or "",
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    main(next(iter(sys.argv[1:]), None))
