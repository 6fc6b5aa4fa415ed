"""The admin as a browser sees it, on every engine; how it looks is in test_admin_in_browser.py."""

import html
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path

import django_jetbase
from django_jetbase.admin import EventAdmin, MigrationAdmin
from django_jetbase.models import AppliedMigration, Event

from .. import engines
from ..backends.test_row_values import FAILING, SECRET, prepare
from ..conftest import Project
from ..history.test_kept_texts import BOMB, BOMB_LENGTH, peak_of

LIST = "/admin/django_jetbase/appliedmigration/"
EVENTS = "/admin/django_jetbase/event/"
USERS = ["root", "viewer", "watcher", "changer", "nobody"]


@pytest.fixture(scope="module")
def users() -> Iterator[dict[str, User]]:
    """Staff of the site: one may do everything, the others what their names say."""
    connection = connections["default"]
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    found = {name: User.objects.create_user(name, is_staff=True) for name in USERS}
    found["root"].is_superuser = True
    found["root"].save()
    migration = ContentType.objects.get_for_model(AppliedMigration)
    change, _ = Permission.objects.get_or_create(
        codename="change_appliedmigration", content_type=migration
    )
    found["viewer"].user_permissions.add(Permission.objects.get(codename="view_appliedmigration"))
    found["watcher"].user_permissions.add(Permission.objects.get(codename="view_event"))
    found["changer"].user_permissions.add(change)
    yield found
    User.objects.all().delete()
    change.delete()
    connection.creation.destroy_test_db(name, verbosity=0)


class Browser:
    """A user who looks at the admin of a project."""

    def __init__(self, user: User, alias: str) -> None:
        self.alias = alias
        self.client = Client()
        self.client.force_login(user)

    def get(self, address: str) -> str:
        response = self.client.get(address)
        assert response.status_code == 200, response.status_code
        return response.content.decode()

    def rows(self, query: str = "") -> list[tuple[str, str]]:
        """Name and state of each line of the list."""
        page = self.get(f"{LIST}?{query}")
        found = re.findall(
            r'<th class="field-migration"><a[^>]*>(.*?)</a></th>'
            r'<td class="field-state_of"><span[^>]*>(\w+)</span>',
            page,
        )
        return [(text_of(name), state) for name, state in found]

    def address(self, key: str, query: str = "") -> str:
        return f"{LIST}{self.alias}_2F{key}/change/?{query}"

    def page(self, key: str, query: str = "") -> str:
        return self.get(self.address(key, query))


@pytest.fixture
def root(users: dict[str, User], project: Project) -> Browser:
    return Browser(users["root"], project.alias)


