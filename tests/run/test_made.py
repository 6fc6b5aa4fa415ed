"""What a runs-on-change file has made comes back where something takes it away."""

import json
import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from ..conftest import Project

A = "CREATE TABLE a (id INTEGER, y INTEGER);"
OFF = "-- jetbase: transaction=off\n"


def view(project: Project, name: str = "v", what: str = "id FROM a") -> str:
    replace = "" if project.vendor == "sqlite" else "OR REPLACE "
    drop = f"DROP VIEW IF EXISTS {name};\n" if project.vendor == "sqlite" else ""
    return f"{drop}CREATE {replace}VIEW {name} AS SELECT {what};"


def trigger(project: Project) -> str:
    return {
        "sqlite": "DROP TRIGGER IF EXISTS t;\n"
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END;",
        "mysql": "CREATE OR REPLACE TRIGGER t AFTER INSERT ON a FOR EACH ROW SET @x = 1;",
        "postgresql": "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RETURN NEW; END$$;\nDROP TRIGGER IF EXISTS t ON a;\n"
        "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();",
    }[project.vendor]


def ran(said: str) -> list[str]:
    return [line.split()[1] for line in said.splitlines() if line.startswith("Applied")]


def state(project: Project, path: str = "ROC__v.sql") -> str:
    found = json.loads(project.call("status", json=True))["migrations"]
    return next(str(entry["state"]) for entry in found if entry["path"] == path)


@pytest.mark.parametrize("head", ["", OFF])
def test_a_view_that_a_versioned_file_drops(project: Project, head: str) -> None:
    """In the same run, behind it."""
    project.write(V1__a=A, ROC__v=head + view(project), ROC__w=view(project, "w", "1 AS x"))
    project.call("upgrade")
    project.write(V2__b="DROP VIEW v;\nALTER TABLE a ADD COLUMN z INTEGER;")
    assert ran(project.call("upgrade")) == ["V2__b.sql", "ROC__v.sql"]
    assert re.search(r"ROC__v\.sql runs again: (?:public\.)?v is gone\.", project.said)
    assert project.query("SELECT * FROM v") == []
    assert project.call("upgrade") == "Nothing to do.\n"
    assert [event["event"] for event in project.events()].count("applied") == 5


def test_a_view_that_somebody_drops_or_replaces(project: Project) -> None:
    project.write(V1__a=A, ROC__v=view(project))
    project.call("upgrade")
    for what in ("DROP VIEW v", view(project, what="y AS id FROM a")):
        for statement in what.split("\n"):
            project.query(statement.rstrip(";"))
        assert state(project) == "pending"
        project.call("status")
        assert "v, and that is gone, or is not what it was" in project.said
        with pytest.raises(CommandError) as caught:
            project.call("upgrade", check=True)
        assert caught.value.returncode == 3
        said = StringIO()
        call_command("check", databases=[project.alias], stderr=said)
        assert "jetbase.W014" in said.getvalue()
        assert "Pending: ROC__v.sql" in said.getvalue()
        assert ran(project.call("upgrade")) == ["ROC__v.sql"]
        assert state(project) == "applied"
        assert project.call("upgrade") == "Nothing to do.\n"


def test_a_trigger_and_its_function(project: Project) -> None:
    project.write(V1__a=A, ROC__v=trigger(project))
    project.call("upgrade")
    on = " ON a" if project.vendor == "postgresql" else ""
    project.query(f"DROP TRIGGER t{on}")
    assert ran(project.call("upgrade")) == ["ROC__v.sql"]
    if on:
        project.query("DROP FUNCTION f() CASCADE")
        assert ran(project.call("upgrade")) == ["ROC__v.sql"]
    assert project.call("upgrade") == "Nothing to do.\n"


@pytest.mark.engines("postgresql")
def test_what_a_cascade_takes_along(project: Project) -> None:
    project.write(
        V1__a=A,
        ROC__v=view(project, "v", "y FROM a"),
        ROC__w=view(project, "w", "y FROM v"),
        ROC__x=view(project, "x", "id FROM a"),
    )
    project.call("upgrade")
    project.write(V2__b="ALTER TABLE a DROP COLUMN y CASCADE;\nALTER TABLE a ADD y BIGINT;")
    assert ran(project.call("upgrade")) == ["V2__b.sql", "ROC__v.sql", "ROC__w.sql"]
    project.write(ROC__v="DROP VIEW v CASCADE;\n" + view(project, "v", "id AS y FROM a"))
    assert ran(project.call("upgrade")) == ["ROC__v.sql", "ROC__w.sql"]
    assert project.query("SELECT * FROM w") == []


