"""A module imports only from those above it in this list."""

import ast
from pathlib import Path

import pytest

import django_jetbase

ROOT = Path(django_jetbase.__file__).parent
ORDER = [
    "version",
    "problems",
    "exceptions",
    "conf",
    "migration",
    "models",
    "queries",
    "identity",
    "patterns",
    "lexicons.ansi",
    "lexicons.compound",
    "lexicons.postgresql",
    "lexicons.mysql",
    "lexicons.sqlite",
    "lexicons",
    "scanner",
    "redaction",
    "placeholders",
    "script",
    "display",
    "dialects.values",
    "dialects.base",
    "dialects.messages",
    "dialects.search_path",
    "dialects.remedies",
    "dialects.row_values",
    "dialects.postgresql",
    "dialects.stepwise",
    "dialects.mysql",
    "dialects.sqlite",
    "dialects",
    "packing",
    "tables",
    "history",
    "lease",
    "lock",
    "clients.base",
    "clients.psql",
    "clients.mariadb",
    "clients.sqlite_shell",
    "clients",
    "schemas.base",
    "schemas.catalogues",
    "schemas.postgresql",
    "schemas.mysql",
    "schemas.sqlite",
    "schemas",
    "disk",
    "files",
    "creation",
    "django_migrations",
    "sources.base",
    "sources.jetbase",
    "sources.flyway",
    "sources",
    "state",
    "plan",
    "recorder",
    "database",
    "retry",
    "executor",
    "resumption",
    "preparation",
    "offline",
    "inspection",
    "results",
    "repair",
    "takeover",
    "signals",
    "telling",
    "migrator",
    "api",
    "",
    "checks",
    "receivers",
    "scratch",
    "reversibility",
    "test",
    "pytest_plugin",
    "operations",
    "apps",
    "admin.labels",
    "admin.overview",
    "admin.filters",
    "admin.lists",
    "admin.page",
    "admin",
    "management",
    "management.documents",
    "management.interruption",
    "management.base",
    "management.validation",
    "management.commands",
]


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name_of(path): path for path in ROOT.rglob("*.py")}


def rank(name: str) -> int:
    if name.startswith("management.commands."):
        return len(ORDER)
    return ORDER.index(name)


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_up(name: str) -> None:
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    package = [part for part in package if part]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = package[: len(package) - node.level + 1]
        target = ".".join([*base, *(node.module or "").split(".")]).strip(".")
        wanted = [f"{target}.{alias.name}".strip(".") for alias in node.names]
        for found in {item if item in MODULES else target for item in wanted}:
            assert rank(found) < rank(name), f"{name or '__init__'} imports {found}"
