"""The admin in a real browser: what one clicks, sees in either theme, and reaches by keyboard."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.test import override_settings

from django_jetbase import upgrade
from django_jetbase.models import AppliedMigration

from .. import browsers, engines

if browsers.program() is None:
    pytest.skip("Chromium and its driver are not installed", allow_module_level=True)

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

LIST = "/admin/django_jetbase/appliedmigration/"
EVENTS = "/admin/django_jetbase/event/"
FILES = {
    "V1__one": "create table one (id int);\n-- rollback\nDROP TABLE one;\n",
    "V2__two": "CREATE TABLE two (\n    id INT\n);\n-- rollback\nDROP TABLE two;\n",
    "V3__three": "CREATE TABLE three (id INT);\n",
}
LATER = {
    "V2__two": "CREATE TABLE two (\n    id BIGINT\n);\n-- rollback\nDROP TABLE two;\n",
    "V4__four": "CREATE TABLE four (id INT);\n",
    "ROC__view": "SELECT 1;\n",
}
BRIGHTNESS = """
    const brightness = colour => {
        const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(part => {
            const value = part / 255;
            return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const ground = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (!colour.startsWith("rgba(") || !colour.endsWith(", 0)")) return colour;
        }
        return "rgb(255, 255, 255)";
    };
"""
CONTRAST = f"""{BRIGHTNESS}
    const found = [];
    for (const element of document.querySelectorAll(arguments[0])) {{
        const both = [getComputedStyle(element).color, ground(element)].map(brightness);
        found.push((Math.max(...both) + 0.05) / (Math.min(...both) + 0.05));
    }}
    return Math.min(...found);
"""


@contextmanager
def migrations_in_several_states() -> Iterator[None]:
    """An alias whose migrations are applied, changed, missing and pending."""
    with TemporaryDirectory() as folder, engines.SQLite("").fresh(Path(folder)) as alias:
        migrations = Path(folder) / "migrations"
        migrations.mkdir()

        def write(texts: dict[str, str]) -> None:
            for name, text in texts.items():
                (migrations / f"{name}.sql").write_text(text)

        given = {"DATABASES": {alias: {"MIGRATIONS_DIR": migrations}}}
        with override_settings(JETBASE=given):
            write(FILES)
            upgrade(alias)
            AppliedMigration.objects.using(alias).update(duration_ms=7)
            write(LATER)
            (migrations / "V3__three.sql").unlink()
            yield


class AdminInBrowser(StaticLiveServerTestCase):
    """On a database of its own, whose migrations are in several states."""

    databases = {"default", engines.ALIAS}
    browser: ClassVar[Chrome]
    alias = engines.ALIAS

    @classmethod
    def setUpClass(cls) -> None:
        cls.enterClassContext(migrations_in_several_states())
        super().setUpClass()
        cls.browser = cls.enterClassContext(browsers.opened())  # and closed before the server

    def setUp(self) -> None:
        browsers.dress(self.browser, "light", 1280)
        self.browser.delete_all_cookies()
        self.complaints()  # of another test
        User.objects.create_superuser("root", password="root")
        User.objects.create_user("nobody", password="nobody", is_staff=True)
        viewer = User.objects.create_user("viewer", password="viewer", is_staff=True)
        viewer.user_permissions.add(Permission.objects.get(codename="view_appliedmigration"))

    def open(self, address: str) -> None:
        self.browser.get(f"{self.live_server_url}{address}")

    def log_in(self, name: str = "root") -> None:
        self.open("/admin/login/?next=/admin/")
        self.find("[name=username]").send_keys(name)
        self.find("[name=password]").send_keys(name)
        with self.leaving():
            self.find("[type=submit]").click()

    def find(self, css: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        return [
            element.text.strip() for element in self.browser.find_elements(By.CSS_SELECTOR, css)
        ]

    def click(self, text: str) -> None:
        with self.leaving():
            self.browser.find_element(By.LINK_TEXT, text).click()

    def press_enter(self, element: WebElement) -> None:
        with self.leaving():
            element.send_keys(Keys.ENTER)

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Be on another page afterwards."""
        self.browser.execute_script("window.isOld = true")
        yield
        arrived = "return !window.isOld && document.readyState === 'complete'"
        wait = WebDriverWait(self.browser, 120, ignored_exceptions=[WebDriverException])
        wait.until(lambda browser: browser.execute_script(arrived))

    def names(self) -> list[str]:
        return self.texts("#result_list th.field-migration")

    def page(self, key: str, query: str = "") -> None:
        self.open(f"{LIST}{self.alias}_2F{key}/change/{query}")

    def complaints(self) -> list[Any]:
        """What the browser has found wrong: scripts that fail, files that are missing."""
        found = self.browser.get_log("browser")
        return [entry for entry in found if "favicon" not in entry["message"]]

    def test_from_logging_in_to_a_difference(self) -> None:
        self.log_in()
        self.click("Migrations")
        assert dict(zip(self.names(), self.texts("#result_list .field-state_of"), strict=True)) == {
            "V1__one.sql": "applied",
            "V2__two.sql": "changed",
            "V3__three.sql": "missing",
            "V4__four.sql": "pending",
            "ROC__view.sql": "pending",
        }
        self.click("missing")
        assert self.names() == ["V3__three.sql"]
        self.click("All")
        self.click("versioned")
        assert len(self.names()) == 4
        self.find("#searchbar").send_keys("two")
        self.press_enter(self.find("#searchbar"))
        assert self.names() == ["V2__two.sql"]
        self.click("V2__two.sql")
        assert self.find("h1").text == "V2__two.sql"
        assert self.texts(".jetbase-removed del") == ["id INT"]
        assert self.texts(".jetbase-added ins") == ["id BIGINT"]
        self.click("As applied")
        assert "id INT" in self.find(".jetbase-sql").text
        self.click("On disk")
        assert "id BIGINT" in self.find(".jetbase-sql").text
        self.click("All events of this database")
        assert "applied" in self.texts("#result_list .field-event_of")
        self.click("V1__one.sql")
        self.click("Formatted")
        assert "CREATE TABLE one" in self.find(".jetbase-sql").text
        assert self.complaints() == []

    def test_the_counts_above_the_list_lead_to_what_they_count(self) -> None:
        self.log_in()
        self.open(LIST)
        self.click("1 changed")
        assert self.names() == ["V2__two.sql"]

    def test_a_user_without_permission_sees_nothing(self) -> None:
        self.log_in("nobody")
        assert "Jetbase" not in self.find("#content").text
        self.open(LIST)
        assert "403" in self.find("body").text

    def test_who_may_view_can_change_nothing(self) -> None:
        self.log_in("viewer")
        self.open(LIST)
        self.page("2")
        main = self.find("#content")
        assert main.find_elements(By.CSS_SELECTOR, "form, input, button, select") == []
        assert "All events" not in main.text

    def test_both_themes_are_readable(self) -> None:
        self.log_in()
        for theme in ("light", "dark"):
            browsers.dress(self.browser, theme, 1280)
            for address, css in {
                LIST: ".jetbase-state, .jetbase-problems li, #result_list td, #result_list a",
                f"{LIST}{self.alias}_2F2/change/": ".jetbase-page td, .jetbase-tabs a",
                f"{LIST}{self.alias}_2F1/change/": ".jetbase-sql code, .jetbase-sql span, th",
                EVENTS: "#result_list td, #result_list a",
            }.items():
                self.open(address)
                with self.subTest(theme=theme, address=address):
                    assert self.browser.execute_script(CONTRAST, css) >= 4.5
            script = f"{BRIGHTNESS} return brightness(ground(document.body))"
            brightness = self.browser.execute_script(script)
            assert (brightness > 0.5) == (theme == "light")

    def test_a_narrow_screen_scrolls_down_only(self) -> None:
        self.log_in()
        browsers.dress(self.browser, "light", 360)
        for address in (LIST, f"{LIST}{self.alias}_2F2/change/", EVENTS):
            self.open(address)
            script = "return document.documentElement.scrollWidth"
            assert self.browser.execute_script(script) <= 360, address

    def test_the_keyboard_reaches_everything(self) -> None:
        self.log_in()
        self.open(f"{LIST}?state=changed")
        self.press_enter(self.reach("V2__two.sql"))
        self.press_enter(self.reach("As applied"))
        for _ in range(50):
            if self.browser.switch_to.active_element.tag_name == "pre":
                break
            self.browser.switch_to.active_element.send_keys(Keys.TAB)
        assert "id INT" in self.browser.switch_to.active_element.text

    def reach(self, text: str) -> WebElement:
        """Press the tabulator until the link with a text has the focus."""
        for _ in range(80):
            element = self.browser.switch_to.active_element
            if element.text == text:
                return element
            element.send_keys(Keys.TAB)
        raise AssertionError(f"{text} cannot be reached.")

    def test_what_a_screen_reader_needs(self) -> None:
        self.log_in()
        for address in (LIST, f"{LIST}{self.alias}_2F2/change/", EVENTS):
            self.open(address)
            headers = self.browser.find_elements(By.CSS_SELECTOR, "#content-main table th")
            assert headers
            for css in ("#content section, #content nav", "#content table"):
                for element in self.browser.find_elements(By.CSS_SELECTOR, css):
                    if element.tag_name == "table":
                        assert element.find_elements(By.CSS_SELECTOR, "th[scope]")
                    else:
                        assert element.accessible_name, element.get_attribute("class")
        self.page("2")
        assert self.texts("#content section h2") == [
            "Migration",
            "SQL",
            "Rollback section",
            "Events",
        ]

    def test_without_scripts(self) -> None:
        self.log_in()
        command = "Emulation.setScriptExecutionDisabled"
        self.browser.execute_cdp_cmd(command, {"value": True})
        try:
            self.open(LIST)
            assert len(self.names()) == 5
            assert self.find("#result_list meter").is_displayed()
            self.page("2")
            assert self.texts(".jetbase-added ins") == ["id BIGINT"]
        finally:
            self.browser.execute_cdp_cmd(command, {"value": False})

    def test_in_another_language(self) -> None:
        self.log_in()
        headers = {"headers": {"Accept-Language": "de"}}
        self.browser.execute_cdp_cmd("Network.enable", {})
        self.browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", headers)
        try:
            self.open(LIST)
            assert "ausstehend" in self.texts("#result_list .field-state_of")
            self.page("2")
            assert "Rückgängig" in self.find("#content").text
        finally:
            self.browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})