@pytest.mark.engines("postgresql")
def test_what_is_no_change(project: Project) -> None:
    """Grants, comments, another search path and an owner leave it as it was made."""
    project.write(
        V1__a=A,
        ROC__v="CREATE SCHEMA IF NOT EXISTS s;\nCREATE OR REPLACE VIEW s.v AS SELECT id FROM a;\n"
        'CREATE OR REPLACE VIEW "V 2" AS SELECT id FROM s.v;\n'
        "CREATE OR REPLACE FUNCTION s.f(x int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1';\n"
        "CREATE OR REPLACE FUNCTION f(x a, OUT y int) LANGUAGE sql AS 'SELECT 1';",
    )
    project.call("upgrade")
    names = project.query("SELECT name FROM django_jetbase_object ORDER BY id")
    assert names == [("s.v",), ('public."V 2"',), ("s.f",), ("public.f",)]
    project.query("GRANT SELECT ON s.v TO PUBLIC; COMMENT ON VIEW s.v IS 'x'")
    project.query("GRANT EXECUTE ON FUNCTION s.f TO PUBLIC; ALTER VIEW s.v OWNER TO CURRENT_USER")
    project.query("SET search_path = public, s")
    assert project.call("upgrade") == "Nothing to do.\n"
    project.query("RESET search_path")
    project.query(
        "CREATE OR REPLACE FUNCTION s.f(x int DEFAULT 2) RETURNS int LANGUAGE sql AS 'SELECT 1'"
    )
    assert ran(project.call("upgrade")) == ["ROC__v.sql"]


@pytest.mark.engines("postgresql")
def test_a_trigger_is_one_of_its_table(project: Project) -> None:
    """Others of its name, on other tables or on new partitions, are not what the file made."""
    project.write(
        V1__a="CREATE TABLE a (id INTEGER) PARTITION BY LIST (id);\n"
        'CREATE SCHEMA s;\nCREATE TABLE s."B" (id INTEGER);',
        ROC__v=trigger(project) + '\nDROP TRIGGER IF EXISTS "T" ON s."B";\nCREATE TRIGGER "T"'
        ' BEFORE UPDATE OF id ON s."B" FOR EACH ROW EXECUTE FUNCTION f();',
    )
    project.call("upgrade")
    names = project.query("SELECT name FROM django_jetbase_object ORDER BY id")
    assert names == [("public.f",), ("t ON public.a",), ('T ON s."B"',)]
    project.query("CREATE TABLE a1 PARTITION OF a FOR VALUES IN (1); CREATE TABLE c (id int)")
    project.query("CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION f()")
    project.query("ALTER TABLE a DISABLE TRIGGER t")
    assert project.call("upgrade") == "Nothing to do.\n"
    project.query('DROP TRIGGER "T" ON s."B"')
    assert ran(project.call("upgrade")) == ["ROC__v.sql"]


def test_what_a_file_makes_and_drops_itself(project: Project) -> None:
    """It is not missed."""
    project.write(V1__a=A, ROC__v=f"{view(project)}\nDROP VIEW v;\n{view(project, 'w')}")
    project.call("upgrade")
    assert project.call("upgrade") == "Nothing to do.\n"
    project.write(ROC__v=view(project, "x"))
    project.call("upgrade")
    project.query("DROP VIEW w")  # nobody's any more
    assert project.call("upgrade") == "Nothing to do.\n"


def test_files_that_take_it_from_each_other(project: Project) -> None:
    """The run ends nevertheless, and says so."""
    drop = "DROP VIEW IF EXISTS {};\n"
    project.write(V1__a=A, ROC__v=drop.format("w") + view(project))
    project.write(ROC__w=drop.format("v") + view(project, "w"))
    assert 3 <= len(ran(project.call("upgrade"))) <= 7
    assert "runs again" in project.said
    assert re.search(r"  (?:public\.)?[vw]: not there as a ROC file made it\.", project.said)


def test_a_run_that_leaves_versions_says_what_it_has_taken_away(project: Project) -> None:
    """Which it does not make anew, since that is written for the last version."""
    project.write(V1__a=A, ROC__v=view(project))
    project.call("upgrade")
    project.write(V2__b="DROP VIEW v;", V3__c="SELECT 1;")
    assert ran(project.call("upgrade", count=1)) == ["V2__b.sql"]
    assert "v: not there as a ROC file made it." in project.said
    assert ran(project.call("upgrade")) == ["V3__c.sql", "ROC__v.sql"]


def test_a_rollback_and_a_file_that_is_gone(project: Project) -> None:
    project.write(V1__a=A, V2__b="SELECT 1;\n-- rollback\nSELECT 2;", ROC__v=view(project))
    project.call("upgrade")
    project.call("rollback")
    assert project.query("SELECT * FROM django_jetbase_object") == []
    project.call("upgrade")
    assert len(project.query("SELECT * FROM django_jetbase_object")) == 1
    (project.folder / "ROC__v.sql").unlink()
    project.call("upgrade")
    assert project.query("SELECT * FROM django_jetbase_object") == []


def test_a_history_of_before(project: Project) -> None:
    """Its table is made with the next run; until then nothing is known."""
    project.write(V1__a=A, ROC__v=view(project))
    project.call("upgrade")
    project.query("DROP TABLE django_jetbase_object")
    project.query("DROP VIEW v")
    assert state(project) == "applied"
    assert project.call("upgrade") == "Nothing to do.\n"
    project.write(ROC__v="-- again\n" + view(project, what="y FROM a"))
    project.call("upgrade")
    project.query("DROP VIEW v")
    assert ran(project.call("upgrade")) == ["ROC__v.sql"]


