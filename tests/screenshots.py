"""Make the pictures of the documentation: `python -m tests.screenshots` in the project's root.

It serves the demonstration of testproject/ on the servers of SHOP_DATABASES.
"""

import os
import socket
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from . import browsers

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
LIST = "/admin/django_jetbase/appliedmigration/"
PAGES = {
    "list": LIST,
    "migration": f"{LIST}default_2F5/change/",
    "events": "/admin/django_jetbase/event/",
}
HIDE_FOLDER = """
    for (const cell of document.querySelectorAll(".jetbase-facts td"))
        cell.textContent.startsWith("/") && (cell.textContent =
            cell.textContent.replace(/.*\\/default/, "/srv/shop/jetbase/migrations"));
"""
WIDTH, TALLEST = 1280, 1300


def main() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "manage.py", "demo", address]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(command, cwd=ROOT / "testproject", env=environment)
    try:
        wait_for(address)
        with browsers.opened() as browser:
            log_in(browser, f"http://{address}")
            IMAGES.mkdir(exist_ok=True)
            browsers.dress(browser, "light", WIDTH)
            for name, path in PAGES.items():
                browser.get(f"http://{address}{path}")
                save(browser, name)
    finally:
        server.terminate()
        server.wait()


def wait_for(address: str) -> None:
    host, port = address.split(":")
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("The demonstration did not start.")


def log_in(browser: Chrome, site: str) -> None:
    browser.get(f"{site}/admin/")
    for name in ("username", "password"):
        browser.find_element(By.NAME, name).send_keys("admin")
    browser.find_element(By.CSS_SELECTOR, "[type=submit]").click()


def save(browser: Chrome, name: str) -> None:
    """The page from its top, beyond the window, without the temporary folder of this machine."""
    browser.execute_script(HIDE_FOLDER)
    height = int(browser.execute_script("return document.querySelector('#main').scrollHeight + 80"))
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": min(height, TALLEST), "scale": 1}
    given = {"captureBeyondViewport": True, "clip": clip}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", given)
    (IMAGES / f"{name}.png").write_bytes(b64decode(shot["data"]))


if __name__ == "__main__":
    main()
