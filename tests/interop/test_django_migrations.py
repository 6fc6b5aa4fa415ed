"""Files made from Django's own migrations do what these do, and keep Django's record in step."""

import io
import json
from importlib import import_module
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.migrations import AddField, Migration, RunSQL, SeparateDatabaseAndState
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import IntegerField

from django_jetbase.interop.django_applied import Dependencies

from ..conftest import Project

DONE = ("0001_initial", "0002_rows", "0003_alterations")


def migrate(project: Project, *target: str) -> None:
    call_command("migrate", *target, database=project.alias, verbosity=0, interactive=False)


def shown(project: Project) -> list[str]:
    """The migrations of the app that Django takes for applied."""
    out = io.StringIO()
    call_command("showmigrations", "catalog", database=project.alias, stdout=out, no_color=True)
    return [line.split()[1] for line in out.getvalue().splitlines() if line.startswith(" [X]")]


def schema(project: Project) -> dict[str, Any]:
    """Columns, constraints and rows of the app's tables."""
    found: dict[str, Any] = {}
    introspection = project.connection.introspection
    with project.connection.cursor() as cursor:
        for table in sorted(t for t in project.tables() if t.startswith("catalog_")):
            columns = introspection.get_table_description(cursor, table)
            names = [column.name for column in columns]
            constraints = introspection.get_constraints(cursor, table)
            found[table] = (
                sorted((c.name, c.type_code, c.null_ok) for c in columns),
                sorted(str(sorted(c.items(), key=str)) for c in constraints.values()),
                sorted(project.query(f"SELECT {', '.join(sorted(names))} FROM {table}")),
            )
    return found


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> type[Migration]:
    """A migration of the app, for other operations."""
    module = import_module("tests.catalog.migrations.0005_irreversible")
    monkeypatch.setattr(module.Migration, "operations", [])
    monkeypatch.setattr(module.Migration, "dependencies", [("catalog", "0001_initial")])
    migration: type[Migration] = module.Migration
    return migration


@pytest.fixture
def made(project: Project) -> Project:
    for name in DONE:
        project.call("new", from_django=["catalog", name[:4]])
    return project


def test_the_files_do_what_the_migrations_do(made: Project) -> None:
    states = [schema(made)]
    for name in DONE:
        migrate(made, "catalog", name)
        states.append(schema(made))
    migrate(made, "catalog", "zero")
    for number, name in enumerate(DONE, 1):
        made.call("upgrade", count=1)
        assert schema(made) == states[number], name
        assert shown(made) == list(DONE[:number])
    for number in reversed(range(len(DONE))):
        made.call("rollback")
        assert schema(made) == states[number]
        assert shown(made) == list(DONE[:number])


def test_nothing_is_in_doubt_where_django_looks_nothing_up(made: Project) -> None:
    (text,) = (path.read_text() for path in made.folder.iterdir() if "0001" in path.name)
    assert "CHECK THIS" not in text
    assert made.said == ""


def test_what_django_has_applied_is_recorded_only(made: Project) -> None:
    migrate(made, "catalog", "0002")
    said = made.call("upgrade", dry_run=True)
    assert "Would only record" in said
    assert made.call("status").count("(would only record)") == 2
    found = json.loads(made.call("status", json=True))["migrations"]
    assert [entry["only_recorded"] for entry in found] == [True, True, False]
    lines = made.call("upgrade").splitlines()
    assert ["recorded only" in line for line in lines] == [True, True, False]
    assert shown(made) == list(DONE)
    assert "(django)" in made.call("status")
    migrate(made)
    assert made.call("upgrade") == "Nothing to do.\n"


