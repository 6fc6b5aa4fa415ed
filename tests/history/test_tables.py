"""Where the history is: decided once, named, and never moved by what files or others do."""

import json
from collections.abc import Iterator

import django
import pytest
from django.core.management.base import CommandError
from django.db import transaction

import django_jetbase
from django_jetbase.backends.postgresql.search_path import first_literal, names_in, search_path_of
from django_jetbase.exceptions import HistoryError

from ..conftest import Project

PG = pytest.mark.engines("postgresql")
HISTORIES = (
    "SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
    " WHERE relname = 'django_jetbase_migration' ORDER BY 1"
)
COUNT = "INSERT INTO app.counter VALUES (1);"
FILES = {
    "V1__schema": "CREATE SCHEMA IF NOT EXISTS app;",
    "V2__counter": f"CREATE TABLE IF NOT EXISTS app.counter (n int); {COUNT}",
}


def with_path(project: Project, path: str, alias: str = "other", **options: str) -> Project:
    """An alias whose OPTIONS name a search_path."""
    return project.another(alias, OPTIONS={"options": f"-c search_path={path}"}, **options)


def place(project: Project) -> dict[str, object]:
    found: dict[str, object] = json.loads(project.call("status", json=True))["history"]
    return found


@pytest.fixture
def role(project: Project) -> Iterator[str]:
    """A role that may log in and create what it likes, and whose name is a schema's as well."""
    name = "jetbase_app"
    project.query(f"DROP ROLE IF EXISTS {name}")
    project.query(f"CREATE ROLE {name} LOGIN")
    database = project.connection.settings_dict["NAME"]
    project.query(
        f"GRANT ALL ON DATABASE {database} TO {name}; GRANT ALL ON SCHEMA public TO {name}"
    )
    yield name
    project.query(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ('"$user", public', ["$user", "public"]),
        ("$user,public", ["$user", "public"]),
        ("App, PUBLIC", ["app", "public"]),
        ('"My ""own"" schema, really" ,x', ['My "own" schema, really', "x"]),
        ('""', []),
        ("", []),
    ],
)
def test_a_search_path_is_read_as_the_server_does(path: str, names: list[str]) -> None:
    assert names_in(path) == names


@pytest.mark.parametrize(
    ("path", "literal"),
    [('"$user", public', "public"), ("pg_catalog, app", "app"), ('"$user"', None), ('""', None)],
)
def test_the_first_schema_that_is_named_literally(path: str, literal: str | None) -> None:
    assert first_literal(names_in(path)) == literal


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ("-c search_path=app,public", "app,public"),
        ("-csearch_path=app", "app"),
        ("--search_path=app", "app"),
        ("--search-path=app", "app"),
        (r"-c search_path=app,\ public -c work_mem=1MB", "app, public"),
        ("-c search_path=a -c search_path=b", "b"),
        ("-c work_mem=1MB", None),
        ("", None),
    ],
)
def test_the_options_of_a_connection(options: str, path: str | None) -> None:
    assert search_path_of(options) == path


@PG
def test_the_server_reads_the_options_alike(project: Project) -> None:
    for number, options in enumerate(
        [r"-c search_path=app,\ public -c work_mem=1MB", "--search-path=x", "-csearch_path=y"]
    ):
        twin = project.another(f"other{number}", OPTIONS={"options": options})
        ((shown,),) = twin.query("SELECT current_setting('search_path')")
        assert names_in(shown) == names_in(search_path_of(options) or "")


# ---- what was run twice, or could not go on


@PG
def test_a_schema_of_the_search_path_that_is_not_there(project: Project) -> None:
    twin = with_path(project, "app,public")
    twin.write(**FILES)
    for command in ("upgrade", "status", "rollback", "history", "current"):
        with pytest.raises(CommandError, match=r'CREATE SCHEMA "app".*HISTORY_SCHEMA'):
            twin.call(command)
    assert project.query(HISTORIES) == []
    project.query("CREATE SCHEMA app")
    for _run in range(2):
        twin.call("upgrade")
    assert project.query("SELECT count(*) FROM app.counter") == [(1,)]
    assert project.query(HISTORIES) == [("app",)]


