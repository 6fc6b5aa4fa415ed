"""The reference pages leave out nothing that there is, and name nothing that there is not."""

import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

import django_jetbase
from django_jetbase import signals, test
from django_jetbase.conf import Settings
from django_jetbase.migration import EventType, MigrationState

DOCS = Path(__file__).parents[1] / "docs"
COMMANDS = [name for name, app in get_commands().items() if app == "django_jetbase"]
KEYS = [field.name.upper() for field in fields(Settings)]
NAMES = [
    *django_jetbase.__all__,
    *(name for name in vars(signals) if name.startswith("migration_")),
    *test.__all__,
]


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_on_the_page(command: str) -> None:
    assert re.search(rf"`{command}\b", page("commands.md"))


def test_every_option_on_the_page_is_one_of_a_command() -> None:
    parsers = [
        load_command_class("django_jetbase", name).create_parser("manage.py", name)
        for name in COMMANDS
    ]
    known = {flag for parser in parsers for flag in parser._option_string_actions}
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", page("commands.md"))) <= known


@pytest.mark.parametrize(("head", "names"), [("state", MigrationState), ("event", EventType)])
def test_states_and_events_have_a_row_each(head: str, names: type[StrEnum]) -> None:
    table = page("commands.md").partition(f"\n| {head} |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE) == list(names)
    schema = json.loads(page("schema.json"))
    assert list(names) in list(enumerations(schema))


def enumerations(schema: Any) -> Iterator[list[str]]:
    """All lists of values in a JSON schema."""
    if isinstance(schema, list):
        yield from (found for part in schema for found in enumerations(part))
    elif isinstance(schema, dict):
        if "enum" in schema:
            yield schema["enum"]
        yield from enumerations(list(schema.values()))


@pytest.mark.parametrize("key", [*KEYS, "DATABASES"])
def test_every_setting_has_a_heading_or_a_row(key: str) -> None:
    assert re.search(rf"^(?:#+ |\| )?`{key}`", page("settings.md"), re.MULTILINE)


def test_the_settings_are_shown_with_their_defaults() -> None:
    block = re.search(
        r"^```python\n(JETBASE = .*?)^```", page("settings.md"), re.DOTALL | re.MULTILINE
    )
    assert block
    names: dict[str, Any] = {"BASE_DIR": Path("/")}
    exec(block[1], names)
    shown = names["JETBASE"]
    assert set(shown) == {*KEYS, "DATABASES"}
    for field in fields(Settings):
        if field.name not in ("migrations_dir", "out_of_order"):  # of which the page says more
            made = field.default_factory is not MISSING
            default = field.default_factory() if made else field.default  # type: ignore[misc]
            assert shown[field.name.upper()] == default, field.name


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_on_the_page(name: str) -> None:
    assert re.search(rf"\b{name}\b", page("python.md") + page("testing.md"))


def anchor(heading: str) -> str:
    """What GitHub makes of a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


PAGES = {path.resolve(): path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
README = DOCS.parent / "README.md"
PAGES[README] = README.read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?P<file>[\w/-]+\.(?:md|png))?(?:#(?P<anchor>[^)]+))?\)")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere_on_github_too(path: Path) -> None:
    for link in LINK.finditer(PAGES[path]):
        target = (path.parent / link["file"]).resolve() if link["file"] else path
        assert target.exists(), link[0]
        if link["anchor"]:
            code = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
            headings = re.findall(r"^#+ (.*)", code.sub("", PAGES[target]), re.MULTILINE)
            assert link["anchor"] in map(anchor, headings), link[0]
