"""A person at the page, in Chromium."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

SCREENSHOTS = Path(__file__).parents[3] / "build/screenshots"
SENTENCE = "The cat is on the mat."
DESK = {"width": 1180, "height": 900}
TELEPHONE = {"width": 390, "height": 844}
_PATIENCE = 20_000
"""Milliseconds to wait for the page."""
_SERIOUS = ("serious", "critical")


class Visit:
    """A person at the page, and the errors reported by the browser."""

    def __init__(self, browser: "Browser", address: str, **context: object):
        self.context = browser.new_context(**{"viewport": DESK, **context})  # type: ignore[arg-type]
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(_PATIENCE)
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.page.on("dialog", lambda dialog: (self.complaints.append("dialog"), dialog.dismiss()))
        self.page.goto(address, wait_until="networkidle")

    def _note(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def translate(self, sentence: str) -> None:
        self.page.fill("#text", sentence)
        self.page.keyboard.press("Enter")
        self.page.locator(".panel .heatmap").first.wait_for()

    def word(self, side: str, word: str) -> "Locator":
        return self.page.locator(f".{side} .word").get_by_text(word, exact=True)

    def lit(self, side: str) -> dict[str, float]:
        """Returns the highlight weights of the words on a side, in percent."""
        words = self.page.locator(f".{side} .word.lit")
        return {
            word.text_content() or "": float(
                word.evaluate("node => parseFloat(node.style.getPropertyValue('--weight'))")
            )
            for word in words.all()
        }

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.text_content() or ""

    def picture(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    def findings(self) -> list[str]:
        """Returns the accessibility problems found by axe."""
        from axe_playwright_python.sync_playwright import Axe

        violations = Axe().run(self.page).response["violations"]
        return [
            f"{each['id']}: {node['html']}"
            for each in violations
            if each["impact"] in _SERIOUS
            for node in each["nodes"]
        ]