@pytest.mark.engines("postgresql", "mysql")
def test_a_user_who_may_make_no_table(project: Project) -> None:
    """A newer release needs nothing of anybody: it goes on without knowing."""
    project.write(V1__a=A)
    project.call("upgrade")
    project.query("DROP TABLE django_jetbase_object")
    name = project.connection.settings_dict["NAME"]
    project.query(
        "CREATE ROLE jetbase_maker LOGIN"
        if project.vendor == "postgresql"
        else "CREATE USER jetbase_maker"
    )
    tables = "ALL TABLES IN SCHEMA public" if project.vendor == "postgresql" else f"{name}.*"
    project.query(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO jetbase_maker")
    if project.vendor == "postgresql":
        project.query("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO jetbase_maker")
    twin = project.another("maker", USER="jetbase_maker", PASSWORD="")
    try:
        twin.write(V1__a=A, ROC__v="INSERT INTO a VALUES (1, 2);")
        assert ran(twin.call("upgrade")) == ["ROC__v.sql"]
        assert twin.call("upgrade") == "Nothing to do.\n"
    finally:
        twin.connection.close()
        if project.vendor == "postgresql":
            project.query("DROP OWNED BY jetbase_maker; DROP ROLE jetbase_maker")
        else:
            project.query("DROP USER jetbase_maker")


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize(
    "change",
    ["ALTER TABLE a DROP COLUMN y;", "ALTER TABLE a ALTER y TYPE bigint;", "DROP TABLE a;"],
)
def test_the_file_is_named_that_is_in_the_way(project: Project, change: str) -> None:
    project.write(V1__a=A, ROC__v=view(project, "v", "y FROM a"))
    project.write(ROC__w=view(project, "w", "y FROM v"))
    project.call("upgrade")
    project.write(V2__b=f"SELECT 1;\n-- rollback\n{change}")
    project.call("upgrade")
    with pytest.raises(CommandError, match=r"ROC__v\.sql seems to make v, which depends on that"):
        project.call("rollback")
    project.write(V3__c=change)
    with pytest.raises(CommandError, match="drop v in this file first; the upgrade makes it anew"):
        project.call("upgrade")
    if "bigint" in change:
        project.write(V3__c=f"DROP VIEW v CASCADE;\n{change}")
        assert ran(project.call("upgrade")) == ["V3__c.sql", "ROC__v.sql", "ROC__w.sql"]


def renames(project: Project, head: str = "") -> None:
    text = (project.folder / "ROC__v.sql").read_text()
    (project.folder / "ROC__v.sql").unlink()
    (project.folder / "views").mkdir()
    (project.folder / "views" / "ROC__new.sql").write_text(f"{head}{text}")


def test_a_renamed_file_keeps_its_record(project: Project) -> None:
    project.write(V1__a=A, ROC__v=view(project), RA__r="SELECT 1;")
    project.call("upgrade")
    ids = dict(project.query("SELECT path, id FROM django_jetbase_migration"))
    renames(project, "-- jetbase: was=ROC__v.sql\n")
    (project.folder / "RA__r.sql").rename(project.folder / "RA__s.sql")
    assert "Would rename ROC__v.sql to views/ROC__new.sql" in project.call("upgrade", dry_run=True)
    assert project.call("upgrade", check=True) == "Nothing is pending.\n"
    assert project.run_script(project.call("upgrade", sql=True)).returncode == 0
    assert ("views/ROC__new.sql", ids["ROC__v.sql"]) in project.query(
        "SELECT path, id FROM django_jetbase_migration"
    )
    event = next(event for event in project.events() if event["event"] == "renamed")
    assert (event["path"], event["detail"]) == ("views/ROC__new.sql", "was ROC__v.sql")
    assert "RA__s.sql" in project.applied()
    project.call("upgrade")
    assert state(project, "views/ROC__new.sql") == "applied"
    project.query("DROP VIEW v")
    assert "views/ROC__new.sql" in ran(project.call("upgrade"))


def test_a_renamed_file_that_is_changed_too_runs(project: Project) -> None:
    project.write(V1__a=A, ROC__v=view(project))
    project.call("upgrade")
    renames(project, "-- jetbase: was=ROC__v.sql\nSELECT 1;\n")
    said = project.call("upgrade")
    assert ran(said) == ["views/ROC__new.sql"]
    assert "Retired ROC__v.sql" in said
    assert project.applied() == ["V1__a.sql", "views/ROC__new.sql"]


def test_a_name_of_before_on_a_new_database_or_with_the_old_file(project: Project) -> None:
    project.write(V1__a=A, ROC__v=view(project))
    project.write(ROC__w="-- jetbase: was=ROC__v.sql\n-- jetbase: other_markers=ignore\nSELECT 1;")
    assert ran(project.call("upgrade")) == ["V1__a.sql", "ROC__v.sql", "ROC__w.sql"]
    project.write(ROC__x="-- jetbase: was=V1__a.sql\nSELECT 1;")
    with pytest.raises(CommandError, match=r"ROC__x\.sql:1:1: 'was=V1__a\.sql' is no directive"):
        project.call("upgrade")