@PG
def test_the_other_way_out_is_the_setting(project: Project) -> None:
    twin = with_path(project, "app,public")
    twin.configure(HISTORY_SCHEMA="public")
    twin.write(**FILES)
    for _run in range(2):
        twin.call("upgrade")
    assert project.query("SELECT count(*) FROM app.counter") == [(1,)]
    assert project.query(HISTORIES) == [("public",)]


@PG
@pytest.mark.parametrize("path", ['"$user",public', None])
def test_a_file_that_creates_the_schema_of_the_user(
    project: Project, role: str, path: str | None
) -> None:
    options = {"options": f"-c search_path={path}"} if path else {}
    twin = project.another(USER=role, OPTIONS=options)
    counted = (
        "CREATE TABLE IF NOT EXISTS public.counter (n int); INSERT INTO public.counter VALUES (1);"
    )
    twin.write(V1__schema=f"CREATE SCHEMA IF NOT EXISTS {role};", V2__counter=counted)
    for _run in range(2):
        twin.call("upgrade")
    assert twin.call("status").count("applied") == 2
    assert project.query("SELECT count(*) FROM public.counter") == [(1,)]
    assert project.query(HISTORIES) == [("public",)]
    twin.connection.close()


@PG
def test_a_schema_that_may_not_be_used_any_more(project: Project, role: str) -> None:
    project.query(f"CREATE SCHEMA app AUTHORIZATION {role}")
    twin = with_path(project, "app,public", USER=role)
    twin.write(**FILES)
    twin.call("upgrade")
    project.query(f"REVOKE ALL ON SCHEMA app FROM {role}; ALTER SCHEMA app OWNER TO postgres")
    for command in ("upgrade", "status"):
        with pytest.raises(CommandError, match=f'GRANT USAGE ON SCHEMA "app" TO "{role}"'):
            twin.call(command)
    with pytest.raises(HistoryError):
        django_jetbase.is_at_least("1", twin.alias)
    assert project.query(HISTORIES) == [("app",)]
    project.query(f"GRANT USAGE ON SCHEMA app TO {role}")
    assert twin.call("upgrade") == "Nothing to do.\n"
    twin.connection.close()


@PG
@pytest.mark.parametrize("path", ["app, public", "app"])
def test_a_file_that_alters_the_search_path_of_the_database(project: Project, path: str) -> None:
    name = project.connection.settings_dict["NAME"]
    project.write(
        V1__schema=f"CREATE SCHEMA app; ALTER DATABASE {name} SET search_path = {path};",
        V2__counter=FILES["V2__counter"],
    )
    project.call("upgrade")
    project.connection.close()
    assert project.query("SELECT current_schema()") == [("app",)]
    project.write(V3__more="CREATE TABLE more (n int);\n-- rollback\nDROP TABLE more;")
    assert project.call("upgrade").startswith("Applied V3__more.sql")
    assert place(project) == {
        "schema": "public",
        "table": "django_jetbase_migration",
        "exists": True,
    }
    assert project.query("SELECT schemaname FROM pg_tables WHERE tablename = 'more'") == [("app",)]
    project.call("rollback")
    assert project.query(HISTORIES) == [("public",)]
    assert project.query("SELECT count(*) FROM app.counter") == [(1,)]


@PG
def test_a_session_that_looks_elsewhere(project: Project) -> None:
    project.write(V1__x="CREATE TABLE here (id int);")
    project.call("upgrade")
    project.query("CREATE SCHEMA elsewhere")
    project.query("SET search_path = elsewhere")
    assert project.call("upgrade") == "Nothing to do.\n"
    assert place(project)["schema"] == "public"


# ---- the order of what decides


