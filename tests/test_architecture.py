"""A package imports only from those above it; inside one no two modules need each other."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import django_jetbase

ROOT = Path(django_jetbase.__file__).parent
# From top to bottom, and in a line from left to right.
LAYERS = """
    version problems exceptions conf migration models signals
    sql
    files
    display
    backends
    history
    database
    interop
    plan
    run
    results
    migrator
    __init__
    repair
    checks receivers operations scratch test pytest_plugin apps admin management
""".split()
# Which database it is, is known in `backends` only.
DRIVERS = ("psycopg", "psycopg2", "MySQLdb", "sqlite3")
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


def package_of(module: str) -> str:
    return module.split("/")[0].removesuffix(".py")


def nodes_of(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes, but for imports that only annotations need, as of a backend and its parts."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from nodes_of(node)


def imports_of(module: str) -> set[str]:
    """The modules of the package that a module imports, as paths."""
    path = ROOT / module
    found = set()
    for node in nodes_of(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
        for alias in node.names:
            places = (folder / f"{alias.name}.py", folder / alias.name / "__init__.py")
            places += (folder.with_suffix(".py"), folder / "__init__.py")
            place = next(place for place in places if place.is_file())
            found.add(place.relative_to(ROOT).as_posix())
    return found - {module}


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_up(module: str) -> None:
    own = package_of(module)
    for found in imports_of(module):
        if package_of(found) != own:
            assert LAYERS.index(package_of(found)) < LAYERS.index(own), found


@pytest.mark.parametrize("package", LAYERS)
def test_a_package_has_no_circle(package: str) -> None:
    inside = {module: imports_of(module) for module in MODULES if package_of(module) == package}
    try:
        TopologicalSorter(inside).prepare()
    except CycleError as error:
        raise AssertionError(error.args[1]) from error


@pytest.mark.parametrize("module", MODULES)
def test_drivers_are_known_to_backends_only(module: str) -> None:
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    names = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    names += [alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names]
    if not module.startswith("backends/"):
        assert not {name.split(".")[0] for name in names} & set(DRIVERS)


def test_sql_is_text_only() -> None:
    for module in MODULES:
        if module.startswith("sql/"):
            text = (ROOT / module).read_text(encoding="utf-8")
            assert "import django" not in text
            assert "from django" not in text