def test_the_name_may_be_shortened_in_the_directive(project: Project) -> None:
    migrate(project)
    text = "SELECT * FROM nowhere;"
    project.write(
        V1__a="-- jetbase: django=catalog.0001\n" + text,
        V2__b="-- jetbase: django=catalog.0001_initial\n" + text,
    )
    project.call("upgrade")
    assert project.applied() == ["V1__a.sql", "V2__b.sql"]
    for other in ("catalog.000", "catalog.0001_init", "auth.0001_initia", "catalog.0009"):
        project.write(V3__c=f"-- jetbase: django={other}\n" + text)
        with pytest.raises(CommandError, match="nowhere"):
            project.call("upgrade")


def test_a_full_name_is_no_prefix_of_another(project: Project) -> None:
    """Else a file would count as done because of a migration that only has a longer name."""
    migrate(project)
    MigrationRecorder(project.connection).record_applied("catalog", "0007_item_price")
    project.write(V1__a="-- jetbase: django=catalog.0007_item\nCREATE TABLE a (id INTEGER);")
    assert "recorded only" not in project.call("upgrade")
    assert "a" in project.tables()


def test_a_file_stands_for_one_migration(project: Project) -> None:
    lines = "-- jetbase: django=catalog.0002\n-- jetbase: django=catalog.0001\n"
    project.write(V1__a=f"{lines}CREATE TABLE a (id INTEGER);")
    with pytest.raises(CommandError, match=r"V1__a\.sql:2:1: the directive .*E007"):
        project.call("upgrade")


def test_without_djangos_table_nothing_is_taken_for_applied(project: Project) -> None:
    project.write(V1__a="-- jetbase: django=catalog.0001\nCREATE TABLE a (id INTEGER);")
    project.call("upgrade")
    assert project.tables() == {"a"}


def test_an_irreversible_migration_has_no_rollback(project: Project) -> None:
    path = project.call("new", from_django=["catalog", "0005"]).strip()
    text = (project.folder / path).read_text()
    assert text.startswith("-- jetbase: django=catalog.0005_irreversible\n")
    assert "-- jetbase: transaction=off\n" in text
    assert "no rollback section" in text
    migrate(project, "catalog", "0004")
    project.call("upgrade")
    assert project.query("SELECT sheets FROM catalog_book") == [(4,)]
    assert shown(project)[-1] == "0005_irreversible"
    with pytest.raises(CommandError, match=r"jetbase\.E011"):
        project.call("rollback")


@pytest.mark.engines("postgresql", "mysql")
def test_what_django_looks_up_in_the_database_is_said(project: Project) -> None:
    """The name of a unique constraint is known only where there is one."""
    migrate(project, "catalog", "0003")
    path = project.call("new", from_django=["catalog", "0004"]).strip()
    text = (project.folder / path).read_text()
    assert "-- rollback\n-- CHECK THIS SECTION" in text
    assert "not as it is after" in text
    assert "CHECK THE ROLLBACK SECTION" in project.said
    migrate(project, "catalog", "0004")
    path = project.call("new", "again", from_django=["catalog", "0004"]).strip()
    text = (project.folder / path).read_text()
    _upgrade, rollback = text.split("-- rollback")
    assert "CHECK" not in rollback
    assert "DROP" in rollback