@PG
def test_the_setting_comes_first(project: Project) -> None:
    project.query("CREATE SCHEMA ops")
    project.write(V1__a="CREATE TABLE a (id int);")
    project.configure(HISTORY_SCHEMA="ops")
    assert place(project) == {"schema": "ops", "table": "django_jetbase_migration", "exists": False}
    project.call("upgrade")
    assert project.query(HISTORIES) == [("ops",)]
    assert project.query("SELECT schemaname FROM pg_tables WHERE tablename = 'a'") == [("public",)]
    assert project.call("upgrade") == "Nothing to do.\n"


@PG
def test_a_setting_that_names_no_schema(project: Project) -> None:
    project.configure(HISTORY_SCHEMA='no "such" %s')
    project.write(V1__a="CREATE TABLE a (id int);")
    with pytest.raises(CommandError, match='CREATE SCHEMA "no ""such"" %s"'):
        project.call("upgrade")
    assert "a" not in project.tables()


@PG
def test_names_that_need_quotes(project: Project) -> None:
    """In every kind of run: whole, by statements, gone on, rolled back, as a script."""
    dollars = " $jetbase$" if django.VERSION >= (6, 1) else ""
    name = f'O\'Brien "x" %s :y{dollars} \\'
    project.query('CREATE SCHEMA "{}"'.format(name.replace('"', '""')))
    project.configure(HISTORY_SCHEMA=name, HISTORY_TABLE_PREFIX="j_")
    project.write(
        V1__a="CREATE TABLE a (id int);\n-- rollback\nDROP TABLE a;",
        V2__b="-- jetbase: transaction=off\nCREATE TABLE b (id int); SELECT * FROM nowhere;",
        ROC__v="CREATE OR REPLACE VIEW v AS SELECT 1 AS one;",
        RA__r="SELECT 1;",
    )
    with pytest.raises(CommandError, match="nowhere"):
        project.call("upgrade")
    mended = "-- jetbase: transaction=off\nCREATE TABLE b (id int);\n-- rollback\nDROP TABLE b;"
    project.write(V2__b=mended)
    project.call("upgrade", resume=True)
    assert place(project) == {"schema": name, "table": "j_migration", "exists": True}
    assert project.call("lock_status") == "The lock is free.\n"
    project.call("rollback", count=2)
    assert project.run_script(project.call("upgrade", sql=True)).returncode == 0
    assert project.call("upgrade", check=True) == "Nothing is pending.\n"
    assert len(project.events()) > 5
    assert project.query("SELECT count(*) FROM pg_class WHERE relname ~ '^django_jetbase'") == [
        (0,)
    ]


@PG
@pytest.mark.skipif(django.VERSION >= (6, 1), reason="Django reads such tables")
def test_a_name_that_django_does_not_read(project: Project) -> None:
    project.query('CREATE SCHEMA "a$b"')
    project.configure(HISTORY_SCHEMA="a$b")
    project.write(V1__a="SELECT 1;")
    with pytest.raises(CommandError, match="because of the dollar sign"):
        project.call("upgrade")


@PG
def test_several_histories_without_a_decision(project: Project) -> None:
    project.query("CREATE SCHEMA a; CREATE SCHEMA b")
    project.write(V1__x="SELECT 1;")
    for schema in ("a", "b"):
        with_path(project, schema, schema).call("upgrade")
    project.configure()  # the aliases of those two are no part of this project
    for command in ("upgrade", "status"):
        with pytest.raises(CommandError, match=r"schemas a, b: name .*HISTORY_SCHEMA"):
            project.call(command)
    project.query("SET search_path = b, a")
    with pytest.raises(CommandError, match=r"schemas b, a of the search_path"):
        project.call("status")
    project.configure(HISTORY_SCHEMA="a")
    assert project.call("upgrade") == "Nothing to do.\n"


