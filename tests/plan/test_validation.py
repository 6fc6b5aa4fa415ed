import os
import sys
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from django_jetbase.migration import checksum, checksum_of_bytes

from ..conftest import Project

A = "CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;\n"
B = "CREATE TABLE b (id INTEGER);\n-- rollback\nDROP TABLE b;\n"


@pytest.fixture
def drifted(project: Project) -> Project:
    project.write(V1__a=A, V2__b=B, V4__c="SELECT 1;", ROC__x="SELECT 1;")
    project.call("upgrade")
    project.write(V1__a=A.replace("id", "number"), V3__late="CREATE TABLE late (id INTEGER);")
    (project.folder / "V2__b.sql").unlink()
    (project.folder / "ROC__x.sql").unlink()
    return project


def test_everything_wrong_is_refused_at_once_and_by_name(drifted: Project) -> None:
    with pytest.raises(CommandError) as caught:
        drifted.call("upgrade")
    lines = str(caught.value).splitlines()
    assert lines == [
        "V2__b.sql: is applied but its file is missing; put the file back, which another branch or"
        " release may have, or let jetbase_fix_files forget it (jetbase.E012)",
        "ROC__x.sql: was applied, and its file is gone, so an upgrade takes its record out;"
        " put the file back if that is not meant; what it made stays until a file drops it"
        " (jetbase.W013)",
        "V3__late.sql: is below the highest applied version 4; give it a higher one, or allow it"
        ' with JETBASE["OUT_OF_ORDER"] (jetbase.E013)',
        "V1__a.sql: was changed after it was applied; undo the change and write a new migration"
        " for it, or accept it with jetbase_fix_checksums (jetbase.E014)",
        "Nothing was run.",
    ]


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"skip_checksum_validation": True}, ["V2__b", "ROC__x", "V3__late"]),
        ({"skip_file_validation": True}, ["V1__a"]),
    ],
)
def test_each_validation_can_be_skipped(
    drifted: Project, options: dict[str, bool], left: list[str]
) -> None:
    with pytest.raises(CommandError) as caught:
        drifted.call("upgrade", **options)
    assert [line.split(".sql")[0] for line in str(caught.value).splitlines()[:-1]] == left


@pytest.mark.parametrize("how", ["option", "setting"])
def test_with_both_skipped_a_late_file_is_ignored_and_not_run(drifted: Project, how: str) -> None:
    if how == "setting":
        drifted.configure(SKIP_VALIDATION=True)
        drifted.call("upgrade")
    else:
        drifted.call("upgrade", skip_validation=True)
    assert "late" not in drifted.tables()


def test_status_shows_it_all(drifted: Project) -> None:
    states = {line.split()[1]: line.split()[0] for line in drifted.call("status").splitlines()}
    assert states == {
        "V1__a.sql": "changed",
        "V2__b.sql": "missing",
        "ROC__x.sql": "missing",
        "V3__late.sql": "pending",
        "V4__c.sql": "applied",
    }
    assert "V3__late.sql: is below" in drifted.said


@pytest.mark.parametrize(
    "text",
    [A.replace("\n", "\r\n"), "\ufeff" + A, "\n\n" + A + "\n\n", A.replace("DROP", "drop")],
    ids=["CRLF", "BOM", "blank lines", "rollback section"],
)
def test_what_is_no_change(project: Project, text: str) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.write(V1__a=text)
    assert project.call("upgrade") == "Nothing to do.\n"


def test_an_applied_empty_file_that_cannot_be_read_any_more(project: Project) -> None:
    project.write(V1__a="")
    project.call("upgrade")
    (project.folder / "V1__a.sql").unlink()
    os.mkfifo(project.folder / "V1__a.sql")
    with pytest.raises(CommandError, match=r"V1__a\.sql: is no regular file"):
        project.call("upgrade")


def test_an_applied_file_that_stands_twice(project: Project) -> None:
    project.write(V1__a=A)
    project.call("baseline", "1")
    project.call("upgrade", fake=True)
    other = project.folder.parent / "other"
    other.mkdir()
    (other / "V1__a.sql").write_text(A)
    project.configure(MIGRATIONS_DIR=[project.folder, other])
    with pytest.raises(CommandError, match=r"jetbase\.E003"):
        project.call("upgrade")


@pytest.mark.parametrize(
    "text",
    ["", " ", "\x1f\n", "é", "\u2003x\u2003", "\ufeff x\r\n", "\x85a\n", "a\r", "\r\n\ufeffx"],
)
def test_the_checksum_of_bytes_is_that_of_the_text(text: str) -> None:
    data = text.encode()
    assert checksum_of_bytes(data) == checksum(data.decode("utf-8-sig"))


