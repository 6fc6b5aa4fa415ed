"""Files and folders that are not what a migration should be."""

import os
import threading
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from django_jetbase.exceptions import MigrationFileError
from django_jetbase.files.disk import LARGEST, read_files
from django_jetbase.files.names import migrations_of

from ..conftest import Project

pytestmark = pytest.mark.engines("sqlite")
UNPRINTABLE = [
    "\n",
    "\r",
    "\x1b[2J",
    "\x07",
    "\x85",
    "\u202e",
    "\u2066",
    "\u200f",
    "\u2028",
    "\u061c",
]


@pytest.mark.parametrize("character", UNPRINTABLE)
@pytest.mark.parametrize(
    "form", ["V1__a{}b.sql", "ROC__{}.sql", "sub{}folder/V1__a.sql", "{}V1.sql"]
)
def test_a_name_that_is_not_what_it_shows(tmp_path: Path, form: str, character: str) -> None:
    path = tmp_path / form.format(character)
    path.parent.mkdir(exist_ok=True)
    path.write_text("SELECT 1;")
    files = migrations_of(read_files([tmp_path]))
    (problem,) = files.problems
    assert files.migrations == []
    assert problem.id == "jetbase.E002"
    assert "control character" in problem.message
    assert str(problem).isprintable()
    assert f"\\u{ord(character[0]):04x}" in problem.path


@pytest.mark.parametrize(
    "name", ["V1__é.sql", "V1__日本.sql", "V1__a b.sql", "V1__\u05e9.sql", "V1__👩‍🚒.sql"]
)
def test_other_names(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("SELECT 1;")
    assert migrations_of(read_files([tmp_path])).problems == []


def test_such_a_name_is_shown_in_no_other_way(project: Project) -> None:
    (project.folder / "V1__a\nApplied V9__fake.sql").write_text("SELECT 1;")
    for command in ("upgrade", "status", "validate_files"):
        try:
            said = project.call(command) + project.said
        except CommandError as error:
            said = str(error)
        assert "V1__a\\u000aApplied V9__fake.sql: the path has a control character" in said


def test_a_pipe_with_text_in_it(tmp_path: Path) -> None:
    path = tmp_path / "V1__a.sql"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    thread = threading.Thread(target=path.write_text, args=("SELECT 1;",))
    thread.start()
    thread.join()
    (file,) = read_files([tmp_path])
    os.close(reader)
    assert (file.fault, file.data) == ("is no regular file", b"")


def test_a_device(tmp_path: Path) -> None:
    (tmp_path / "V1__a.sql").symlink_to("/dev/zero")
    (file,) = read_files([tmp_path])
    assert file.fault == "is no regular file"


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "V1__a.sql").open("wb") as file:
        file.truncate(LARGEST + 1)
    (read,) = read_files([tmp_path])
    assert read.fault == f"has {LARGEST + 1} bytes, more than the {LARGEST} that can be read"


@pytest.mark.parametrize("target", ["nowhere", "x" * 300, "loop"])
def test_a_link_that_leads_nowhere(tmp_path: Path, target: str) -> None:
    (tmp_path / "loop").symlink_to("loop") if target == "loop" else None
    (tmp_path / "sub").symlink_to(target)
    with pytest.raises(MigrationFileError, match=r"cannot be read: .*; correct it, or take"):
        read_files([tmp_path])


UTF_16 = {
    "UTF-16": "SELECT 'é';\r\n".encode("utf-16"),
    "of the other order": "\ufeffSELECT 1;".encode("utf-16-be"),
    "without a mark": "SELECT 1;".encode("utf-16-le"),
    "the other without a mark": "SELECT 1;".encode("utf-16-be"),
}


@pytest.mark.parametrize("name", UTF_16)
def test_utf_16_is_named(project: Project, name: str) -> None:
    project.write(V1__a=UTF_16[name])
    with pytest.raises(CommandError, match=r"V1__a\.sql: is UTF-16, not UTF-8; save the file"):
        project.call("upgrade")


def test_utf_32_is_named(project: Project) -> None:
    project.write(V1__a="SELECT 1;".encode("utf-32"))
    with pytest.raises(CommandError, match=r"V1__a\.sql: is UTF-32, not UTF-8"):
        project.call("upgrade")


def test_a_nul_is_not_taken_for_utf_16(project: Project) -> None:
    project.write(V1__a=b"SELECT 1;\0\0", V2__b=b"\0", V3__c=b"")
    with pytest.raises(CommandError, match=r"0x00\) in line 1 cannot be sent") as caught:
        project.call("upgrade")
    assert "UTF-16" not in str(caught.value)