@PG
def test_a_history_of_another_alias_is_not_taken_for_ones_own(project: Project) -> None:
    project.query("CREATE SCHEMA tenant; CREATE SCHEMA pinned")
    project.write(V1__x="CREATE TABLE here (id int);")
    with_path(project, "tenant,public", "tenant").call("upgrade")
    pinned = project.another("pinned")
    databases = dict(project.settings.JETBASE["DATABASES"])
    databases["pinned"] = databases["pinned"] | {"HISTORY_SCHEMA": "pinned"}
    project.settings.JETBASE = project.settings.JETBASE | {"DATABASES": databases}
    assert place(pinned) == {
        "schema": "pinned",
        "table": "django_jetbase_migration",
        "exists": False,
    }
    assert place(project)["schema"] == "public"
    assert project.call("upgrade").startswith("Applied V1__x.sql")
    assert project.query(HISTORIES) == [("public",), ("tenant",)]


@PG
def test_a_history_in_the_schema_of_the_user_stays_found(project: Project, role: str) -> None:
    """As it was made where tables were made, whatever the OPTIONS name behind it."""
    project.query(f"CREATE SCHEMA {role} AUTHORIZATION {role}")
    plain = project.another("plain", USER=role)
    plain.write(V1__a="CREATE TABLE a (id int);")
    plain.call("upgrade")
    assert project.query(HISTORIES) == [(role,)]
    named = with_path(project, '"$user",public', "named", USER=role)
    for twin in (plain, named):
        assert twin.call("upgrade") == "Nothing to do.\n"
        twin.connection.close()
    with_path(project, "public", "public").call("upgrade", fake=True)
    with pytest.raises(CommandError, match=f"schemas {role}, public"):
        named.call("upgrade")
    named.connection.close()


@PG
def test_a_session_without_the_search_path_of_its_options(project: Project) -> None:
    """A pooler drops it, say."""
    project.query("CREATE SCHEMA app")
    twin = with_path(project, "app")
    twin.write(V1__a="CREATE TABLE a (id int);")
    twin.query("SET search_path = public")
    with pytest.raises(CommandError, match=r"search_path 'app', but the session has 'public'"):
        twin.call("upgrade")
    assert project.query(HISTORIES) == []


@PG
def test_no_schema_at_all(project: Project) -> None:
    project.query("SET search_path = nowhere")
    project.write(V1__a="SELECT 1;")
    with pytest.raises(CommandError, match="No schema of the search_path 'nowhere'"):
        project.call("upgrade")


@pytest.mark.engines("sqlite", "mysql")
def test_a_schema_where_there_are_none(project: Project) -> None:
    project.configure(HISTORY_SCHEMA="app")
    project.write(V1__a="SELECT 1;")
    with pytest.raises(CommandError, match=r'JETBASE\["HISTORY_SCHEMA"\] is for PostgreSQL'):
        project.call("upgrade")


# ---- what its tables are called


def test_the_names_of_its_tables(project: Project) -> None:
    project.configure(HISTORY_TABLE_PREFIX="jb_")
    project.write(
        V1__a="CREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;", V2__b="SELECT 1;"
    )
    project.call("upgrade", to_version="1")
    project.call("upgrade")
    names = ("migration", "event", "lock", "heartbeat", "schema", "object")
    tables = project.connection.introspection.table_names()
    assert {"a", *(f"jb_{name}" for name in names)} == set(tables)
    assert place(project)["table"] == "jb_migration"
    assert "History: " in (said := project.call("status", verbosity=2))
    assert "jb_migration" in said
    assert [event["event"] for event in project.events()][-1] == "applied"
    assert django_jetbase.is_at_least("2", project.alias)
    with transaction.atomic(using=project.alias):
        assert django_jetbase.is_at_least("2", project.alias)
    project.write(V2__b="SELECT 1;\n-- rollback\n")
    project.call("rollback", count=2)
    assert project.run_script(project.call("upgrade", sql=True)).returncode == 0
    assert project.call("upgrade") == "Nothing to do.\n"


def test_two_histories_beside_each_other(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id INTEGER);")
    project.call("upgrade")
    project.configure(HISTORY_TABLE_PREFIX="second_")
    project.write(V1__a="CREATE TABLE b (id INTEGER);")
    assert project.call("upgrade").startswith("Applied V1__a.sql")
    assert {"a", "b"} <= set(project.connection.introspection.table_names())


