"""Texts that the history has kept are read no further than is wanted, and whole or not at all."""

import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management.base import CommandError

from django_jetbase.history.history import LONGEST_KEPT
from django_jetbase.migrator import Migrator
from django_jetbase.models import AppliedMigration, Event

from ..conftest import Project

A = "CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;\n"
BOMB_LENGTH = 64 << 20
BOMB = zlib.compress(b"DROP TABLE a;\n" + bytes([32]) * BOMB_LENGTH, 9)


def peak_of(action: Callable[[], Any]) -> int:
    """How many bytes there were at once while it ran."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def keep(project: Project, data: bytes) -> None:
    """Have that in the history as what was applied."""
    AppliedMigration.objects.using(project.alias).update(text=data)


def apply(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    (project.folder / "V1__a.sql").unlink()


def test_what_is_shown_is_not_unpacked_any_further(project: Project) -> None:
    apply(project)
    keep(project, BOMB)
    Event.objects.using(project.alias).update(text=BOMB)
    migrator = Migrator(project.alias)
    row = migrator.history.row("1")
    assert row is not None
    found: list[str | None] = []
    for read in (
        lambda: found.append(migrator.history.text_of(row, 2_000_000)),
        lambda: found.append(migrator.history.text_last_kept("1", 2_000_000)),
        lambda: found.append(migrator.detail("1", longest=2_000_000).texts.applied),  # type: ignore[union-attr]
    ):
        assert peak_of(read) < BOMB_LENGTH / 4
        assert len(found[-1] or "") == 2_000_001


def test_what_would_run_is_refused_beyond_the_limit(project: Project) -> None:
    apply(project)
    keep(project, BOMB)
    refused = (
        rf"V1__a\.sql: the history has kept more than {LONGEST_KEPT} characters as its text.*"
        "HISTORY_TEXT_LIMIT.*put the file back.*jetbase_rollback --fake"
    )

    def roll_back() -> None:
        with pytest.raises(CommandError, match=refused):
            project.call("rollback")

    assert peak_of(roll_back) < BOMB_LENGTH * 3 / 4
    assert project.tables() == {"a"}
    assert project.applied() == ["V1__a.sql"]
    project.call("rollback", fake=True)
    assert project.applied() == []


def test_the_limit_may_be_larger(project: Project) -> None:
    apply(project)
    text = A + " " * (LONGEST_KEPT + 1)
    keep(project, zlib.compress(text.encode()))
    project.configure(HISTORY_TEXT_LIMIT=len(text) - 1)
    with pytest.raises(CommandError, match=f"more than {len(text) - 1} characters"):
        project.call("rollback")
    project.configure(HISTORY_TEXT_LIMIT=len(text))
    project.call("rollback")
    assert project.tables() == set()


def test_a_lower_limit_keeps_what_was_kept_before(project: Project) -> None:
    apply(project)
    project.configure(HISTORY_TEXT_LIMIT=0)
    project.call("rollback")
    assert project.tables() == set()


PACKED = zlib.compress(A.encode())
DAMAGED = {
    "nothing": b"",
    "its checksum missing": PACKED[:-4],
    "its end missing": PACKED[:-12],
    "only a beginning": PACKED[:3],
    "a changed byte": PACKED[:20] + bytes([PACKED[20] ^ 255]) + PACKED[21:],
    "no packed text": A.encode(),
    "no UTF-8": zlib.compress(b"SELECT '\xe4';"),
    "half a character": zlib.compress("-- rollback\nDROP TABLE a; -- €".encode()[:-1]),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_nothing_runs_of_a_text_that_is_damaged(project: Project, data: bytes) -> None:
    apply(project)
    keep(project, data)
    damaged = r"V1__a\.sql: the text that the history has kept of it is damaged: "
    with pytest.raises(CommandError, match=damaged):
        project.call("rollback")
    assert project.tables() == {"a"}
    assert project.applied() == ["V1__a.sql"]
    project.call("rollback", fake=True)
    assert project.applied() == []


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("data", [BOMB, PACKED[:-4]], ids=["bomb", "damaged"])
def test_nothing_goes_on_from_a_text_that_cannot_be_read(project: Project, data: bytes) -> None:
    project.write(V1__a="-- jetbase: transaction=off\nCREATE TABLE a (id INT);\nNONSENSE;")
    with pytest.raises(CommandError, match="NONSENSE"):
        project.call("upgrade")
    Event.objects.using(project.alias).update(text=data)
    project.write(V1__a="-- jetbase: transaction=off\nCREATE TABLE a (id INT);\nSELECT 1;")
    with pytest.raises(CommandError, match="the history has kept"):
        project.call("upgrade", resume=True)
    assert project.applied() == []
    project.call("resolve", "1", applied=True)
    assert project.applied() == ["V1__a.sql"]


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("text", ["", "a", "é€😀", "a" + "😀" * 600_000, "é" * 1_048_577])
def test_a_text_is_read_up_to_a_character(project: Project, text: str) -> None:
    """Also where its bytes are unpacked in pieces that cut characters in two."""
    apply(project)
    keep(project, zlib.compress(text.encode()))
    history = Migrator(project.alias).history
    row = history.row("1")
    assert row is not None
    assert history.text_of(row) == text
    for longest in {1, len(text) - 1, len(text), len(text) + 1} - {0, -1}:
        assert history.text_of(row, longest) == text[: longest + 1]
