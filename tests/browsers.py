"""A real Chromium, driven by Selenium."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
]


def program() -> str | None:
    """The path of the browser, where it and its driver are installed.

    With JETBASE_TEST_BROWSER, an error where they are not.
    """
    found = next((path for name in _PROGRAMS if (path := shutil.which(name))), None)
    if found and shutil.which("chromedriver"):
        return found
    if os.environ.get("JETBASE_TEST_BROWSER"):
        raise RuntimeError("JETBASE_TEST_BROWSER asks for Chromium and its driver; one is missing")
    return None


def version(path: str) -> str:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@contextmanager
def opened() -> Iterator[Chrome]:
    """A browser window of its own."""
    path, driver = program(), shutil.which("chromedriver")
    assert path
    assert driver
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = path
        for option in (*_OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        browser = Chrome(options, ChromeService(driver))
        try:
            yield browser
        finally:
            browser.quit()


def dress(browser: Chrome, theme: str, width: int, height: int = 900) -> None:
    """Give the page a colour scheme, `light` or `dark`, and a size in pixels."""
    feature = {"name": "prefers-color-scheme", "value": theme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
