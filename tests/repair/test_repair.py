"""Changing what the history says, deliberately: fixes, baseline, --fake."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from ..conftest import Project

A = "CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;\n"
B = "CREATE TABLE b (id INTEGER);\n-- rollback\nDROP TABLE b;\n"
C = "CREATE TABLE c (id INTEGER);\n"


@pytest.fixture
def drifted(project: Project) -> Project:
    """V1 was changed, V2 and a repeatable are missing, V3 stopped half-way."""
    project.write(
        V1__a=A,
        V2__b=B,
        ROC__x="SELECT 1;",
        V3__c="-- jetbase: transaction=off\n" + C + "SELECT * FROM nowhere;",
    )
    project.call("upgrade", count=2)
    project.call("upgrade", fake=True)
    project.query("DELETE FROM django_jetbase_migration WHERE version = '3'")
    with pytest.raises(CommandError, match="Committed are 1 of 2"):
        project.call("upgrade")
    project.write(V1__a=A.replace("id", "number"))
    (project.folder / "V2__b.sql").unlink()
    (project.folder / "ROC__x.sql").unlink()
    return project


def problems(project: Project, command: str, **options: object) -> set[tuple[str, str]]:
    """What a command finds, with exit status 4; nothing where it exits with 0."""
    try:
        project.call(command, **options)
    except CommandError as error:
        status, said = error.returncode, str(error)
    else:
        return set()
    assert status == 4
    lines = [line for line in said.splitlines() if "jetbase." in line]
    return {(line.split(".sql")[0], line[-5:-1]) for line in lines}


def test_validate_reports_and_leaves_everything_alone(drifted: Project) -> None:
    before = drifted.events()
    always = {("V3__c", "E015")}
    assert problems(drifted, "validate_checksums") == {("V1__a", "E014")} | always
    missing = {("V2__b", "E012"), ("ROC__x", "W013")}
    assert problems(drifted, "validate_files") == missing | always
    assert drifted.events() == before


@pytest.mark.parametrize("how", ["alias", "option"])
def test_fix_checksums_accepts_what_was_changed_and_nothing_else(
    drifted: Project, how: str
) -> None:
    left = {("V3__c", "E015")}
    if how == "alias":
        assert problems(drifted, "fix_checksums") == left
    else:
        assert problems(drifted, "validate_checksums", fix=True) == left
    assert problems(drifted, "validate_checksums") == left
    assert ("V2__b", "E012") in problems(drifted, "validate_files")
    event = drifted.events()[-1]
    assert (event["event"], event["path"]) == ("checksum fixed", "V1__a.sql")
    assert event["detail"].startswith("was sha256:")
    assert event["database_user"]
    assert drifted.applied()[0] == "V1__a.sql"


@pytest.mark.parametrize("how", ["alias", "option"])
def test_fix_files_forgets_what_is_missing_and_nothing_else(drifted: Project, how: str) -> None:
    if how == "alias":
        left = problems(drifted, "fix_files")
    else:
        left = problems(drifted, "validate_files", fix=True)
    assert left == {("V3__c", "E015")}
    assert drifted.applied() == ["V1__a.sql"]
    assert {"a", "b"} < drifted.tables()
    assert [event["path"] for event in drifted.events() if event["event"] == "forgotten"] == [
        "V2__b.sql",
        "ROC__x.sql",
    ]
    assert problems(drifted, "validate_checksums") == {("V1__a", "E014"), ("V3__c", "E015")}


def test_fix_does_both_and_says_so(drifted: Project) -> None:
    drifted.call("resolve", "3", rolled_back=True)
    assert drifted.call("fix").splitlines() == [
        "Forgot V2__b.sql, whose file is missing.",
        "Forgot ROC__x.sql, whose file is missing.",
        "Accepted V1__a.sql as it now is.",
    ]
    assert drifted.call("fix") == "Nothing to fix.\n"
    assert drifted.call("validate_files") == "All is well.\n"
    fixed = json.loads(drifted.call("fix", json=True))
    assert fixed == {"problems": [], "fixed": []}


def test_a_late_file_is_reported_and_not_fixed(project: Project) -> None:
    project.write(V2__b=B)
    project.call("upgrade")
    project.write(V1__a=A)
    assert problems(project, "validate_files") == {("V1__a", "E013")}
    assert problems(project, "fix_files") == {("V1__a", "E013")}
    assert problems(project, "validate_checksums") == set()


def test_validate_ignores_the_settings_that_skip(drifted: Project) -> None:
    drifted.configure(SKIP_VALIDATION=True)
    assert ("V1__a", "E014") in problems(drifted, "validate_checksums")
    assert ("V2__b", "E012") in problems(drifted, "validate_files")


def test_a_fix_with_nothing_to_fix_writes_nothing(project: Project) -> None:
    project.write(V1__a=A)
    assert project.call("fix") == "Nothing to fix.\n"
    assert project.connection.introspection.table_names() == []


def test_a_file_that_cannot_be_parsed_is_not_accepted(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.write(V1__a="SELECT 'open;")
    with pytest.raises(CommandError, match=r"V1__a\.sql:1:8: .*jetbase\.E009[\s\S]*Nothing was"):
        project.call("fix_checksums")
    project.write(V1__a=A)
    assert project.call("upgrade") == "Nothing to do.\n"


def test_a_changed_rollback_section_is_the_one_that_runs(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.write(V1__a=A + "CREATE TABLE undone (id INTEGER);")
    assert project.call("fix_checksums") == "Nothing to fix.\n"
    project.call("rollback")
    assert project.tables() == {"undone"}


# ---- baseline


def test_baseline_takes_an_existing_database_for_what_it_is(project: Project) -> None:
    project.query("CREATE TABLE a (id INTEGER)")
    project.write(V1__a=A, V2__b=B, V3__c=C, ROC__x="SELECT 1;")
    assert project.call("baseline", "2") == (
        "Recorded V1__a.sql as baseline\nRecorded V2__b.sql as baseline\n"
    )
    assert project.tables() == {"a"}
    assert "applied    V2__b.sql" in project.call("status")
    assert "(baseline)" in project.call("status")
    assert project.call("current") == "2\n"
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql", "V3__c.sql", "ROC__x.sql"]
    assert project.tables() == {"a", "c"}
    assert [event["event"] for event in project.events()][:2] == ["baseline", "baseline"]


def test_baseline_at_a_version_without_a_file(project: Project) -> None:
    assert project.call("baseline", "5.1") == "Recorded version 5.1 as baseline\n"
    project.write(V6__a=A)
    project.call("upgrade")
    assert project.tables() == {"a"}
    assert "applied    baseline 5.1" in project.call("status")
    assert "baseline 5.1" in project.call("history")
    project.write(V5__late=B)
    with pytest.raises(CommandError, match=r"V5__late\.sql: is below"):
        project.call("upgrade")


def test_baseline_again_is_nothing_to_do_where_the_history_agrees(project: Project) -> None:
    project.write(V1__a=A, V2__b=B)
    project.call("upgrade")
    assert "says already that 2 is applied" in project.call("baseline", "2")
    assert "says already that 2.0 is applied" in project.call("baseline", "2.0")
    for version in ("1", "3"):
        with pytest.raises(CommandError, match="The history is not empty"):
            project.call("baseline", version)


def test_baseline_of_wrong_files_or_no_version(project: Project) -> None:
    project.write(V1__a=A, **{"V1.0__b": B})
    with pytest.raises(CommandError, match=r"jetbase\.E005"):
        project.call("baseline", "1")
    with pytest.raises(CommandError, match="'x' is no version"):
        project.call("baseline", "x")
    assert project.connection.introspection.table_names() == []


# ---- fake


def test_fake_records_without_running(project: Project) -> None:
    project.write(V1__a=A, V2__b=B, ROC__x="SELECT * FROM nowhere;")
    project.call("upgrade", count=1)
    assert "Applied V2__b.sql (recorded only)" in project.call("upgrade", fake=True)
    assert project.tables() == {"a"}
    assert project.call("upgrade") == "Nothing to do.\n"
    assert "(fake)" in project.call("status")
    assert project.events()[-1]["origin"] == "fake"


def test_fake_rollback_records_without_running(project: Project) -> None:
    project.write(V1__a=A, V2__b=C)
    project.call("upgrade")
    project.call("rollback", fake=True, to_version="zero")
    assert project.applied() == []
    assert project.tables() == {"a", "c"}
    assert [event["event"] for event in project.events()][-2:] == ["rolled back"] * 2


def test_a_fake_dry_run_shows_and_records_nothing(project: Project) -> None:
    project.write(V1__a=A)
    assert project.call("upgrade", fake=True, dry_run=True) == "Would only record V1__a.sql\n"
    assert project.connection.introspection.table_names() == []


def test_fake_does_not_go_past_an_incomplete_file(drifted: Project) -> None:
    with pytest.raises(CommandError, match=r"jetbase\.E015"):
        drifted.call("upgrade", fake=True)


# ---- out of order


def test_out_of_order_files_are_applied_where_the_setting_says_so(project: Project) -> None:
    project.write(V2__b=B)
    project.call("upgrade")
    project.write(V1__a=A)
    project.configure(OUT_OF_ORDER="apply", SKIP_FILE_VALIDATION=True)
    assert "pending    V1__a.sql" in project.call("status")
    project.call("upgrade")
    assert project.applied() == ["V2__b.sql", "V1__a.sql"]
    project.call("rollback")
    assert project.tables() == {"b"}


def test_a_skipped_late_file_is_shown_as_ignored(project: Project) -> None:
    project.write(V2__b=B)
    project.call("upgrade")
    project.write(V1__a=A)
    project.configure(SKIP_FILE_VALIDATION=True)
    assert "ignored    V1__a.sql" in project.call("status")
    assert project.call("upgrade", check=True) == "Nothing is pending.\n"


def test_an_applied_version_in_the_middle_that_is_missing_is_an_error(project: Project) -> None:
    project.write(V1__a=A, V2__b=B, V3__c=C)
    project.call("upgrade")
    (project.folder / "V2__b.sql").unlink()
    assert problems(project, "validate_files") == {("V2__b", "E012")}


def test_a_version_above_no_version_at_all_is_a_newer_releases(project: Project) -> None:
    project.write(ROC__x="SELECT 1;")
    project.call("upgrade")
    project.write(V1__a=A)
    project.call("upgrade")
    (project.folder / "V1__a.sql").unlink()
    assert problems(project, "validate_files") == set()
    assert "jetbase.W002" in project.said
    (project.folder / "ROC__x.sql").unlink()
    assert problems(project, "validate_files") == {("V1__a", "E012"), ("ROC__x", "E012")}


def test_a_newer_releases_repeatable_is_not_forgotten(project: Project) -> None:
    """Whatever the order in which that release has applied its files."""
    project.write(V1__a=A)
    project.call("upgrade")
    project.write(V2__b=B, RA__y="SELECT 1;")
    project.call("upgrade")
    project.call("rollback")
    project.write(V3__c=C)
    project.call("upgrade", count=1)
    for name in ("V2__b", "V3__c", "RA__y"):
        (project.folder / f"{name}.sql").unlink()
    assert project.call("fix_files") == "Nothing to fix.\n"
    assert problems(project, "validate_files") == set()


def test_a_newer_releases_late_file_is_not_forgotten(project: Project) -> None:
    """It would run again there."""
    project.configure(OUT_OF_ORDER="apply")
    project.write(V2__b=B)
    project.call("upgrade")
    project.write(V1__a=A, V3__c=C)
    project.call("upgrade")
    for name in ("V1__a", "V3__c"):
        (project.folder / f"{name}.sql").unlink()
    with pytest.raises(CommandError, match=r"forgets nothing while a newer release is ahead"):
        project.call("fix_files")
    assert project.applied() == ["V2__b.sql", "V1__a.sql", "V3__c.sql"]


def test_a_directory_behind_a_broken_link_is_not_missing(project: Project) -> None:
    real = project.folder.parent / "real"
    real.mkdir()
    (real / "V1__a.sql").write_text(A)
    (project.folder / "sub").symlink_to(real)
    project.call("upgrade")
    real.rename(project.folder.parent / "elsewhere")
    with pytest.raises(CommandError, match="sub: cannot be read: the link leads nowhere"):
        project.call("fix_files")
    assert project.applied() == ["sub/V1__a.sql"]


# ---- while a file itself is wrong


def assert_nothing_is_fixed(project: Project, rule: str) -> None:
    before = project.events()
    for command in ("fix", "fix_files", "fix_checksums"):
        with pytest.raises(CommandError, match=rf"{rule}\)[\s\S]*Nothing was fixed") as caught:
            project.call(command)
        assert caught.value.returncode == 4
    assert project.events() == before


@pytest.mark.parametrize("fault", ["unreadable", "bytes", "name", "marker"])
def test_a_file_that_cannot_be_read_is_not_missing(project: Project, fault: str) -> None:
    project.configure(OUT_OF_ORDER="apply")
    project.write(V1__a=A, V2__b="INSERT INTO a VALUES (1);", V3__c=C)
    project.call("upgrade")
    file = project.folder / "V2__b.sql"
    text = file.read_bytes()
    if fault == "unreadable":
        file.unlink()
        file.symlink_to("/nowhere")
    elif fault == "bytes":
        file.write_bytes(text + b"\n-- caf\xe9\n")
    elif fault == "name":
        file.rename(project.folder / "V2_b.sql")
    else:
        file.write_bytes(text + b"\n-- rollback\n-- rollback\n")
    (project.folder / "V1__a.sql").unlink()
    rule = {"name": "E002", "marker": "E006"}.get(fault, "E004")
    found = problems(project, "validate_files")
    assert ("V1__a", "E012") in found
    assert (("V2__b", "E012") in found) == (fault == "name")
    assert_nothing_is_fixed(project, rule)
    assert project.applied() == ["V1__a.sql", "V2__b.sql", "V3__c.sql"]


def test_a_duplicate_is_not_taken_for_what_was_applied(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.write(V01__other=B)
    assert problems(project, "validate_checksums") == {("V1__a", "E005")}
    assert "pending    V01__other.sql" in project.call("status")
    assert_nothing_is_fixed(project, "E005")
    project.write(V1__a=A.replace("id", "n"))
    assert ("V1__a", "E014") in problems(project, "validate_checksums")


def test_an_incomplete_file_is_not_forgotten(drifted: Project) -> None:
    (drifted.folder / "V3__c.sql").unlink()
    drifted.write(V4__d="SELECT 1;")
    assert ("V3__c", "E012") not in problems(drifted, "validate_files")
    assert problems(drifted, "fix_files") == {("V3__c", "E015")}
    assert "incomplete V3__c.sql" in drifted.call("status")


def test_an_incomplete_file_is_not_applied(drifted: Project) -> None:
    assert drifted.call("current") == "2\n"
    drifted.write(V2__b=B)
    with pytest.raises(CommandError, match="The history is not empty"):
        drifted.call("baseline", "3")


def test_every_wrong_file_is_named_at_once(project: Project) -> None:
    project.write(V1__a=A + "-- rollback\n", V2__b="SELECT 'open;", V3__c=C)
    found = {("V1__a", "E006"), ("V2__b", "E009")}
    assert problems(project, "validate_files") == found
    assert problems(project, "validate_checksums") == found
    with pytest.raises(CommandError, match=r"V1__a[\s\S]*V2__b[\s\S]*Nothing was recorded"):
        project.call("baseline", "3")


def test_a_fault_in_the_rollback_section_is_no_change_of_the_upgrade(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    for end, rule in (("-- rollback\n", "E006"), ("SELECT 'open;", "E009")):
        project.write(V1__a=A + end)
        assert problems(project, "validate_checksums") == {("V1__a", rule)}
        with pytest.raises(CommandError, match=rule):
            project.call("upgrade", skip_checksum_validation=True)


def test_an_explicit_policy_wins_over_the_skip(project: Project) -> None:
    project.write(V2__b=B)
    project.call("upgrade")
    project.write(V1__a=A)
    project.configure(OUT_OF_ORDER="error", SKIP_FILE_VALIDATION=True)
    with pytest.raises(CommandError, match=r"jetbase\.E013"):
        project.call("upgrade")
    assert problems(project, "validate_checksums") == set()
    project.configure(OUT_OF_ORDER="warn")
    assert problems(project, "validate_checksums") == set()
    assert project.said == ""


def test_a_baseline_without_a_file_has_nothing_to_roll_back(project: Project) -> None:
    project.call("baseline", "5")
    with pytest.raises(CommandError, match=r"baseline 5 ran nothing here.*--fake"):
        project.call("rollback")
    project.call("rollback", fake=True)
    assert project.call("current") == "No version is applied.\n"


def test_a_rollback_undoes_what_ran(project: Project) -> None:
    """Not what a file of the same version on another branch would undo."""
    project.write(V1__a=A, V2__b=B)
    project.call("upgrade")
    (project.folder / "V2__b.sql").unlink()
    other = "CREATE TABLE c (id INTEGER);\n-- rollback\nDROP TABLE a;\n"
    project.write(V2__other=other)
    project.call("rollback")
    assert "V2__other.sql: its upgrade section is not what ran as V2__b.sql, so" in project.said
    assert "jetbase_fix_checksums" not in project.said
    assert project.tables() == {"a"}
    project.call("upgrade")
    project.write(V2__other=other.replace("(id", "(n"))
    project.configure(HISTORY_TEXT_LIMIT=0)
    project.call("fix_checksums")
    project.write(V2__other=other)
    with pytest.raises(CommandError, match="is not on disk any more and the history has not kept"):
        project.call("rollback")
    assert project.tables() == {"a", "c"}


def test_another_file_of_the_same_version_is_not_accepted(project: Project) -> None:
    project.write(V1__a=A, V2__b=B)
    project.call("upgrade")
    (project.folder / "V2__b.sql").unlink()
    project.write(V2__other="CREATE TABLE c (id INTEGER);")
    with pytest.raises(CommandError) as caught:
        project.call("fix_checksums")
    assert caught.value.returncode == 4
    assert (
        "V2__other.sql: has the version of V2__b.sql, which was applied, and is another file; give"
        " it another version; if it is that file, give it its name back (jetbase.E014)"
    ) in str(caught.value) + project.said
    (project.folder / "V2__other.sql").rename(project.folder / "V3__other.sql")
    project.write(V2__b=B)
    project.call("upgrade")
    assert project.tables() == {"a", "b", "c"}


def test_an_older_release_accepts_nothing(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.write(V1__a=A.replace("id", "number"), V2__b=B)
    project.call("fix_checksums")
    project.call("upgrade")
    (project.folder / "V2__b.sql").unlink()
    project.write(V1__a=A)
    with pytest.raises(CommandError, match="so that it cannot be accepted here"):
        project.call("fix_checksums")
    project.write(V1__a=A.replace("id", "number"), V2__b=B)
    assert project.call("upgrade") == "Nothing to do.\n"


def test_an_older_release_leaves_runs_always_files_to_the_newer(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id INTEGER);", RA__x="INSERT INTO a VALUES (1);")
    project.call("upgrade")
    project.write(V2__b=B, RA__x="INSERT INTO a VALUES (2);", RA__same="SELECT 1;")
    project.call("upgrade")
    (project.folder / "V2__b.sql").unlink()
    project.write(RA__x="INSERT INTO a VALUES (1);", RA__gone="INSERT INTO a VALUES (3);")
    out = project.call("upgrade")
    assert "Applied RA__same.sql" in out
    assert "RA__x.sql: is left to the newer release" in project.said
    assert project.query("SELECT id FROM a ORDER BY id") == [(1,), (2,)]
    assert "RA__gone.sql" not in project.applied()


def test_a_release_that_was_rolled_back_leaves_nothing_behind(project: Project) -> None:
    project.write(V1__a=A, RA__old="SELECT 1;")
    project.call("upgrade")
    project.write(V2__b=B, RA__new="SELECT 1;", ROC__new="SELECT 1;")
    project.call("upgrade")
    project.call("rollback")
    for name in ("V2__b", "RA__new", "ROC__new"):
        (project.folder / f"{name}.sql").unlink()
    project.call("upgrade")
    assert project.said == ""
    assert project.applied() == ["V1__a.sql", "RA__old.sql"]


def test_without_any_file_nothing_is_forgotten(project: Project) -> None:
    """The directory may be a volume that is not mounted."""
    project.write(V1__a=A)
    project.call("upgrade")
    (project.folder / "V1__a.sql").unlink()
    with pytest.raises(CommandError, match="no migration file at all, so nothing is fixed"):
        project.call("fix_files")
    assert project.applied() == ["V1__a.sql"]


def test_an_alias_that_is_none(project: Project) -> None:
    for command in (["upgrade"], ["new", "--from-django", "catalog", "0001"], ["lock_status"]):
        with pytest.raises(CommandError, match=r"(?:has no alias|The connection) 'nope'"):
            call_command(f"jetbase_{command[0]}", *command[1:], "--database=nope")


@pytest.mark.engines("mysql")
def test_a_rollback_that_is_resolved_leaves_the_record_as_it_was(project: Project) -> None:
    project.write(V1__a=A.replace("DROP TABLE a", "DROP TABLE a; DROP TABLE nowhere"))
    project.call("upgrade")
    (project.folder / "V1__a.sql").unlink()
    project.write(V1__other=B)
    with pytest.raises(CommandError, match="Committed are 1 of 2"):
        project.call("rollback")
    project.query("CREATE TABLE a (id INTEGER)")
    project.call("resolve", "1", applied=True)
    assert project.applied() == ["V1__a.sql"]
    with pytest.raises(CommandError, match=r"jetbase\.E014"):
        project.call("upgrade")


def test_the_text_that_was_applied_may_have_no_rollback_section(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id INTEGER);")
    project.call("upgrade")
    project.write(V1__a=A.replace("id", "number"))
    with pytest.raises(CommandError, match="no rollback section in the text that was applied"):
        project.call("rollback")
    project.call("rollback", fake=True)