# ---- a second history by mistake


def test_another_prefix_does_not_run_everything_again(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id INTEGER);", V2__b="CREATE TABLE b (id INTEGER);")
    project.call("upgrade")
    project.query("DROP TABLE a")
    project.configure(HISTORY_TABLE_PREFIX="second_")
    for command in ("upgrade", "upgrade"):
        with pytest.raises(CommandError, match=r"V1__a\.sql: is applied already, .*E016"):
            project.call(command)
    assert "jetbase.E016" in str(json.loads(project.call("status", json=True))["problems"])
    assert "second_migration" not in project.connection.introspection.table_names()
    assert "a" not in project.tables()
    project.query("DROP TABLE b")
    assert "Applied V2__b.sql" in project.call("upgrade", skip_file_validation=True)
    assert project.call("upgrade") == "Nothing to do.\n"


@pytest.mark.parametrize(
    "what", ["an empty one", "the setting", "an edited rollback section", "a neighbour", "baseline"]
)
def test_nor_in_spite_of(project: Project, what: str) -> None:
    ran = "CREATE TABLE IF NOT EXISTS ran (n INTEGER); INSERT INTO ran VALUES (1);\n-- rollback\n"
    project.write(V1__a=ran, V2__b="INSERT INTO ran VALUES (2);")
    if what == "a neighbour":
        project.another("neighbour")
    project.call("upgrade")
    changed = {"HISTORY_TABLE_PREFIX": "second_"}
    if what == "the setting":
        changed["SKIP_VALIDATION"] = True  # type: ignore[assignment]
    if what == "a neighbour":
        project.settings.JETBASE = {**project.settings.JETBASE, **changed}
    else:
        project.configure(**changed)
    if what == "an empty one":
        with pytest.raises(CommandError, match="nothing to do"):
            project.call("resolve", "1", applied=True)
        assert "second_migration" in project.connection.introspection.table_names()
    if what == "an edited rollback section":
        project.write(V1__a=f"{ran}DROP TABLE ran;")
    with pytest.raises(CommandError, match="E016"):
        project.call(*(["baseline", "1"] if what == "baseline" else ["upgrade"]))
    assert project.query("SELECT count(*) FROM ran") == [(2,)]


@PG
@pytest.mark.parametrize("hidden", ["REVOKE ALL ON SCHEMA ops FROM", "ROW LEVEL SECURITY"])
def test_a_history_that_may_not_be_read(project: Project, role: str, hidden: str) -> None:
    project.query(f"CREATE SCHEMA ops; GRANT ALL ON SCHEMA ops TO {role}")
    project.configure(HISTORY_SCHEMA="ops")
    twin = project.another("twin", USER=role)
    twin.write(V1__a="CREATE TABLE a (id int);")
    twin.call("upgrade")
    table = "ops.django_jetbase_migration"
    if hidden == "ROW LEVEL SECURITY":
        project.query(f"ALTER TABLE {table} ENABLE {hidden}, FORCE {hidden}")
    else:
        project.query(f"{hidden} {role}")
    project.configure()
    twin.configure(HISTORY_SCHEMA="public")
    with pytest.raises(CommandError, match="another history, may not be read"):
        twin.call("upgrade")
    twin.connection.close()


@PG
def test_a_project_with_another_first_file(project: Project) -> None:
    """It must not take back what the other one did, either."""
    project.query("CREATE SCHEMA theirs")
    theirs = with_path(project, "theirs", "theirs")
    theirs.write(V1__init="CREATE TABLE t (id int);", V2__b="SELECT 1;\n-- rollback\nDROP TABLE t;")
    theirs.call("upgrade")
    (theirs.folder / "V2__b.sql").unlink()
    project.configure()
    project.write(V1__init="CREATE TABLE ours (id int);")
    for command in ("upgrade", "rollback", "fix"):
        with pytest.raises(CommandError, match=r"jetbase\.E016"):
            project.call(command)
    assert "t" in project.tables() or project.query("SELECT count(*) FROM theirs.t") == [(0,)]


