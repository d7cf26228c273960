"""Accessibility of the page: keyboard, screen readers, dark mode, telephones."""

import re
from typing import TYPE_CHECKING

import pytest

from scripts.chromium import IS_MISSING, REASON
from tests.serving.web.visit import DESK, SENTENCE, TELEPHONE, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.skipif(IS_MISSING, reason=REASON)]


def test_the_keyboard_alone_reaches_everything(visit: Visit) -> None:
    keys = visit.page.keyboard
    assert visit.page.evaluate("document.activeElement.id") == "text"
    keys.type(SENTENCE)
    keys.press("Enter")
    visit.page.locator(".panel .heatmap").wait_for()
    reached = []
    for _ in range(30):
        keys.press("Tab")
        reached.append(
            visit.page.evaluate(
                "document.activeElement.id || document.activeElement.textContent.trim()"
                " || document.activeElement.name"
            )
        )
    forms = ("version", "other", "Translate")
    for name in (*forms, "Copy", "The", "die", "Download PNG", "Download SVG"):
        assert name in reached, name
    visit.page.locator(".target .word").first.focus()
    keys.press("ArrowRight")
    assert visit.text(".detail").startswith("Kater looked at cat")
    assert max(visit.lit("source").items(), key=lambda item: item[1])[0] == "cat"
    keys.press("ArrowUp")
    assert visit.page.evaluate("document.activeElement.textContent") == "cat"
    keys.press("End")
    assert visit.page.evaluate("document.activeElement.textContent") == "(end)"
    keys.press("Home")
    keys.press("ArrowDown")
    assert visit.page.evaluate("document.activeElement.textContent") == "die"
    keys.press("Enter")
    assert visit.page.evaluate("document.activeElement.ariaPressed") == "true"
    visit.picture("keyboard")
    keys.press("Escape")
    assert visit.page.evaluate("document.activeElement.ariaPressed") == "false"


def test_shift_and_enter_begin_a_new_line(visit: Visit) -> None:
    visit.page.keyboard.type("the")
    visit.page.keyboard.press("Shift+Enter")
    visit.page.keyboard.type("mat")
    assert visit.page.locator("#text").input_value() == "the\nmat"
    assert visit.page.locator(".panel").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, TELEPHONE], ids=["desk", "telephone"])
def test_everybody_can_read_and_reach_it(
    browser: "Browser", address: str, scheme: str, size: dict
) -> None:
    visit = Visit(browser, address, viewport=size, color_scheme=scheme, reduced_motion="reduce")
    assert visit.findings() == []
    visit.page.select_option("#other", "1")
    visit.translate(SENTENCE)
    assert visit.findings() == []
    visit.word("target", "Kater").hover()
    assert visit.findings() == []
    place = "desk" if size == DESK else "telephone"
    visit.picture(f"{place}-{scheme}")
    visit.context.close()
    assert visit.complaints == []


def test_dark_is_dark_and_light_is_light(browser: "Browser", address: str) -> None:
    def brightness(scheme: str) -> int:
        visit = Visit(browser, address, color_scheme=scheme)
        colour = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        visit.context.close()
        return max(map(int, re.findall(r"\d+", colour)))

    assert brightness("dark") < 40 < 200 < brightness("light")


@pytest.mark.parametrize("width", [320, 390])
def test_a_narrow_page_does_not_scroll_sideways(
    browser: "Browser", address: str, width: int
) -> None:
    visit = Visit(browser, address, viewport={"width": width, "height": 844}, has_touch=True)
    visit.page.select_option("#other", "1")
    visit.translate(f"{SENTENCE} {'x' * 90} and more")
    assert visit.page.evaluate("document.documentElement.scrollWidth") == width
    visit.page.locator(".target .word").nth(1).tap()
    assert max(visit.lit("source").values()) > 50
    visit.picture(f"width-{width}")
    visit.context.close()
    assert visit.complaints == []