def test_a_renamed_file_is_the_same_version(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    (project.folder / "V1__a.sql").rename(project.folder / "V01.0__other.sql")
    assert project.call("upgrade") == "Nothing to do.\n"


def test_duplicate_versions(project: Project) -> None:
    project.write(V1__a=A, **{"V01__b": B, "V1.0__c": B, "V1_0__d": B})
    with pytest.raises(CommandError, match=r"has the same version as .*V1") as caught:
        project.call("upgrade")
    assert all(name in str(caught.value) for name in ("V1__a", "V01__b", "V1.0__c", "V1_0__d"))


def test_bad_names_are_listed_at_once(project: Project) -> None:
    project.write(V1_x="", v1__a="", Vx__a="", R__a="", V1__="", V1__fine="", **{"V1.__a": ""})
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert str(caught.value).count("the name is none of") == 6


def test_what_is_no_migration_is_left_alone(project: Project) -> None:
    for name in ("README.md", ".hidden.sql", "V1__x.sql~", "V1__x.sql.bak"):
        (project.folder / name).write_text("nonsense")
    (project.folder / ".git").mkdir()
    (project.folder / ".git" / "V1__x.sql").write_text("nonsense")
    assert project.call("upgrade") == "Nothing to do.\n"


def test_bytes_that_are_not_utf8(project: Project) -> None:
    project.write(V1__a=A, V2__b=b"SELECT 1;\n-- caf\xe9\n", V3__c="SELECT 1;".encode("utf-16"))
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert r"V2__b.sql:2: byte 17 (0xe9) in line 2 is not UTF-8" in str(caught.value)
    assert "V3__c.sql: is UTF-16, not UTF-8" in str(caught.value)
    assert project.tables() == set()


@pytest.mark.skipif(sys.platform == "win32", reason="links")
def test_an_unreadable_file(project: Project) -> None:
    (project.folder / "V1__a.sql").symlink_to("/nowhere")
    with pytest.raises(CommandError, match=r"V1__a\.sql: cannot be read: No such file"):
        project.call("upgrade")


def test_what_is_no_file_or_has_no_readable_name(project: Project) -> None:
    os.mkfifo(project.folder / "V1__a.sql")
    (project.folder / "V2__b.sql").mkdir()
    Path(os.fsdecode(os.fsencode(project.folder) + b"/V3__\xff.sql")).touch()
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert "V1__a.sql: is no regular file" in str(caught.value)
    assert r"V3__\xff.sql: the path has the byte 0xff, which is not utf-8" in str(caught.value)
    assert "V2__b" not in str(caught.value)


def test_directives_in_block_comments_are_comments(project: Project) -> None:
    project.write(V1__a="/* as in\n-- jetbase: nonsense\n*/ /* -- jetbase: x */\nSELECT 1;")
    project.call("upgrade")


def test_a_missing_directory(project: Project) -> None:
    project.configure(MIGRATIONS_DIR=project.folder / "nowhere")
    for command in ("upgrade", "status", "rollback"):
        with pytest.raises(CommandError, match="create it with jetbase_init"):
            project.call(command)
    project.call("init")
    assert project.call("upgrade") == "Nothing to do.\n"


def test_the_same_path_under_two_roots(project: Project) -> None:
    other = project.folder.parent / "other"
    other.mkdir()
    (other / "V1__a.sql").write_text(A)
    (other / "V2__b.sql").write_text(B)
    project.write(V1__a=A)
    project.configure(MIGRATIONS_DIR=[project.folder, other])
    with pytest.raises(CommandError, match=r"V1__a\.sql: also stands in"):
        project.call("upgrade")
    (other / "V1__a.sql").unlink()
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1;\n-- rollback\nSELECT 2;\n-- rollback\n", ":4:1: a second rollback marker"),
        ("SELECT 1;\n-- jetbase: transaction=off\n", ":2:1: a directive below a statement"),
        ("-- jetbase: transaction=maybe\nSELECT 1;", ":1:1: 'transaction=maybe' is no directive"),
        ("-- jetbase: nonsense\nSELECT 1;", ":1:1: 'nonsense' is no directive"),
        ("SELECT 1;\nSELECT 'open;\n", ":2:8: "),
        ("SELECT 1;\nSELECT '\0';\n", ":2: byte 19 (0x00) in line 2 cannot be sent in SQL"),
        ("SELECT 1;\nSELECT 1 /* open\n", None),
    ],
)
def test_wrong_text_is_found_before_anything_runs(
    project: Project, text: str, message: str | None
) -> None:
    if message is None:
        if project.vendor == "sqlite":
            return  # SQLite ends a comment at the end of the text
        message = ":2:10: "
    project.write(V1__a=A, V2__b=text)
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert "V2__b.sql" + message in str(caught.value)
    assert project.tables() == set()


def test_commands_of_shells(project: Project) -> None:
    command = {"postgresql": r"\i other.sql", "mysql": "source other.sql", "sqlite": ".read x"}
    project.write(V1__a=A, V2__b=f"SELECT 1;\n{command[project.vendor]}\n")
    with pytest.raises(CommandError, match=r"V2__b\.sql:2:1: .*SQL here"):
        project.call("upgrade")
    assert project.tables() == set()
