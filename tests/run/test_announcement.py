"""Signals, log records, and the answer to a probe."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

import django_jetbase
from django_jetbase import signals
from django_jetbase.exceptions import StatementError, TargetError
from django_jetbase.migrator import Migrator

from ..conftest import Project

A = "CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;"


@pytest.fixture
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    names = ["started", "applied", "rolled_back", "failed"]
    receivers = {}
    for name in names:

        def receive(name: str = name, **facts: Any) -> None:
            found.append((name, facts))

        receivers[name] = receive
        getattr(signals, f"migration_{name}").connect(receive)
    yield found
    for name in names:
        getattr(signals, f"migration_{name}").disconnect(receivers[name])


def test_signals(project: Project, heard: list[tuple[str, dict[str, Any]]]) -> None:
    project.write(V1__a=A, RA__r="SELECT 1;")
    django_jetbase.upgrade(project.alias)
    django_jetbase.rollback(project.alias)
    assert [(name, facts["migration"].path) for name, facts in heard] == [
        ("started", "V1__a.sql"),
        ("applied", "V1__a.sql"),
        ("started", "RA__r.sql"),
        ("applied", "RA__r.sql"),
        ("started", "V1__a.sql"),
        ("rolled_back", "V1__a.sql"),
    ]
    assert {facts["using"] for _name, facts in heard} == {project.alias}
    assert {facts["sender"] for _name, facts in heard} == {Migrator}
    assert heard[4][1]["direction"] == "rollback"
    assert heard[1][1]["done"].statements == 1


def test_a_failure_is_told(project: Project, heard: list[tuple[str, dict[str, Any]]]) -> None:
    project.write(V1__a="SELECT * FROM nowhere;")
    with pytest.raises(StatementError) as caught:
        django_jetbase.upgrade(project.alias)
    assert [name for name, _facts in heard] == ["started", "failed"]
    assert heard[1][1]["error"] is caught.value


def test_what_is_only_recorded(project: Project, heard: list[tuple[str, dict[str, Any]]]) -> None:
    project.write(V1__a=A)
    django_jetbase.upgrade(project.alias, fake=True)
    assert [(name, facts["done"].origin) for name, facts in heard] == [("applied", "fake")]


def test_a_receiver_that_raises_stops_nothing(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    def receive(**facts: Any) -> None:
        raise ValueError("receiver")

    signals.migration_applied.connect(receive)
    try:
        project.write(V1__a=A, V2__b="SELECT 1;")
        django_jetbase.upgrade(project.alias)
    finally:
        signals.migration_applied.disconnect(receive)
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]
    assert "receiver" in caplog.text


def test_log_records(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "django_jetbase")
    project.write(V1__a=A, V2__b="SELECT 1;\nSELECT * FROM nowhere;")
    with pytest.raises(StatementError):
        django_jetbase.upgrade(project.alias)
    applied, failed = (r for r in caplog.records if hasattr(r, "path"))
    assert (applied.levelname, failed.levelname) == ("INFO", "ERROR")
    assert applied.getMessage().startswith("Applied V1__a.sql (")
    facts = {name: getattr(applied, name) for name in ("database", "path", "version", "kind")}
    assert facts == {"database": project.alias, "path": "V1__a.sql", "version": "1", "kind": "V"}
    assert (applied.statements, applied.origin, applied.direction) == (1, "run", "upgrade")
    assert failed.line == 2
    assert failed.getMessage().startswith("V2__b.sql:2:")


def test_passwords_are_not_logged(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    project.write(V1__a="CREATE USER u PASSWORD 'hunter2' nonsense;")
    with pytest.raises(StatementError):
        django_jetbase.upgrade(project.alias)
    assert "V1__a.sql" in caplog.text
    assert "hunter2" not in caplog.text


def test_nothing_is_printed_without_a_configuration(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(V1__a="SELECT * FROM nowhere;")
    with pytest.raises(StatementError):
        django_jetbase.upgrade(project.alias)
    assert capsys.readouterr() == ("", "")
    assert logging.getLogger("django_jetbase").level == logging.NOTSET


@pytest.mark.parametrize(
    ("version", "answer"), [("1", True), ("2", True), ("2.0", True), ("2.1", False), ("10", False)]
)
def test_at_least_at_a_version(project: Project, version: str, answer: bool) -> None:
    project.write(V1__a=A, V2__b="SELECT 1;")
    project.call("upgrade")
    project.folder.rename(project.folder.with_name("away"))  # no file is read
    with CaptureQueriesContext(project.connection) as queries:
        assert django_jetbase.is_at_least(version, project.alias) is answer
    assert len(queries) == 1
    with transaction.atomic(using=project.alias):
        assert django_jetbase.is_at_least(version, project.alias) is answer


def test_at_least_before_the_first_upgrade(project: Project) -> None:
    assert not django_jetbase.is_at_least("1", project.alias)
    with transaction.atomic(using=project.alias):
        assert not django_jetbase.is_at_least("1", project.alias)
        project.query("SELECT 1")
    assert not connections[project.alias].needs_rollback


def test_at_least_at_a_file_that_stopped_half_way(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.query("UPDATE django_jetbase_migration SET incomplete = 'upgrade'")
    assert not django_jetbase.is_at_least("1", project.alias)


def test_at_least_at_what_is_no_version(project: Project) -> None:
    for version in ("one", None, 1):
        with pytest.raises(TargetError):
            django_jetbase.is_at_least(version, project.alias)  # type: ignore[arg-type]
