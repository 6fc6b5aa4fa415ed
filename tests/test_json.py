"""Every document that --json prints fits the published schema, and stands alone on stdout."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError
from jsonschema import Draft202012Validator, FormatChecker

from .conftest import Project

DOCS = Path(__file__).parents[1] / "docs"
SCHEMA = json.loads((DOCS / "schema.json").read_text())
PARTS = {"migration", "problem", "done", "planned", "error", "entry", "event"}
DOCUMENTS = set(SCHEMA["$defs"]) - PARTS
A = "CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;\n"
BROKEN = "-- jetbase: transaction=off\nCREATE TABLE b (id INTEGER);\nSELECT * FROM nowhere;"


def assert_fits(document: Any, name: str) -> None:
    schema = SCHEMA | {"$ref": f"#/$defs/{name}"}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(document)


def document(project: Project, name: str, command: str, **options: Any) -> Any:
    printed = json.loads(project.call(command, json=True, **options))
    assert_fits(printed, name)
    return printed


def failure(project: Project, name: str, status: int, command: str, **options: Any) -> Any:
    """The document of a command that ends with that exit status."""
    with pytest.raises(CommandError) as caught:
        project.call(command, json=True, **options)
    assert caught.value.returncode == status
    printed = json.loads(project.out.getvalue())
    assert_fits(printed, name)
    return printed


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_command_that_prints_json_has_a_document() -> None:
    table = (
        (DOCS / "json.md").read_text().partition("| command | document |")[2].partition("\n\n")[0]
    )
    rows = [row.split("|") for row in table.strip().splitlines()[1:]]
    documents = {name for _, _, named, *_ in rows for name in re.findall(r"`(\w+)`", named)}
    assert documents == DOCUMENTS
    commands = {name for _, said, *_ in rows for name in re.findall(r"`(jetbase_\w+)(?:…)?", said)}
    for name in (name for name, app in get_commands().items() if app == "django_jetbase"):
        offers = getattr(load_command_class("django_jetbase", name), "offers_json", False)
        assert offers == name.startswith(tuple(commands)), name


def test_over_several_databases_each_has_one_of_the_documents() -> None:
    each = SCHEMA["$defs"]["databases"]["properties"]["databases"]["additionalProperties"]
    assert {one["$ref"].rpartition("/")[2] for one in each["anyOf"]} == DOCUMENTS - {"databases"}


def test_on_an_empty_database(project: Project) -> None:
    assert document(project, "history", "history") == []
    assert document(project, "current", "current") == {"current": None}
    assert document(project, "status", "status")["migrations"] == []
    assert document(project, "upgrade", "upgrade")["steps"] == []
    assert document(project, "check", "upgrade", check=True) == {"pending": [], "problems": []}
    for command in ("validate_files", "validate_checksums", "fix_files", "fix_checksums", "fix"):
        assert document(project, "validation", command) == {"problems": [], "fixed": []}


def test_a_whole_life(project: Project) -> None:
    project.write(V1__a=A, V2__b="SELECT 1;", ROC__c="SELECT 1;", RA__d="SELECT 1;")
    planned = document(project, "upgrade", "upgrade", dry_run=True, count=1)
    assert planned["steps"][0]["statements"] == ["CREATE TABLE a (id INTEGER)"]
    assert [left["path"] for left in planned["left"]] == ["V2__b.sql"]
    pending = failure(project, "check", 3, "upgrade", check=True)
    assert [item["path"] for item in pending["pending"]] == ["V1__a.sql", "V2__b.sql", "ROC__c.sql"]
    done = document(project, "upgrade", "upgrade")
    assert [step["path"][:2] for step in done["steps"]] == ["V1", "V2", "RO", "RA"]
    assert document(project, "current", "current") == {"current": "2"}
    status = document(project, "status", "status")
    assert {entry["state"] for entry in status["migrations"]} == {"applied"}
    assert document(project, "upgrade", "rollback", to_version="zero", fake=True)["steps"]
    assert document(project, "history", "history")[-1]["origin"] == "fake"


def test_findings(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.write(V1__a=A.replace("id", "n"))
    found = failure(project, "failure", 4, "upgrade", check=True)
    assert [problem["id"] for problem in found["problems"]] == ["jetbase.E014"]
    found = failure(project, "validation", 4, "validate_checksums")
    assert [problem["id"] for problem in found["problems"]] == ["jetbase.E014"]
    assert document(project, "status", "status")["problems"][0]["path"] == "V1__a.sql"
    assert failure(project, "failure", 1, "upgrade")["error"]["path"] == "V1__a.sql"
    fixed = document(project, "validation", "fix_checksums")
    assert [item["path"] for item in fixed["fixed"]] == ["V1__a.sql"]
    assert document(project, "history", "history")[-1]["event"] == "checksum fixed"


def test_a_run_that_fails_half_way_tells_what_it_did(project: Project) -> None:
    project.write(V1__a=A, V2__b=BROKEN)
    printed = failure(project, "failure", 1, "upgrade")
    assert [step["path"] for step in printed["steps"]] == ["V1__a.sql"]
    assert (printed["error"]["path"], printed["error"]["line"]) == ("V2__b.sql", 3)
    assert document(project, "status", "status")["migrations"][1]["state"] == "incomplete"


def test_a_database_that_is_down(project: Project) -> None:
    project.write(V1__a=A)
    wrong = {"NAME": "/nowhere/db"} if project.vendor == "sqlite" else {"PORT": "1"}
    printed = failure(project.another(**wrong), "failure", 1, "status")
    assert printed["error"]["message"]


def test_an_interrupted_run_tells_what_it_did(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interrupt comes while the second file is being taken note of."""
    project.write(V1__a=A, V2__b="SELECT 1;")
    calls: list[int] = []

    def say(text: str) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    command = load_command_class("django_jetbase", "jetbase_upgrade")
    monkeypatch.setattr(command, "say", say)
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(command, database=project.alias, json=True, stdout=out)
    assert caught.value.returncode == 130
    printed = json.loads(out.getvalue())
    assert_fits(printed, "failure")
    assert [step["path"] for step in printed["steps"]] == ["V1__a.sql", "V2__b.sql"]
