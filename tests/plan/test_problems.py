"""One test for each id, named after it: the place, the message and the way out."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.core.management.base import CommandError

from django_jetbase.checks import check_database, check_files, check_settings
from django_jetbase.problems import Rule

from ..conftest import Project
from ..interop.test_foreign import jetbase_rows, on_sqlite

A = "CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;\n"
B = "CREATE TABLE b (id INTEGER);\n"


def found(project: Project) -> dict[str, dict[str, Any]]:
    """What the status says is wrong, by id."""
    problems = json.loads(project.call("status", json=True))["problems"]
    return {problem["id"]: problem for problem in problems}


def warned(project: Project) -> dict[str, str]:
    """What `check --database` says, by id."""
    messages = checks.run_checks(databases=[project.alias])
    return {str(m.id): str(m) for m in messages if str(m.id).startswith("jetbase")}


def assert_upgrade_refuses(project: Project, rule: str) -> None:
    with pytest.raises(CommandError, match=re.escape(f"({rule})")) as caught:
        project.call("upgrade", check=True)
    assert caught.value.returncode == 4
    with pytest.raises(CommandError, match=re.escape(f"({rule})")):
        project.call("upgrade")


def test_every_id_has_a_test_and_a_line_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "problems.md").read_text(encoding="utf-8")
    for rule in Rule:
        number = rule.rpartition(".")[2]
        assert f"test_{number}" in globals()
        assert page.count(f"`{rule}`") >= 1, rule


def test_E001(project: Project) -> None:
    project.configure(OUT_OF_ORDER="perhaps")
    assert "must be 'error' or 'warn' or 'apply'" in warned(project)["jetbase.E001"]
    with pytest.raises(CommandError, match="OUT_OF_ORDER"):
        project.call("upgrade")


def test_E002(project: Project) -> None:
    project.write(V1__a=A, R__b=B)
    problem = found(project)["jetbase.E002"]
    assert (problem["path"], problem["hint"][:9]) == ("R__b.sql", "what Flyw")
    assert "R__b.sql: (jetbase.E002) The name is none of" in warned(project)["jetbase.E002"]
    assert_upgrade_refuses(project, "jetbase.E002")


def test_E003(project: Project) -> None:
    other = project.folder.parent / "other"
    other.mkdir()
    (other / "V1__a.sql").write_text(A)
    project.write(V1__a=A)
    project.configure(MIGRATIONS_DIR=[project.folder, other])
    assert "also stands in" in found(project)["jetbase.E003"]["message"]
    assert "jetbase.E003" in warned(project)
    assert_upgrade_refuses(project, "jetbase.E003")


def test_E004(project: Project) -> None:
    project.write(V1__a=A, V2__b=b"SELECT 1;\n-- \xff")
    problem = found(project)["jetbase.E004"]
    assert (problem["path"], problem["line"]) == ("V2__b.sql", 2)
    assert "is not UTF-8" in warned(project)["jetbase.E004"]
    assert_upgrade_refuses(project, "jetbase.E004")


def test_E005(project: Project) -> None:
    project.write(V1__a=A, **{"V01.0__b": B})
    assert found(project)["jetbase.E005"]["path"] == "V1__a.sql"
    assert "has the same version as" in warned(project)["jetbase.E005"].lower()
    assert_upgrade_refuses(project, "jetbase.E005")


def test_E006(project: Project) -> None:
    project.write(V1__a=A + "-- rollback\n")
    assert found(project)["jetbase.E006"]["line"] == 4
    assert "second rollback marker" in warned(project)["jetbase.E006"]
    assert_upgrade_refuses(project, "jetbase.E006")


def test_E007(project: Project) -> None:
    project.write(V1__a="-- jetbase: transacton=off\n" + A)
    assert "known are delimiter" in found(project)["jetbase.E007"]["hint"]
    assert_upgrade_refuses(project, "jetbase.E007")


def test_E008(project: Project) -> None:
    project.write(V1__a=B + "-- jetbase: transaction=off\nSELECT 1;")
    assert found(project)["jetbase.E008"]["line"] == 2
    assert_upgrade_refuses(project, "jetbase.E008")


def test_E009(project: Project) -> None:
    project.write(V1__a=B + "SELECT 'open;\n")
    problem = found(project)["jetbase.E009"]
    assert (problem["line"], problem["column"]) == (2, 8)
    assert_upgrade_refuses(project, "jetbase.E009")


@pytest.mark.engines("postgresql", "sqlite")
def test_E010(project: Project) -> None:
    project.write(V1__a=B + "VACUUM;\n")
    problem = found(project)["jetbase.E010"]
    assert (problem["line"], "transaction=off" in problem["hint"]) == (2, True)
    assert_upgrade_refuses(project, "jetbase.E010")
    assert "jetbase.E010" in warned(project)
    for command in ("validate_files", "validate_checksums"):
        with pytest.raises(CommandError, match=r"jetbase\.E010"):
            project.call(command)


@pytest.mark.engines("postgresql", "sqlite")
def test_E010_of_a_file_that_brings_its_own_transaction(project: Project) -> None:
    """As sqlmigrate prints one: the first way out is to take both lines out."""
    project.write(V1__a=f"BEGIN;\n{B}COMMIT;\n")
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    first, last, _end = str(caught.value).splitlines()
    for line, place in ((first, "V1__a.sql:1:1"), (last, "V1__a.sql:3:1")):
        assert line.startswith(f"{place}: ")
        assert "delete it and the other one" in line
    for text in (f"BEGIN;\n{B}", f"{B}COMMIT;", f"BEGIN;\nCOMMIT;\n{B}BEGIN;\nCOMMIT;"):
        project.write(V1__a=text)
        with pytest.raises(CommandError, match="transaction=off before") as caught:
            project.call("upgrade")
        assert "the other one" not in str(caught.value)
    project.write(V1__a=B)
    project.call("upgrade")


def test_E011(project: Project) -> None:
    project.write(V1__a=B)
    project.call("upgrade")
    with pytest.raises(CommandError, match=r"V1__a\.sql: has no rollback .*jetbase\.E011"):
        project.call("rollback")
    assert project.tables() == {"b"}


def test_E012(project: Project) -> None:
    project.write(V1__a=A, V2__b=B, ROC__c="SELECT 1;")
    project.call("upgrade")
    (project.folder / "V1__a.sql").unlink()
    assert found(project)["jetbase.E012"]["version"] == "1"
    assert "Is applied but its file is missing" in warned(project)["jetbase.E012"]
    assert_upgrade_refuses(project, "jetbase.E012")


def test_E013(project: Project) -> None:
    project.write(V2__b=B)
    project.call("upgrade")
    project.write(V1__a=A)
    assert "highest applied version 2" in found(project)["jetbase.E013"]["message"]
    assert "jetbase.E013" in warned(project)
    assert_upgrade_refuses(project, "jetbase.E013")
    assert project.tables() == {"b"}


def test_E014(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.write(V1__a=A.replace("id", "number"))
    assert "jetbase_fix_checksums" in found(project)["jetbase.E014"]["hint"]
    assert "jetbase.E014" in warned(project)
    assert_upgrade_refuses(project, "jetbase.E014")


def test_E015(project: Project) -> None:
    project.write(V1__a="-- jetbase: transaction=off\n" + B + "SELECT * FROM nowhere;")
    with pytest.raises(CommandError):
        project.call("upgrade")
    assert "jetbase_resolve 1 --applied" in found(project)["jetbase.E015"]["hint"]
    assert "jetbase.E015" in warned(project)
    assert_upgrade_refuses(project, "jetbase.E015")


def test_E016(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.configure(HISTORY_TABLE_PREFIX="other_")
    assert "HISTORY_TABLE_PREFIX" in found(project)["jetbase.E016"]["hint"]
    assert "jetbase.E016" in warned(project)
    assert_upgrade_refuses(project, "jetbase.E016")


def test_E017(project: Project) -> None:
    project.write(V1__a=f"{B}-- migrate:down\n{A}")
    assert "write -- rollback" in found(project)["jetbase.E017"]["hint"]
    assert "jetbase.E017" in warned(project)
    assert_upgrade_refuses(project, "jetbase.E017")


def test_W010(project: Project) -> None:
    project.write(V1__a="-- nothing yet\n-- rollback\n")
    assert "only recorded" in found(project)["jetbase.W010"]["message"]
    assert "jetbase.W010" in warned(project)
    project.call("upgrade")
    assert "V1__a.sql: has no statement to run" in project.said
    assert "jetbase.W010" not in found(project)
    project.call("rollback")
    assert project.said == ""


def test_W011(project: Project) -> None:
    off = "-- jetbase: transaction=off\n"
    project.write(V1__a=A, ROC__b=f"{off}{B}\nSELECT * FROM nowhere;")
    with pytest.raises(CommandError, match="runs it from its beginning"):
        project.call("upgrade")
    assert "nothing needs to be done" in found(project)["jetbase.W011"]["hint"]
    assert "jetbase.W011" in warned(project)
    assert "incomplete ROC__b.sql" in project.call("status")


@pytest.mark.engines("postgresql", "sqlite")
def test_W012(project: Project) -> None:
    project.write(V1__a=f"{B}-- rollback\nDROP TABLE b;\nVACUUM;\n")
    assert "before the first statement" in found(project)["jetbase.W012"]["hint"]
    assert "jetbase.W012" in warned(project)
    project.call("upgrade")
    assert "V1__a.sql:4:1: VACUUM" in project.said
    assert "jetbase.W012" not in found(project)
    with pytest.raises(CommandError, match=r"V1__a\.sql:4:1: VACUUM .*\(jetbase\.E010\)"):
        project.call("rollback")


def test_W013(project: Project) -> None:
    """A repeatable file that is gone leaves the history, and what it made stays."""
    project.write(V1__a=A, ROC__v="CREATE TABLE made (id INTEGER);", RA__r="SELECT 1;")
    project.call("upgrade")
    (project.folder / "ROC__v.sql").unlink()
    (project.folder / "RA__r.sql").unlink()
    assert found(project)["jetbase.W013"]["path"] in ("ROC__v.sql", "RA__r.sql")
    assert "jetbase.W013" in warned(project)
    assert project.call("upgrade", check=True) == "Nothing is pending.\n"
    assert "Would retire ROC__v.sql" in project.call("upgrade", dry_run=True)
    document = json.loads(project.call("upgrade", json=True, dry_run=True))
    assert {step["origin"] for step in document["steps"]} == {"retired"}
    project.call("upgrade", skip_file_validation=True)
    assert len(project.applied()) == 3
    project.write(V2__b=B)
    said = project.call("upgrade")
    assert "Retired ROC__v.sql (its file is gone)" in said
    assert "Retired RA__r.sql (its file is gone)" in said
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]
    assert {"a", "b", "made"} <= project.tables()
    event = project.events()[-1]
    assert (event["event"], event["detail"]) == ("forgotten", "its file is gone")
    assert project.call("upgrade") == "Nothing to do.\n"


def test_E018(project: Project) -> None:
    """What ran once does not run once more because its record is gone."""
    project.write(V1__a=A, V2__b=B)
    project.call("upgrade", to_version="1")
    project.query("DELETE FROM django_jetbase_migration")
    assert "restore the tables" in found(project)["jetbase.E018"]["hint"]
    assert_upgrade_refuses(project, "jetbase.E018")
    project.call("upgrade", fake=True, to_version="1")
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]
    project.write(V2__b=f"{B}-- rollback\nDROP TABLE b;")
    project.call("rollback", to_version="zero")
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]


def test_E018_behind_a_rollback_that_failed(project: Project) -> None:
    """It is still what the log has last that has changed anything."""
    project.write(V1__a="SELECT 1;\n-- rollback\nSELECT * FROM nowhere;")
    project.call("upgrade")
    with pytest.raises(CommandError, match="nowhere"):
        project.call("rollback")
    project.query("DELETE FROM django_jetbase_migration")
    assert_upgrade_refuses(project, "jetbase.E018")


def test_W014(project: Project) -> None:
    project.write(V1__a=A, ROC__v="CREATE TABLE IF NOT EXISTS made (id INTEGER);")
    project.call("upgrade")
    project.query("DROP TABLE made")
    assert "an upgrade runs the file again" in found(project)["jetbase.W014"]["message"]
    assert "jetbase.W014" in warned(project)
    assert "Applied ROC__v.sql" in project.call("upgrade")
    assert "jetbase.W014" not in found(project)


def test_W013_in_a_script(project: Project) -> None:
    project.write(V1__a=A, ROC__v="SELECT 1;")
    project.call("upgrade")
    (project.folder / "ROC__v.sql").unlink()
    assert project.run_script(project.call("upgrade", sql=True)).returncode == 0
    assert project.applied() == ["V1__a.sql"]
    assert project.events()[-1]["event"] == "forgotten"


def test_W013_is_none_where_there_is_no_file_at_all(project: Project) -> None:
    """The directory is rather the wrong one."""
    project.write(ROC__v="SELECT 1;")
    project.call("upgrade")
    (project.folder / "ROC__v.sql").unlink()
    assert_upgrade_refuses(project, "jetbase.E012")
    assert project.applied() == ["ROC__v.sql"]


def test_W001(project: Project) -> None:
    project.configure(MIGRATIONS_DIR=project.folder / "nowhere")
    assert list(warned(project)) == ["jetbase.W001"]
    with pytest.raises(CommandError, match="create it with jetbase_init"):
        project.call("upgrade")


def test_W002(project: Project) -> None:
    """An older release during a rolling deployment goes on working, and undoes nothing."""
    old_view = "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 1 AS n;"
    project.write(V1__a=A, ROC__v=old_view)
    project.call("upgrade")
    project.write(V2__b=B, ROC__v=old_view.replace("1", "2"), ROC__w="SELECT 1;")
    project.call("upgrade")
    (project.folder / "V2__b.sql").unlink()
    (project.folder / "ROC__w.sql").unlink()
    project.write(ROC__v=old_view)
    assert found(project)["jetbase.W002"]["path"] == "ROC__w.sql"
    assert "newer release" in warned(project)["jetbase.W002"]
    assert project.call("upgrade") == "Nothing to do.\n"
    assert "V2__b.sql: was applied by a newer release" in project.said
    assert project.query("SELECT n FROM v") == [(2,)]
    assert "ignored    ROC__v.sql" in project.call("status")
    assert found(project)["jetbase.W003"]["path"] == "ROC__v.sql"
    project.query("DELETE FROM django_jetbase_migration WHERE path = 'ROC__v.sql'")
    assert "ignored    ROC__v.sql" in project.call("status")  # the newer one may have renamed it
    assert project.call("upgrade") == "Nothing to do.\n"
    assert project.query("SELECT n FROM v") == [(2,)]
    project.call("validate_files")
    project.call("rollback", fake=True)
    assert "Applied ROC__v.sql" in project.call("upgrade")


def test_W003(project: Project) -> None:
    project.configure(OUT_OF_ORDER="warn")
    project.write(V2__b=B)
    project.call("upgrade")
    project.write(V1__a=A)
    assert "is not run" in found(project)["jetbase.W003"]["message"]
    assert "jetbase.W003" in warned(project)
    assert project.call("upgrade", skip_validation=True) == "Nothing to do.\n"
    assert "jetbase.W003" in project.said
    assert "ignored    V1__a.sql" in project.call("status")


def test_W004(project: Project) -> None:
    project.write(V1__a=A, RA__x="SELECT 1;")
    assert "Pending: V1__a.sql\n\tHINT: Run jetbase_upgrade." in warned(project)["jetbase.W004"]
    project.call("upgrade")
    assert warned(project) == {}


@pytest.mark.engines("postgresql")
def test_W005(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.query("CREATE SCHEMA s")
    project.query("ALTER TABLE django_jetbase_migration SET SCHEMA s")
    assert "is in the schema 's'" in warned(project)["jetbase.W005"]
    with pytest.raises(CommandError, match=r"ALTER TABLE \"public\"\.\w+ SET SCHEMA \"s\""):
        project.call("upgrade")


@pytest.mark.engines("postgresql")
def test_W006(project: Project) -> None:
    project.write(V1__a=A)
    standby = project.another(OPTIONS={"options": "-c default_transaction_read_only=on"})
    assert "on its primary" in warned(standby)["jetbase.W006"]
    with pytest.raises(CommandError, match="takes no writes; run this on its primary"):
        standby.call("upgrade")
    assert "pending" in standby.call("status")


def test_W007(project: Project) -> None:
    text = B + "INSERT INTO b VALUES (1) -- the last line needs no delimiter here"
    project.write(V1__a=text)
    checksum = on_sqlite("jetbase").checksum(text)
    jetbase_rows(project, ("'1'", "V1__a.sql", "VERSIONED", "CURRENT_TIMESTAMP", checksum))
    project.call("import", "jetbase")
    assert project.said == (
        "V1__a.sql:2: with jetbase line 2 never ran: no line that ends in the delimiter follows;"
        " see what the database lacks, and write a new migration that mends it (jetbase.W007)\n"
    )


def test_W008(project: Project) -> None:
    project.write(V1__a=A)
    project.call("upgrade")
    project.write(V1__a=B + "-- rollback\nDROP TABLE b;\n")
    project.call("rollback")
    assert project.said == (
        "V1__a.sql: its upgrade section is not what ran as V1__a.sql, so the rollback section that"
        " was applied with that holds, which the history has kept; to use the one of the file, put"
        " its upgrade section back, or accept it with jetbase_fix_checksums (jetbase.W008)\n"
    )
    assert project.tables() == set()


def test_W009(project: Project) -> None:
    """It is said of what will run, with its line; a directive that holds is passed over."""
    role, keys = "role=none", "foreign_keys=off"
    useless = {"postgresql": [keys], "sqlite": [role], "mysql": [role, keys]}[project.vendor]
    text = f"-- jetbase: lock_timeout=9s\n-- jetbase: {role}\n-- jetbase: {keys}\n{A}"
    project.write(V1__a=text)
    lines = [
        f"V1__a.sql:{2 if word == role else 3}:1: the directive {word.partition('=')[0]} holds for"
        f" nothing on {project.connection.display_name}; leave it if the file also runs where it"
        " does; else take it out (jetbase.W009)\n"
        for word in useless
    ]
    assert found(project)["jetbase.W009"]["line"] in (2, 3)
    assert "holds for nothing on" in warned(project)["jetbase.W009"]
    project.call("upgrade", dry_run=True)
    assert project.said == "".join(lines)
    project.call("upgrade")
    assert project.said == "".join(lines)
    assert found(project) == {}
    project.call("rollback")
    assert project.said == "".join(lines)


def test_a_database_that_is_down_is_a_warning(project: Project) -> None:
    project.write(V1__a=A)
    wrong = {"NAME": "/nowhere/db"} if project.vendor == "sqlite" else {"PORT": "1"}
    (warning,) = check_database(databases=[project.another(**wrong).alias])
    assert (warning.id, warning.level) == ("jetbase.W005", checks.WARNING)
    assert "cannot be read" in warning.msg


def test_a_mirror_is_not_checked(project: Project) -> None:
    project.write(V1__a=A)
    assert warned(project.another(TEST={"MIRROR": project.alias})) == {}


def test_without_autocommit_a_check_leaves_no_transaction_open(project: Project) -> None:
    project.write(V1__a=A)
    twin = project.another(AUTOCOMMIT=False)
    assert "jetbase.W004" in warned(twin)
    assert not twin.connection.get_autocommit()
    twin.call("upgrade")
    assert project.tables() == {"a"}
    assert "applied" in twin.call("status")
    project.query("DROP TABLE a")  # waits for ever where a transaction has read it


@pytest.mark.parametrize("tags", [None, ["jetbase"]])
def test_check_reads_the_texts_without_a_database(project: Project, tags: Any) -> None:
    """As the database reads them that the alias has."""
    project.write(
        V1__a="SELECT 1;\n-- rollback\n-- rollback\n",
        V2__b="-- jetbase: nonsense=1\nSELECT 1;",
        V3__c="SELECT 1;\n-- jetbase: transaction=off\nSELECT 2;",
        V4__d="SELECT 'never ends;",
        V5__e="CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT ';' $$;"
        if project.vendor == "postgresql"
        else "SELECT `a;b`;",
    )
    project.connection.close()
    messages = checks.run_checks(tags=tags)
    assert tags is None or project.connection.connection is None
    found = {(str(m.obj), m.id, m.level) for m in messages if m.id and m.id > "jetbase.E005"}
    assert found == {
        ("V1__a.sql:3:1", "jetbase.E006", checks.WARNING),
        ("V2__b.sql:1:1", "jetbase.E007", checks.WARNING),
        ("V3__c.sql:2:1", "jetbase.E008", checks.WARNING),
        ("V4__d.sql:1:8", "jetbase.E009", checks.WARNING),
    }
    assert {"jetbase.E006", "jetbase.E009"} <= {
        m.id for m in checks.run_checks(tags=["database"], databases=[project.alias])
    }


def test_check_touches_no_database_unless_asked(project: Project) -> None:
    project.write(V1__a=A, R__x="")
    broken = project.another(NAME="/nowhere/db", PORT="1")
    assert check_settings() == []
    assert [message.id for message in check_files()] == ["jetbase.E002"] * 2
    assert check_database() == []
    assert broken.connection.connection is None
