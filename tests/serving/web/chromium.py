"""The system's Chromium for the tests of the page, and the folder of their screenshots."""

import importlib.util
import os
import shutil
from pathlib import Path

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
"""Without a sandbox, because tests may run as root; and no host but this machine."""
SCREENSHOTS = Path(__file__).parents[3] / "build/screenshots"