@PG
@pytest.mark.parametrize("change", ["setting", "path"])
def test_another_schema_does_not_run_everything_again(project: Project, change: str) -> None:
    """As the history of an older release is, which had another idea of its place."""
    project.query("CREATE SCHEMA app")
    project.write(V1__a="CREATE TABLE a (id int);")
    project.call("upgrade")
    path = {"OPTIONS": {"options": "-c search_path=app,public"}}
    changed = project.another("changed", **(path if change == "path" else {}))
    setting = {"HISTORY_SCHEMA": "app"} if change == "setting" else {}
    own = {"MIGRATIONS_DIR": project.folder, **setting}
    project.settings.JETBASE = {"DATABASES": {changed.alias: own}}
    with pytest.raises(CommandError, match=r'is applied already, .*"public"\."django_jetbase_m'):
        changed.call("upgrade")
    with pytest.raises(CommandError, match="E016"):
        changed.call("upgrade", dry_run=True)
    project.settings.JETBASE["DATABASES"][changed.alias]["HISTORY_SCHEMA"] = "public"
    assert changed.call("upgrade") == "Nothing to do.\n"


@PG
def test_the_history_of_another_project_is_not_taken_for_ones_own(project: Project) -> None:
    """Nor is anything in it forgotten because its files are not here."""
    project.query("CREATE SCHEMA theirs")
    theirs = with_path(project, "theirs", "theirs")
    theirs.write(V1__theirs="CREATE TABLE t (id int);")
    theirs.call("upgrade")
    (theirs.folder / "V1__theirs.sql").unlink()
    project.configure()
    project.write(V2__ours="CREATE TABLE ours (id int);")
    for command in ("upgrade", "fix", "validate_files", "rollback"):
        with pytest.raises(CommandError, match=r"V2__ours\.sql: and .*theirs\.django_jetbase_"):
            project.call(command)
    assert project.query("SELECT path FROM theirs.django_jetbase_migration") == [
        ("V1__theirs.sql",)
    ]
    project.configure(HISTORY_SCHEMA="public")
    assert "Applied V2__ours.sql" in project.call("upgrade")


# ---- rows that are hidden


@PG
@pytest.mark.parametrize("table", ["migration", "event", "lock"])
def test_rows_that_are_hidden_are_an_error(project: Project, role: str, table: str) -> None:
    project.write(V1__a="CREATE TABLE a (id int);")
    project.call("upgrade")
    project.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    reader = project.another("reader", USER=role)
    assert "applied" in reader.call("status")
    project.query(f"ALTER TABLE django_jetbase_{table} ENABLE ROW LEVEL SECURITY")
    for command in ("status", "history", "upgrade", "current", "lock_status"):
        with pytest.raises(CommandError, match=r"Row-level security .*BYPASSRLS"):
            reader.call(command)
    with pytest.raises(HistoryError):
        django_jetbase.is_at_least("1", reader.alias)
    assert "applied" in project.call("status")
    project.query(f"ALTER ROLE {role} BYPASSRLS")
    assert "applied" in reader.call("status")
    reader.connection.close()


@PG
def test_a_table_that_has_gone_astray(project: Project) -> None:
    project.write(V1__a="CREATE TABLE a (id int);")
    project.call("upgrade")
    project.query("CREATE SCHEMA ops; ALTER TABLE django_jetbase_event SET SCHEMA ops")
    for command in ("status", "history", "upgrade"):
        with pytest.raises(CommandError, match="tables of the history are apart") as caught:
            project.call(command)
    project.query(str(caught.value).partition("together: ")[2].rstrip("."))
    assert project.events()


@pytest.mark.parametrize("name", ["pg_temp", "information_schema", "x" * 64, "é" * 32, "a\0b"])
def test_what_is_no_name_of_a_schema_for_it(project: Project, name: str) -> None:
    project.configure(HISTORY_SCHEMA=name)
    with pytest.raises(CommandError, match=r"HISTORY_SCHEMA.* must be at most 63 bytes"):
        project.call("status")
