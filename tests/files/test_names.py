from pathlib import Path

import pytest

from django_jetbase.exceptions import MigrationFileError
from django_jetbase.files.disk import read_files
from django_jetbase.files.names import migrations_of, parse_name, parse_version, versions
from django_jetbase.files.new import create_migration
from django_jetbase.migration import Kind, Version, checksum
from django_jetbase.plan.plan import target_version


@pytest.mark.parametrize(
    ("name", "kind", "version", "description"),
    [
        ("V1__create_users.sql", Kind.VERSIONED, "1", "create users"),
        ("V1.5__x.sql", Kind.VERSIONED, "1.5", "x"),
        ("V2_1__x.SQL", Kind.VERSIONED, "2.1", "x"),
        ("V20251225.143022__x.sql", Kind.VERSIONED, "20251225.143022", "x"),
        ("V00000000000000000001__x__y.sql", Kind.VERSIONED, "00000000000000000001", "x  y"),
        ("ROC__functions.sql", Kind.RUNS_ON_CHANGE, None, "functions"),
        ("RA__é.sql", Kind.RUNS_ALWAYS, None, "é"),
    ],
)
def test_names(name: str, kind: Kind, version: str | None, description: str) -> None:
    parsed = parse_name(name)
    assert parsed is not None
    assert (parsed.kind, parsed.description) == (kind, description)
    assert (str(parsed.version) if parsed.version else None) == version


@pytest.mark.parametrize(
    "name",
    ["V1_x.sql", "V__x.sql", "V1__.sql", "v1__x.sql", "V1.__x.sql", "V١__x.sql", "ROC1__x.sql"],
)
def test_bad_names(name: str) -> None:
    assert parse_name(name) is None


def test_versions_compare_as_numbers() -> None:
    assert Version("2") < Version("10") < Version("10.1") < Version("10.1.1")
    assert len({Version(text) for text in ("1", "1.0", "1_0", "01", "1.0.0")}) == 1
    assert Version("0") == Version("0.0")
    assert Version("9" * 200) > Version("1")
    assert parse_version("1..2") is None
    assert parse_version("9" * 5000) is None


def test_checksums() -> None:
    same = ["SELECT 1;\nSELECT 2;", "\ufeffSELECT 1;\r\nSELECT 2;\r\n", "\n\nSELECT 1;\nSELECT 2; "]
    assert len({checksum(text) for text in same}) == 1
    assert checksum("SELECT  1;\nSELECT 2;") != checksum(same[0])


def test_a_new_file_never_overwrites(tmp_path: Path) -> None:
    path = create_migration(tmp_path, Kind.VERSIONED, "Create users!", "7")
    assert path.name == "V7__Create_users.sql"
    path.write_text("mine")
    with pytest.raises(MigrationFileError, match="exists already"):
        create_migration(tmp_path, Kind.VERSIONED, "Create users!", "7")
    assert path.read_text() == "mine"


def test_new_versions_are_new(tmp_path: Path) -> None:
    for _file in range(3):
        create_migration(tmp_path, Kind.VERSIONED, "x", taken=versions([tmp_path]))
    assert len(versions([tmp_path, tmp_path / "nowhere"])) == 3
    create_migration(tmp_path, Kind.VERSIONED, "x", "1", versions([tmp_path]))
    with pytest.raises(MigrationFileError, match=r"There is a version 1\.0 already"):
        create_migration(tmp_path, Kind.VERSIONED, "y", "1.0", versions([tmp_path]))


@pytest.mark.parametrize("description", ["../../etc/x", "/etc/x", "..\\x", "a/b"])
def test_a_new_file_never_leaves_the_directory(tmp_path: Path, description: str) -> None:
    path = create_migration(tmp_path / "migrations", Kind.RUNS_ALWAYS, description)
    assert path.parent == tmp_path / "migrations"
    assert path.exists()


@pytest.mark.parametrize(
    ("kind", "description", "version"),
    [
        (Kind.VERSIONED, "..", None),
        (Kind.VERSIONED, "", None),
        (Kind.VERSIONED, "x", "one"),
        (Kind.VERSIONED, "x", "../1"),
        (Kind.RUNS_ALWAYS, "x", "1"),
        (Kind.VERSIONED, "x" * 300, None),
    ],
)
def test_bad_new_files(tmp_path: Path, kind: Kind, description: str, version: str | None) -> None:
    with pytest.raises(MigrationFileError):
        create_migration(tmp_path, kind, description, version)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("R__x.sql", "ROC__ here"),
        ("U1__x.sql", "the rollback section of the V file"),
        ("B1__x.sql", "jetbase_baseline"),
        ("V4_one.sql", "two '_' stand before"),
        ("V4-one.sql", "no '-'"),
        ("ROC_x.sql", "two '_' stand before"),
        ("v5__x.sql", "capitals"),
        ("roc__x.sql", "capitals"),
        ("V6.sql", "a description stands behind"),
        ("V6__.sql", "a description stands behind"),
        ("ROC__.sql", "a description stands behind"),
        ("V1.__x.sql", "with one '.' or '_' between"),
        ("V1..2__x.sql", "with one '.' or '_' between"),
        ("V1 __x.sql", "with one '.' or '_' between"),
        ("V-1__x.sql", "with one '.' or '_' between"),
        ("V\u0663__x.sql", "are 0 to 9"),
        ("V6xyz.sql", ""),
        ("x.sql", ""),
    ],
)
def test_a_name_that_is_nearly_one(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_text("SELECT 1;")
    (problem,) = migrations_of(read_files([tmp_path])).problems
    assert said in problem.hint
    assert problem.hint.endswith("rename it, or end it in something else than .sql")


@pytest.mark.parametrize("named", ["3", "v3", "V3", "3.0", "V3__a.sql", "sub/V3__a.sql"])
def test_a_version_as_people_name_it(named: str) -> None:
    assert target_version(named) == Version("3")