@pytest.mark.parametrize(
    ("app", "name", "message"),
    [
        ("catalog", "0006", r"catalog\.0006_python runs Python.*RunPython\(count_the_sheets\)"),
        ("nowhere", "0001", "No installed app with label 'nowhere'"),
        ("django_jetbase", "0001", "has no migrations"),
        ("catalog", "0009", "has no migration '0009'"),
        ("catalog", "000", "More than one migration"),
    ],
)
def test_what_cannot_be_written(project: Project, app: str, name: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        project.call("new", from_django=[app, name])
    assert list(project.folder.iterdir()) == []


def test_the_description_is_the_users_or_djangos(project: Project) -> None:
    path = project.call("new", from_django=["catalog", "0001"], migration_version="1")
    assert path.strip().endswith("V1__catalog_0001_initial.sql")
    path = project.call("new", "my words", from_django=["catalog", "0001"], migration_version="2")
    assert path.strip().endswith("V2__my_words.sql")
    with pytest.raises(CommandError, match="Describe"):
        project.call("new")


def test_without_djangos_table_a_written_file_is_refused_before_it_runs(made: Project) -> None:
    with pytest.raises(CommandError, match=r"0001.*which is not there yet; run migrate first"):
        made.call("upgrade")
    assert made.tables() == set()


@pytest.mark.parametrize(
    ("sql", "reverse", "reason"),
    [
        ("CREATE TABLE x (id int);\n-- rollback\nCREATE TABLE y (id int);", None, "marker"),
        ("CREATE TABLE x (id int);\n-- rollback\n", "DROP TABLE x", "second rollback marker"),
        ("SELECT 1;\n-- jetbase: transaction=off\n", None, "a directive below a statement"),
    ],
)
@pytest.mark.engines("postgresql")  # the others' backends take comments out of it
def test_text_that_would_be_read_otherwise(
    project: Project, catalog: type[Migration], sql: str, reverse: str | None, reason: str
) -> None:
    catalog.operations = [RunSQL(sql, reverse)]
    with pytest.raises(CommandError, match=f"cannot be written as a file: .*{reason}"):
        project.call("new", from_django=["catalog", "0005"])
    assert list(project.folder.iterdir()) == []


def test_text_that_a_placeholder_would_change(project: Project, catalog: type[Migration]) -> None:
    catalog.operations = [RunSQL([("SELECT %s", ["Dear ${name}"])])]
    project.configure(PLACEHOLDERS={"name": "x"})
    with pytest.raises(CommandError, match="one of the PLACEHOLDERS"):
        project.call("new", from_django=["catalog", "0005"])
    project.configure(PLACEHOLDERS={"other": "x"})
    project.call("new", from_django=["catalog", "0005"])


def test_a_full_name_that_begins_another_is_not_ambiguous(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = MigrationLoader.load_disk

    def with_another(loader: MigrationLoader) -> None:
        load(loader)
        name = "0001_initial_and_more"
        other = Migration(name, "catalog")
        other.dependencies = [("catalog", "0006_python")]
        loader.disk_migrations["catalog", name] = other

    monkeypatch.setattr(MigrationLoader, "load_disk", with_another)
    path = project.call("new", from_django=["catalog", "0001_initial"]).strip()
    assert "django=catalog.0001_initial\n" in (project.folder / path).read_text()


@pytest.mark.engines("sqlite")
def test_a_carriage_return_that_a_file_would_lose(
    project: Project, catalog: type[Migration]
) -> None:
    catalog.operations = [RunSQL([("SELECT %s", ["a\r\nb"])])]
    with pytest.raises(CommandError, match="carriage returns"):
        project.call("new", from_django=["catalog", "0005"])


@pytest.mark.engines("postgresql")
def test_a_comment_at_the_end_swallows_nothing(project: Project, catalog: type[Migration]) -> None:
    catalog.operations = [
        RunSQL("CREATE SCHEMA s -- one"),
        RunSQL("-- two\nCREATE TABLE two (id int) -- three"),
    ]
    recorder = MigrationRecorder(project.connection)
    recorder.ensure_schema()
    recorder.record_applied("catalog", "0001_initial")
    project.call("new", from_django=["catalog", "0005"], migration_version="1")
    project.call("upgrade")
    assert project.query("SELECT schemaname FROM pg_tables WHERE tablename = 'two'") == [
        ("public",)
    ]
    assert shown(project) == ["0001_initial", "0005_irreversible"]


def test_what_it_depends_on_comes_first(project: Project) -> None:
    """Django refuses a record in which a migration is applied before what it depends on."""
    MigrationRecorder(project.connection).ensure_schema()
    for name in ("0002", "0003"):
        project.call("new", from_django=["catalog", name])
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert (
        "is Django's catalog.0002_rows, which depends on catalog.0001_initial, not applied yet;"
        " run migrate catalog 0001_initial first, with --fake where what it makes is there, or"
        " write a file for it too (jetbase.E010)\n"
    ) in str(caught.value)
    migrate(project, "catalog", "0001")
    project.call("upgrade")
    assert shown(project) == list(DONE)
    migrate(project)


def test_what_depends_on_it_is_taken_back_first(made: Project) -> None:
    MigrationRecorder(made.connection).ensure_schema()
    made.call("upgrade", count=2)
    migrate(made, "catalog", "0003")
    with pytest.raises(CommandError) as caught:
        made.call("rollback", count=2)
    assert (
        "is Django's catalog.0002_rows, on which catalog.0003_alterations depends, still applied;"
        " run migrate catalog 0002_rows first (jetbase.E010)\n"
    ) in str(caught.value)
    migrate(made, "catalog", "0002")
    made.call("rollback", count=2)
    assert shown(made) == []


def test_a_squash_is_there_where_all_that_it_replaces_is(
    project: Project, catalog: type[Migration], monkeypatch: pytest.MonkeyPatch
) -> None:
    squash = import_module("tests.catalog.migrations.0004_unique_names").Migration
    replaces = [("catalog", "0001_initial"), ("catalog", "0002_rows")]
    monkeypatch.setattr(squash, "replaces", replaces, raising=False)
    monkeypatch.setattr(squash, "dependencies", [])
    monkeypatch.setattr(catalog, "dependencies", [("catalog", "0004_unique_names")])
    dependencies = Dependencies(project.connection)
    assert dependencies.lacking("catalog.0005") == ["catalog.0004_unique_names"]
    for name in DONE[:2]:
        dependencies.lacking(f"catalog.{name}")
    assert dependencies.lacking("catalog.0005") == []


def test_django_migrations_that_cannot_be_loaded(
    project: Project, catalog: type[Migration], monkeypatch: pytest.MonkeyPatch
) -> None:
    MigrationRecorder(project.connection).ensure_schema()
    project.call("new", from_django=["catalog", "0001"])
    monkeypatch.setattr(catalog, "dependencies", [("catalog", "nowhere")])
    for command in ("upgrade", "status"):
        with pytest.raises(CommandError, match="Django's own migrations cannot be loaded"):
            project.call(command, json=True)
        assert json.loads(project.out.getvalue())["error"]


def test_a_name_with_a_dash(project: Project) -> None:
    project.write(V1__a="-- jetbase: django=catalog.0001_add-dash\nCREATE TABLE a (id INTEGER);")
    project.call("upgrade")
    assert project.tables() == {"a"}


def test_the_first_migrate_is_told_in_one_line_of_what_waits_for_it(project: Project) -> None:
    for number in (1, 2, 10):
        project.write(**{f"V{number}__x": "-- jetbase: after=catalog.0001\nSELECT 1;"})
    project.write(RA__r="-- jetbase: after=catalog.0001\nSELECT 1;")
    said = io.StringIO()
    call_command("check", databases=[project.alias], stderr=said, no_color=True)
    assert said.getvalue().count("(jetbase.") == 1
    assert (
        "Pending: V1__x.sql, V2__x.sql, V10__x.sql, RA__r.sql; of these 4 wait for migrations of"
        " Django\n\tHINT: Run migrate, and then jetbase_upgrade."
    ) in said.getvalue()
    with pytest.raises(CommandError) as caught:
        project.call("upgrade")
    assert str(caught.value).count("which is not applied") == 4


def texts(project: Project) -> list[str]:
    return [path.read_text() for path in sorted(project.folder.iterdir())]


def test_sql_beside_what_changes_models_is_refused(
    project: Project, catalog: type[Migration], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a new database would record the file because of the field, and never run its SQL."""
    field = AddField("book", "isbn", IntegerField(null=True))
    view = RunSQL("CREATE VIEW titles AS SELECT title FROM catalog_book", "DROP VIEW titles")
    mixed: list[list[Any]] = [
        [field, view],
        [RunSQL("SELECT 1", state_operations=[field])],
        [SeparateDatabaseAndState([view], [field])],
    ]
    for operations in mixed:
        monkeypatch.setattr(catalog, "operations", operations)
        with pytest.raises(CommandError, match=r"has SQL beside what changes models .*--only-sql"):
            project.call("new", from_django=["catalog", "0005"])
    assert list(project.folder.iterdir()) == []
    monkeypatch.setattr(catalog, "operations", mixed[0])
    project.call("new", from_django=["catalog", "0005"], only_sql=True)
    (text,) = texts(project)
    assert "-- jetbase: after=catalog.0005_irreversible\n" in text
    assert "django=" not in text
    assert "django_migrations" not in text
    assert "CREATE VIEW titles" in text.partition("-- rollback")[0]
    assert "DROP VIEW titles" in text.partition("-- rollback")[2]
    project.query("CREATE TABLE catalog_book (title VARCHAR(9))")
    recorder = MigrationRecorder(project.connection)
    recorder.ensure_schema()
    recorder.record_applied("catalog", "0005_irreversible")
    project.call("upgrade")
    assert project.query("SELECT * FROM titles") == []
    project.call("rollback")
    monkeypatch.setattr(catalog, "operations", [field])
    with pytest.raises(CommandError, match="0005_irreversible has no RunSQL"):
        project.call("new", from_django=["catalog", "0005"], only_sql=True)


def test_sql_beside_what_changes_no_model_is_moved(
    project: Project, catalog: type[Migration], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an extension of PostgreSQL's, or whatever a project has for its own SQL."""

    class Comment(Operation):
        def state_forwards(self, app_label: str, state: Any) -> None:
            pass

        def database_forwards(self, app_label: str, editor: Any, before: Any, after: Any) -> None:
            editor.execute("SELECT 2")

    monkeypatch.setattr(catalog, "operations", [Comment(), RunSQL("SELECT 1")])
    project.call("new", from_django=["catalog", "0005"])
    (text,) = texts(project)
    assert "SELECT 2;" in text
    assert "SELECT 1;" in text


def test_several_in_one_start(project: Project) -> None:
    said = project.call("new", from_django=["catalog", "0002..0003"])
    found = texts(project)
    assert len(said.splitlines()) == len(found) == 2
    heads = [[line for line in text.splitlines() if "jetbase:" in line] for text in found]
    assert heads == [
        ["-- jetbase: django=catalog.0002_rows", "-- jetbase: after=catalog.0001_initial"],
        ["-- jetbase: django=catalog.0003_alterations"],
    ]
    migrate(project, "catalog", "0001")
    project.call("upgrade")
    assert shown(project) == [*DONE]


def test_what_is_a_file_already_need_not_be_applied_before(project: Project) -> None:
    project.write(V1__a="-- jetbase: django=catalog.0001\nSELECT 1;")
    project.call("new", from_django=["catalog", "0002"], migration_version="2")
    assert "after=" not in texts(project)[-1]


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        ("0003..0002", {}, "does not come before"),
        ("0002..0009", {}, "no migration '0009'"),
        ("0002..0006", {}, "runs Python"),
        ("0002..0003", {"migration_version": "7"}, "cannot have one version"),
        ("0002..0003", {"description": "x"}, "cannot have one version or description"),
    ],
)
def test_several_that_cannot_be(
    project: Project, names: str, options: dict[str, str], said: str
) -> None:
    """No file is written of the others either."""
    words = [value for key, value in options.items() if key == "description"]
    others = {key: value for key, value in options.items() if key != "description"}
    with pytest.raises(CommandError, match=said):
        project.call("new", *words, from_django=["catalog", names], **others)
    assert list(project.folder.iterdir()) == []
