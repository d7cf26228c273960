"""Finds and starts Chromium, for tests of the page and for screenshots."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
HAS_PLAYWRIGHT = importlib.util.find_spec("playwright") is not None
IS_MISSING = PROGRAM is None or not HAS_PLAYWRIGHT
REASON = (
    "playwright is not installed: make setup"
    if not HAS_PLAYWRIGHT
    else "no Chromium is installed (Debian: apt install chromium), and CHROMIUM names none"
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
"""Without a sandbox, because tests may run as root, and without access to other hosts."""


@contextmanager
def running_browser() -> Iterator["Browser"]:
    """Starts Chromium, and ends it on exit."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