def text_of(page: str) -> str:
    """What a page says."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


def as_at_start_up(site: admin.AdminSite = admin.site) -> ModuleType:
    """The addresses as a process finds them that knows all databases from its start."""
    urls = ModuleType("urls")
    urls.urlpatterns = [path("admin/", site.urls)]  # type: ignore[attr-defined]
    return urls


def with_every_state(project: Project) -> None:
    project.write(
        V1__applied="CREATE TABLE one (id INT);\n-- rollback\nDROP TABLE one;",
        V2__changed="CREATE TABLE two (id INT);\n-- rollback\nDROP TABLE two;",
        V4__missing="CREATE TABLE four (id INT);",
        ROC__view="SELECT 1;",
    )
    project.call("upgrade")
    project.write(
        V2__changed="CREATE TABLE two (id BIGINT);\n-- rollback\nDROP TABLE two;",
        V3__ignored="CREATE TABLE three (id INT);",
        V5__pending="CREATE TABLE five (id INT);",
        ROC__view="SELECT 2;",
        RA__always="SELECT 3;",
    )
    (project.folder / "V4__missing.sql").unlink()
    project.configure(OUT_OF_ORDER="warn")


def test_the_list_has_everything_in_run_order(project: Project, root: Browser) -> None:
    with_every_state(project)
    assert root.rows() == [
        ("V1__applied.sql", "applied"),
        ("V2__changed.sql", "changed"),
        ("V3__ignored.sql", "ignored"),
        ("V4__missing.sql", "missing"),
        ("V5__pending.sql", "pending"),
        ("ROC__view.sql", "pending"),
        ("RA__always.sql", "pending"),
    ]


def test_the_list_shows_what_is_incomplete(project: Project, root: Browser) -> None:
    project.write(V1__half="-- jetbase: transaction=off\nCREATE TABLE one (id INT);\nNONSENSE;")
    with pytest.raises(Exception, match="V1__half"):
        project.call("upgrade")
    assert root.rows() == [("V1__half.sql", "incomplete")]
    said = text_of(root.page("1"))
    assert "1 of 2 are known to be committed" in said
    assert "jetbase_resolve 1 --applied or --rolled-back" in said
    assert "failed" in said


def test_the_list_is_filtered_and_searched(project: Project, root: Browser) -> None:
    with_every_state(project)
    assert root.rows("state=changed") == [("V2__changed.sql", "changed")]
    assert [name for name, _ in root.rows("kind=ROC")] == ["ROC__view.sql"]
    assert [name for name, _ in root.rows("kind=V&state=pending")] == ["V5__pending.sql"]
    assert [name for name, _ in root.rows("q=PEND")] == ["V5__pending.sql"]
    assert root.rows("q=pend+v1") == []
    assert len(root.rows(f"database={project.alias}")) == 7
    assert root.rows("database=default") == []
    assert root.client.get(f"{LIST}?nonsense=1").url == f"{LIST}?e=1"
    assert root.client.get(f"{LIST}?p=9999").status_code == 200


def test_the_problems_stand_above_the_list(project: Project, root: Browser) -> None:
    with_every_state(project)
    project.write(wrong_name="SELECT 1;")
    said = text_of(root.get(LIST))
    assert "V2__changed.sql: was changed after it was applied" in said
    assert "wrong_name.sql: the name is none of" in said


def test_a_page_compares_what_ran_with_the_file(project: Project, root: Browser) -> None:
    with_every_state(project)
    page = root.page("2")
    assert "<del>CREATE TABLE two (id INT);</del>" in page
    assert "<ins>CREATE TABLE two (id BIGINT);</ins>" in page
    said = text_of(page)
    assert "was changed after it was applied" in said
    assert "CREATE TABLE two (id INT);" in text_of(root.page("2", "view=applied"))
    assert "CREATE TABLE two (id BIGINT);" in text_of(root.page("2", "view=disk"))
    assert "(id INT)" not in text_of(root.page("2", "view=disk"))


def test_a_page_has_all_there_is_of_a_migration(project: Project, root: Browser) -> None:
    project.write(V1__applied="create table one (id int);\n-- rollback\nDROP TABLE one;")
    project.call("upgrade")
    project.call("rollback")
    project.call("upgrade")
    page = root.page("1")
    said = text_of(page)
    assert re.search(r"State\s*applied", said)
    assert str(project.folder / "V1__applied.sql") in said
    assert "DROP TABLE one;" in said.partition("Rollback section")[2]
    events = re.findall(r"<td>(applied|rolled back)</td>", page.partition("jetbase-events")[2])
    assert events == ["applied", "rolled back", "applied"]
    assert "CREATE TABLE" in text_of(root.page("1", "view=formatted"))
    assert "Difference" not in said


def test_a_page_of_a_file_that_nobody_ran(project: Project, root: Browser) -> None:
    project.write(V1__new="SELECT 1;", ROC__view="SELECT 2;")
    said = text_of(root.page("1"))
    assert "SELECT 1;" in said
    assert "Nothing has happened yet." in said
    assert "this migration cannot be rolled back" in said


def test_a_page_of_what_only_the_log_knows(project: Project, root: Browser) -> None:
    project.write(V1__gone="SELECT 1;\n-- rollback\nSELECT 2;")
    project.call("upgrade")
    project.call("rollback")
    (project.folder / "V1__gone.sql").unlink()
    said = text_of(root.page("1"))
    assert "not applied, and without a file" in said
    assert "SELECT 1;" in said
    assert root.client.get(root.address("2")).status_code == 302
    assert root.client.get(f"{LIST}nonsense/change/").status_code == 302


def test_a_text_that_was_not_kept(project: Project, root: Browser) -> None:
    project.configure(HISTORY_TEXT_LIMIT=0)
    project.write(V1__one="SELECT 1;")
    project.call("upgrade")
    assert "has not kept the text" in text_of(root.page("1"))
    (project.folder / "V1__one.sql").unlink()
    assert "There is no file, and the history has kept no text." in text_of(root.page("1"))


def test_a_baseline_without_a_file(project: Project, root: Browser) -> None:
    project.call("baseline", "3")
    assert root.rows() == [("baseline 3", "applied")]
    assert "baseline, not run" in text_of(root.page("3"))
    assert "baseline 3" in text_of(root.get(f"{EVENTS}?database={project.alias}"))


def test_reading_writes_nothing(project: Project, root: Browser) -> None:
    project.write(V1__one="SELECT 1;")
    assert root.rows() == [("V1__one.sql", "pending")]
    root.page("1")
    assert root.get(f"{EVENTS}?database={project.alias}")
    assert project.connection.introspection.table_names() == []


def test_the_log(project: Project, root: Browser) -> None:
    project.write(V1__one="SELECT 1;\n-- rollback\nSELECT 2;", V2__two="NONSENSE;")
    with pytest.raises(Exception, match="V2__two"):
        project.call("upgrade")
    page = root.get(f"{EVENTS}?database={project.alias}")
    page = page.replace("<wbr>", "")
    found = re.findall(r'<td class="field-event_of">(.*?)</td>.*?<bdi>(V\w+\.sql)</bdi>', page)
    found = [event for event in found if event[0] != "started"]
    assert found == [("failed", "V2__two.sql"), ("applied", "V1__one.sql")]
    assert "NONSENSE" in page
    assert "V1__one" not in root.get(f"{EVENTS}?database={project.alias}&event=failed")
    assert "V1__one" not in root.get(f"{EVENTS}?database={project.alias}&q=two")
    assert "V1__one" not in root.get(f"{EVENTS}?database={project.alias}&kind=ROC")
    assert "V1__one" not in root.get(f"{EVENTS}?database=default")
    assert "V1__one" not in root.get(f"{EVENTS}?database=nonsense")
    links = re.findall(r'href="([^"]*change/)', page)
    assert all(root.client.get(link).status_code == 200 for link in links)


def test_who_holds_the_lock(project: Project, root: Browser) -> None:
    project.write(V1__one="SELECT 1;")
    assert re.search(r"pending\s*free", text_of(root.get(LIST)))
    project.call("upgrade")
    held = {"token": "ab" * 16, "host": "elsewhere", "pid": 4711, "session": 1}
    held |= {"session_start": "", "database_user": "somebody", "command": "upgrade"}
    held |= {"since": AppliedMigration.objects.using(project.alias).get().at}
    connection = project.connection
    names = ", ".join(connection.ops.quote_name(name) for name in ("namespace", *held))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_jetbase_lock")
        marks = ", ".join(["%s"] * (len(held) + 1))
        values = [
            str(value.replace(tzinfo=None)) if n == "since" else value for n, value in held.items()
        ]
        cursor.execute(f"INSERT INTO django_jetbase_lock ({names}) VALUES ({marks})", ["", *values])
    assert "upgrade by somebody@elsewhere, process 4711, since" in text_of(root.get(LIST))


def test_a_database_that_is_down_hides_nothing_of_the_others(
    project: Project, root: Browser, settings: Any
) -> None:
    project.write(V1__one="SELECT 1;")
    given = project.connection.settings_dict
    nowhere = {"HOST": "127.0.0.1", "PORT": "1"} if given["HOST"] else {"NAME": "/nowhere/x"}
    project.another("down", **nowhere, ATOMIC_REQUESTS=True)
    settings.ROOT_URLCONF = as_at_start_up()
    assert root.rows() == [("V1__one.sql", "pending")]
    assert re.search(r"down\s*\S.*(onnect|open)", text_of(root.get(LIST)))
    assert re.search(r"“down”: .*(onnect|open)", text_of(root.get(f"{EVENTS}?database=down")))
    assert root.client.get(f"{LIST}down_2F1/change/").status_code == 302


def test_inside_a_transaction_of_the_request(
    project: Project, root: Browser, settings: Any
) -> None:
    twin = project.another(ATOMIC_REQUESTS=True)
    settings.ROOT_URLCONF = as_at_start_up()
    project.write(V1__one="SELECT 1;")
    assert root.rows(f"database={twin.alias}") == [("V1__one.sql", "pending")]
    with transaction.atomic(using=project.alias):
        assert root.rows(f"database={project.alias}") == [("V1__one.sql", "pending")]
        root.page("1")
        root.get(f"{EVENTS}?database={project.alias}")
        assert project.query("SELECT 1") == [(1,)]


@pytest.mark.engines("postgresql")
def test_a_history_that_may_not_be_read_ends_no_transaction(
    project: Project, root: Browser
) -> None:
    project.write(V1__one="SELECT 1;")
    project.call("upgrade")
    role = f"{engines.NAME}_reader"
    project.query(f"CREATE ROLE {role}")
    try:
        with transaction.atomic(using=project.alias):
            project.query(f"SET LOCAL ROLE {role}")
            assert "permission denied" in text_of(root.get(LIST))
            assert "permission denied" in text_of(root.get(f"{EVENTS}?database={project.alias}"))
            assert root.client.get(root.address("1")).status_code == 302
            assert project.query("SELECT 1") == [(1,)]
    finally:
        project.query(f"DROP ROLE {role}")


def test_no_query_for_each_row(project: Project, root: Browser) -> None:
    project.write(V1__one="SELECT 1;\n-- rollback\n")
    project.call("upgrade")

    def queries(address: str) -> int:
        with CaptureQueriesContext(project.connection) as captured:
            root.get(address)
        return len(captured)

    addresses = [LIST, f"{LIST}?p=2", f"{EVENTS}?database={project.alias}", root.address("1")]
    before = [queries(address) for address in addresses]
    project.write(**{f"V{n}__x": "SELECT 1;" for n in range(2, 251)})
    project.call("upgrade", fake=True)
    assert [queries(address) for address in addresses] == before
    assert len(root.rows()) == 100
    assert root.rows("p=3")[-1] == ("V250__x.sql", "applied")
    assert "250 migrations" in text_of(root.get(LIST))


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("name", ["root", "viewer"])
def test_nothing_can_be_changed(users: dict[str, User], project: Project, name: str) -> None:
    project.write(V1__one="SELECT 1;")
    project.call("upgrade")
    browser = Browser(users[name], project.alias)
    for address in ("add/", f"{project.alias}_2F1/delete/", f"{project.alias}_2F1/history/"):
        assert browser.client.get(f"{LIST}{address}").status_code == 404
    assert 'name="action"' not in browser.get(LIST)
    assert f"{LIST}add/" not in browser.get(LIST)
    delete = {"action": "delete_selected", "_selected_action": [f"{project.alias}/1"]}
    browser.client.post(LIST, delete)
    browser.client.post(browser.address("1"), {"path": "x"})
    assert project.applied() == ["V1__one.sql"]


@pytest.mark.engines("sqlite")
def test_only_who_may_view_sees_something(users: dict[str, User], project: Project) -> None:
    project.write(V1__one="SELECT 1;")
    page = f"{LIST}{project.alias}_2F1/change/"
    seen = {
        "root": [LIST, page, EVENTS],
        "viewer": [LIST, page],
        "watcher": [EVENTS],
        "changer": [],
        "nobody": [],
    }
    for name, expected in seen.items():
        client = Browser(users[name], project.alias).client
        found = [a for a in (LIST, page, EVENTS) if client.get(a).status_code == 200]
        assert found == expected, name
        index = client.get("/admin/").content.decode()
        assert [a for a in (LIST, EVENTS) if a in index] == [a for a in expected if a != page]
    assert Client().get(LIST).status_code == 302
    viewer = Browser(users["viewer"], project.alias)
    assert EVENTS not in viewer.page("1")


@pytest.mark.engines("sqlite")
def test_what_is_shown_is_escaped(project: Project, root: Browser) -> None:
    evil = "<script>alert(1)</script>"
    (project.folder / "V1__<b>&.sql").write_text(f"SELECT '{evil}';")
    project.call("upgrade")
    (project.folder / "V1__<b>&.sql").write_text(f"SELECT '{evil}', '{evil}';")
    project.write(V2__bad=f"SELECT '{evil}' FROM nowhere;")
    with pytest.raises(Exception, match="V2__bad"):
        project.call("upgrade", skip_checksum_validation=True)
    pages = [LIST, f"{EVENTS}?database={project.alias}", root.address("1"), root.address("2")]
    pages += [root.address("1", f"view={view}") for view in ("applied", "disk", "formatted")]
    for address in pages:
        page = root.get(address)
        assert evil not in page
        assert "<b>&" not in page
    assert "SELECT &#x27;&lt;script&gt;" in root.page("1", "view=applied")


SECRETS = {
    "postgresql": "CREATE ROLE {name} PASSWORD 'hunter{n}'",
    "mysql": "CREATE USER {name} IDENTIFIED BY 'hunter{n}'",
}


@pytest.mark.engines("postgresql", "mysql")
def test_secrets_are_blanked(project: Project, root: Browser) -> None:
    name = f"{engines.NAME}_secret"
    kind = "ROLE" if project.vendor == "postgresql" else "USER"
    statement = SECRETS[project.vendor]
    undo = f"DROP {kind} {name};"
    project.write(
        V1__role=f"{statement.format(name=name, n=1)};\nSELECT 'kept';\n-- rollback\n{undo}\n"
        "-- password 'hunter2'\n"
    )
    project.call("upgrade")
    try:
        project.write(V2__again=f"{statement.format(name=name, n=3)};")
        with pytest.raises(Exception, match="V2__again"):
            project.call("upgrade")
        project.write(V1__role=f"{statement.format(name=name, n=4)};\n-- rollback\n{undo}")
        views = ("diff", "applied", "disk", "formatted")
        addresses = [LIST, f"{EVENTS}?database={project.alias}", root.address("2")]
        addresses += [root.address("1", f"view={view}") for view in views]
        for address in addresses:
            assert "hunter" not in root.get(address), address
        assert "kept" in root.page("1", "view=applied")
    finally:
        project.query(undo)


REREAD = {
    "postgresql": "SET standard_conforming_strings = off;\n"
    "ALTER ROLE nobody PASSWORD 'x\\'hunter';",
    "mysql": "SET sql_mode = 'NO_BACKSLASH_ESCAPES';\n"
    "CREATE USER 'a\\' IDENTIFIED BY 'hunter' NONSENSE;",
}


@pytest.mark.engines("postgresql", "mysql")
def test_a_failing_statement_is_read_by_the_rules_that_held(
    project: Project, root: Browser
) -> None:
    project.write(V1__a=REREAD[project.vendor])
    with pytest.raises(Exception, match="V1__a") as caught:
        project.call("upgrade")
    assert "hunter" not in str(caught.value)
    assert "hunter" not in root.get(f"{EVENTS}?database={project.alias}")


@pytest.mark.engines("sqlite")
def test_another_admin_site(project: Project, root: Browser) -> None:
    project.write(V1__one="SELECT 1;")
    project.call("upgrade")
    for address in (LIST, f"{EVENTS}?database={project.alias}", root.address("1")):
        page = root.get(address.replace("/admin/", "/another/", 1))
        assert "/another/django_jetbase/" in page
        assert 'href="/admin/' not in page


@pytest.mark.engines("sqlite")
def test_wrong_settings_are_said(project: Project, root: Browser, settings: Any) -> None:
    settings.JETBASE = {"NONSENSE": 1}
    assert 'JETBASE["NONSENSE"] is not a setting' in text_of(root.get(LIST))
    root.get(EVENTS)
    assert root.client.get(root.address("1")).status_code == 302


@pytest.mark.engines("sqlite")
def test_a_directory_that_is_missing_is_said(project: Project, root: Browser) -> None:
    project.folder.rmdir()
    assert "MIGRATIONS_DIR" in text_of(root.get(LIST))


@pytest.mark.engines("sqlite")
def test_texts_beyond_the_limits(project: Project, root: Browser) -> None:
    rows = "".join(f"INSERT INTO t VALUES ({n});\n" for n in range(12_000))
    project.write(V1__t=f"CREATE TABLE t (n INT);\n{rows}")
    project.call("upgrade")
    assert "too long to be formatted" in text_of(root.page("1", "view=formatted"))
    assert text_of(root.page("1", "view=applied")).count("INSERT INTO") < 12_000
    project.write(V1__t=f"CREATE TABLE t (n INT);\n{rows}INSERT INTO t VALUES (-1);")
    assert "<ins>INSERT INTO t VALUES (-1);</ins>" in root.page("1")
    project.write(V1__t=f"CREATE TABLE t (n INT);\n{rows.replace('t V', 't  V')}")
    assert "too many lines to be compared" in text_of(root.page("1"))


@pytest.mark.engines("sqlite")
def test_a_text_of_which_nothing_is_shown(project: Project, root: Browser) -> None:
    text = f"SELECT 1;\n-- {'x' * 2_000_000}\n-- rollback\nSELECT 2;"
    project.configure(HISTORY_TEXT_LIMIT=3_000_000)
    project.write(V1__t=text)
    project.call("upgrade")
    said = text_of(root.page("1"))
    assert "The text is too long to be shown." in said
    assert "a rollback runs nothing" not in said
    project.write(V1__t=text.replace("1", "3"))
    assert "too many lines to be compared" in text_of(root.page("1"))
    assert "The text is too long to be shown." in text_of(root.page("1", "view=disk"))


@pytest.mark.engines("sqlite")
def test_what_differs_only_beyond_what_is_shown(project: Project, root: Browser) -> None:
    project.write(V1__t="SELECT 'a' AS password, 'hunter1';")
    project.call("upgrade")
    project.write(V1__t="SELECT 'a' AS password, 'hunter2';")
    assert "differ only in what is not shown here" in text_of(root.page("1"))


@pytest.mark.engines("sqlite")
def test_only_view_permissions_are_made(users: dict[str, User]) -> None:
    found = Permission.objects.filter(content_type__app_label="django_jetbase")
    names = set(found.values_list("codename", flat=True)) - {"change_appliedmigration"}
    assert names == {"view_appliedmigration", "view_event"}


@pytest.mark.engines("sqlite")
def test_a_text_that_is_damaged(project: Project, root: Browser) -> None:
    project.write(V1__one="SELECT 1;")
    project.call("upgrade")
    AppliedMigration.objects.using(project.alias).update(text=b"nonsense")
    response = root.client.get(root.address("1"), follow=True)
    said = text_of(response.content.decode())
    assert "V1__one.sql: the text that the history has kept of it is damaged" in said


def test_a_text_that_unpacks_to_a_very_long_one(project: Project, root: Browser) -> None:
    one = "SELECT 1;\n-- rollback\nSELECT 2;"
    project.write(V1__one=one, V2__two=one)
    project.call("upgrade")
    AppliedMigration.objects.using(project.alias).update(text=BOMB)
    (project.folder / "V2__two.sql").unlink()
    pages: list[str] = []
    for key in ("1", "2"):
        assert peak_of(lambda key=key: pages.append(root.page(key))) < BOMB_LENGTH / 2  # type: ignore[misc]
        said = text_of(pages[-1])
        assert "The text is too long to be shown." in said
        assert "Difference" not in said
        assert "cannot be rolled back" not in said
    assert "SELECT 2;" in text_of(pages[0]).partition("Rollback section")[2]


def test_two_files_of_one_version_have_a_page_each(project: Project, root: Browser) -> None:
    project.write(V1__b="SELECT 'b';")
    project.call("upgrade")
    project.write(V1__a="SELECT 'a';")
    links = re.findall(r'<th class="field-migration"><a href="([^"]*)"', root.get(LIST))
    pages = [text_of(root.get(link)) for link in links]
    assert ["SELECT 'a';" in page for page in pages] == [True, False]
    assert ["SELECT 'b';" in page for page in pages] == [False, True]
    assert "SELECT 'b';" in text_of(root.page("1"))


def test_rows_of_a_copy_are_secret_however_many(project: Project, root: Browser) -> None:
    if project.vendor != "postgresql":
        rows = "INSERT INTO u (password) VALUES ('hunter');\n" * 6_000
    else:
        rows = "COPY u (password) FROM STDIN;\n" + "hunter\n" * 40_000 + "\\.\n"
    project.write(V1__u=f"CREATE TABLE u (password VARCHAR(10));\n{rows}")
    for view in ("disk", "formatted"):
        assert "hunter" not in root.page("1", f"view={view}")


def test_values_of_placeholders_are_not_shown(project: Project, root: Browser) -> None:
    project.configure(PLACEHOLDERS={"token": "hunter2hunter2", "pin": "4711"})
    project.write(V1__a="SELECT nonsense nonsense '${token}', '${pin}' FROM t_${token};")
    with pytest.raises(Exception, match="V1__a") as caught:
        project.call("upgrade")
    pages = [LIST, f"{EVENTS}?database={project.alias}", root.address("1")]
    for said in [str(caught.value), *map(root.get, pages)]:
        assert "hunter2" not in said
        assert "4711" not in said


def test_contents_of_rows_are_not_shown(project: Project, root: Browser) -> None:
    """Those of the file itself are."""
    prepare(project)
    for sql, kept in FAILING[project.vendor]:
        if SECRET in sql:
            continue
        project.write(V1__a=f"{sql};")
        with pytest.raises(Exception, match="V1__a"):
            project.call("upgrade")
        page = root.page("1")
        assert "V1__a.sql:1:" in page
        assert kept in text_of(page)
        assert SECRET not in page
    assert SECRET not in root.get(f"{EVENTS}?database={project.alias}")
    assert SECRET not in root.get(LIST)


@pytest.mark.engines("sqlite")
def test_problems_show_no_secrets(project: Project, root: Browser) -> None:
    project.write(
        V1__a="-- jetbase: password='hunter1'\nSELECT 1;",
        V2__b=".shell psql -c \"ALTER ROLE a PASSWORD 'hunter2'\"\nSELECT 1;",
    )
    page = root.get(LIST)
    assert "V2__b.sql:1:1" in page
    assert "hunter" not in page


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("kept", [AppliedMigration, Event])
def test_either_list_works_without_the_other(
    project: Project, root: Browser, settings: Any, kept: type[AppliedMigration | Event]
) -> None:
    project.write(V1__one="SELECT 1;")
    project.call("upgrade")
    site = admin.AdminSite(name="admin")
    site.register(kept, MigrationAdmin if kept is AppliedMigration else EventAdmin)
    settings.ROOT_URLCONF = as_at_start_up(site)
    if kept is AppliedMigration:
        assert root.rows() == [("V1__one.sql", "applied")]
        assert "All events" not in root.page("1")
    else:
        assert "V1__one.sql" in text_of(root.get(f"{EVENTS}?database={project.alias}"))


@pytest.mark.engines("sqlite")
def test_who_may_see_the_log_only_gets_no_links(users: dict[str, User], project: Project) -> None:
    project.write(V1__one="SELECT 1;")
    project.call("upgrade")
    page = Browser(users["watcher"], project.alias).get(f"{EVENTS}?database={project.alias}")
    assert "V1__one.sql" in text_of(page)
    assert "/change/" not in page


@pytest.mark.parametrize("changes", [{"OPTIONS": {"nonsense": 1}}, {"PORT": "3x"}])
def test_what_a_driver_makes_of_wrong_settings(
    project: Project, root: Browser, settings: Any, changes: dict[str, Any]
) -> None:
    project.write(V1__one="SELECT 1;")
    project.another("odd", **changes)
    settings.ROOT_URLCONF = as_at_start_up()
    assert root.rows(f"database={project.alias}") == [("V1__one.sql", "pending")]
    root.get(f"{EVENTS}?database=odd")
    assert root.client.get(f"{LIST}odd_2F1/change/").status_code in (200, 302)


def test_rows_of_a_newer_release(project: Project, root: Browser) -> None:
    project.write(V1__one="SELECT 1;")
    project.call("upgrade")
    AppliedMigration.objects.using(project.alias).update(kind="NEW")
    assert "of the kind 'NEW', which this release does not know" in text_of(root.get(LIST))


@pytest.mark.engines("sqlite")
def test_no_more_than_the_last_events_of_a_migration(project: Project, root: Browser) -> None:
    project.write(RA__often="SELECT 1;")
    project.call("upgrade")
    event = Event.objects.using(project.alias).values().get()
    del event["id"]
    Event.objects.using(project.alias).bulk_create(Event(**event) for _ in range(150))
    page = root.page(event["key"].replace(":", "_3A"))
    assert page.count("<td>applied</td>") == 100
    assert "Older ones are in the log." in page


@pytest.mark.engines("sqlite")
def test_numbers_and_directions_of_other_languages(
    project: Project, root: Browser, settings: Any
) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    settings.LANGUAGE_CODE = "ar"
    lines = "SELECT 1;\n" * 1_200
    project.write(V1__one=f"{lines}SELECT 2;")
    project.call("upgrade")
    project.write(V1__one=f"{lines}SELECT 3;")
    page = root.page("1")
    assert "<td>1201</td>" in page
    assert '<div class="jetbase-scroll" dir="ltr"' in page
    assert '<pre class="jetbase-sql jetbase-numbered" dir="ltr"' in root.page("1", "view=disk")


@pytest.mark.engines("sqlite")
def test_it_is_only_read(project: Project, root: Browser) -> None:
    project.write(V1__one="SELECT 1;")
    for method in (root.client.post, root.client.put, root.client.delete):
        for address in (LIST, EVENTS, root.address("1")):
            assert method(address).status_code == 405


@pytest.mark.engines("sqlite")
def test_every_string_is_translated() -> None:
    root = Path(django_jetbase.__file__).parent
    with (root / "locale/de/LC_MESSAGES/django.mo").open("rb") as file:
        known = {key for key in GNUTranslations(file)._catalog if isinstance(key, str)}  # type: ignore[attr-defined]
    sources = [*root.glob("admin/*.py"), root / "models.py", *root.glob("templates/**/*.html")]
    call = re.compile(r"""(?:\b_|gettext)\(\s*"(.*?)"\)|\{% translate "(.*?)" %\}""")
    for source in sources:
        found = {a or b for a, b in call.findall(source.read_text(encoding="utf-8"))}
        assert found <= known, source


def test_a_history_of_another_name(project: Project, root: Browser) -> None:
    setting = {"HISTORY_TABLE_PREFIX": "jb_"}
    if project.vendor == "postgresql":
        project.query("CREATE SCHEMA ops")
        setting["HISTORY_SCHEMA"] = "ops"
    project.configure(**setting)
    project.write(V1__a="CREATE TABLE a (id INTEGER);")
    project.call("upgrade")
    assert root.rows() == [("V1__a.sql", "applied")]
    assert "CREATE TABLE a" in text_of(root.page("1"))
    log = f"{EVENTS}?database={project.alias}"
    assert "V1__a.sql" in text_of(root.get(log))
    assert "V1__a.sql" in text_of(root.get(f"{log}&event=applied&q=a"))
    assert "V1__a.sql" not in text_of(root.get(f"{log}&event=failed"))
