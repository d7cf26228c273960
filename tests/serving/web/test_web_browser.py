"""The page in a real browser: what a person does with it, with mouse, keyboard and telephone."""

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from matplotlib import image

from tests.serving.web.chromium import ARGUMENTS, IS_MISSING, PROGRAM, REASON, SCREENSHOTS
from tests.serving.web.dictionary_server import (
    SLOW,
    Dictionary,
    dictionary_server,
    page_settings,
    running_page,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.skipif(IS_MISSING, reason=REASON)

SENTENCE = "The cat is on the mat."
HOSTILE = '<script>document.title="broken"</script><img src=x onerror=alert(1)>'
PATIENCE = 20_000
"""Milliseconds."""
DESK = {"width": 1180, "height": 900}
TELEPHONE = {"width": 390, "height": 844}
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return Dictionary()


@pytest.fixture(scope="module")
def address(tmp_path_factory, dictionary: Dictionary) -> Iterator[str]:
    """Of a page whose model server has two versions."""
    folder = tmp_path_factory.mktemp("models")
    with (
        dictionary_server(folder, dictionary=dictionary) as server,
        running_page(page_settings(server.port, max_characters=500)) as address,
    ):
        yield address


class Visit:
    """A person at the page, and what the browser complained about."""

    def __init__(self, browser: "Browser", address: str, **context: object):
        self.context = browser.new_context(**{"viewport": DESK, **context})  # type: ignore[arg-type]
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
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
        """The weights by which the words of a side are lit, in percent."""
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
        """What axe finds that keeps people out."""
        from axe_playwright_python.sync_playwright import Axe

        violations = Axe().run(self.page).response["violations"]
        return [
            f"{each['id']}: {node['html']}"
            for each in violations
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]


@pytest.fixture
def visit(browser: "Browser", address: str) -> Iterator[Visit]:
    """A visit to the page, which must end without a complaint of the browser."""
    with_page = Visit(browser, address)
    yield with_page
    with_page.context.close()
    assert with_page.complaints == []
    assert with_page.hosts == {address.split("/")[2]}


def test_a_sentence_is_translated_with_beam_and_scores(visit: Visit) -> None:
    visit.translate(SENTENCE)
    words = visit.page.locator(".target .word").all_text_contents()
    assert words == ["die", "Kater", "ist", "auf", "die", "Matte."]
    assert visit.page.locator(".hypothesis").all_text_contents() == [
        "die Kater ist auf die Matte.−0.25",
        "DIE KATER IST AUF DIE MATTE.−1.50",
    ]
    assert visit.text("#status") == "Translation: die Kater ist auf die Matte."
    assert "Version 2, live" in visit.text(".panel h2")
    visit.picture("translation")


def test_a_hypothesis_that_is_chosen_is_shown(visit: Visit) -> None:
    visit.translate(SENTENCE)
    visit.page.locator(".hypothesis input").nth(1).check()
    assert visit.page.locator(".target .word").first.text_content() == "DIE"
    assert "−1.50" in visit.text(".facts")


def test_a_target_word_that_is_pointed_at_lights_up_its_source_words(visit: Visit) -> None:
    visit.translate(SENTENCE)
    assert visit.lit("source") == {}
    visit.word("target", "Kater").hover()
    lit = visit.lit("source")
    assert max(lit, key=lit.__getitem__) == "cat"
    assert lit["cat"] > 80 > 10 > lit["mat."]
    assert visit.text(".detail").startswith("Kater looked at cat 0.8")
    assert visit.page.locator(".heatmap .heading.chosen").all_text_contents() == ["Kater"]
    visit.picture("hover")
    visit.page.mouse.move(1, 1)
    assert visit.lit("source") == {}


def test_a_source_word_that_is_pointed_at_lights_up_its_target_words(visit: Visit) -> None:
    visit.translate(SENTENCE)
    visit.word("source", "mat.").hover()
    lit = visit.lit("target")
    assert max(lit, key=lit.__getitem__) == "Matte."
    assert visit.text(".detail").startswith("mat. was looked at by Matte.")


def test_the_colour_of_a_word_is_that_of_its_weight(visit: Visit) -> None:
    visit.translate(SENTENCE)
    visit.word("target", "Kater").hover()
    # Once they have faded in; Oklab's lightness is the first number of what Chromium computes.
    visit.page.wait_for_timeout(300)
    lightness = [
        float(
            re.findall(
                r"[\d.]+",
                visit.word("source", word).evaluate(
                    "node => getComputedStyle(node).backgroundColor"
                ),
            )[0]
        )
        for word in ("cat", "mat.")
    ]
    assert lightness[0] < 0.6 < 0.9 < lightness[1]


def test_a_word_that_is_chosen_stays_lit_until_it_is_chosen_again(visit: Visit) -> None:
    visit.translate(SENTENCE)
    visit.word("target", "ist").click()
    visit.page.mouse.move(1, 1)
    assert max(visit.lit("source").items(), key=lambda item: item[1])[0] == "is"
    visit.word("target", "ist").click()
    visit.page.mouse.move(1, 1)
    assert visit.lit("source") == {}


def test_a_cell_of_the_heatmap_lights_up_its_words(visit: Visit) -> None:
    visit.translate(SENTENCE)
    visit.page.locator(".heatmap .cell.lit").first.hover()
    assert visit.text(".detail").startswith("die ← The 0.8")
    assert visit.page.locator(".target .word.chosen").all_text_contents() == ["die"]


def test_subwords_are_a_detail_that_can_be_asked_for(visit: Visit) -> None:
    visit.translate(SENTENCE)
    assert "▁Kat" not in visit.text(".heatmap")
    visit.page.get_by_label("Subwords").check()
    assert "▁Kat" in visit.text(".heatmap")
    assert visit.page.get_by_label("Subwords").evaluate("node => node === document.activeElement")
    visit.picture("subwords")
    visit.page.get_by_label("Words", exact=True).check()
    assert "▁Kat" not in visit.text(".heatmap")


def test_two_versions_are_compared_side_by_side(visit: Visit) -> None:
    visit.page.select_option("#other", "1")
    visit.translate(SENTENCE)
    assert visit.page.locator(".panel h2").all_text_contents() == ["Version 2, live", "Version 1"]
    assert visit.page.locator(".word.different").all_text_contents() == ["Kater", "Katze"]
    left, right = (each.bounding_box() for each in visit.page.locator(".panel").all())
    assert left
    assert right
    assert left["y"] == right["y"]
    assert left["x"] < right["x"]
    visit.picture("comparison")


def test_no_version_is_compared_with_itself(visit: Visit) -> None:
    visit.page.select_option("#other", "1")
    visit.page.select_option("#version", "1")
    assert visit.page.locator("#other").input_value() == "none"


def test_another_version_can_be_asked(visit: Visit) -> None:
    visit.page.select_option("#version", "1")
    visit.translate(SENTENCE)
    assert visit.word("target", "Katze").is_visible()


def test_an_example_is_translated_when_it_is_chosen(visit: Visit) -> None:
    visit.page.get_by_role("button", name="the mat", exact=True).click()
    visit.word("target", "Matte").wait_for()
    assert visit.page.locator("#text").input_value() == "the mat"


def test_the_address_leads_back_to_the_sentence(visit: Visit) -> None:
    visit.translate("the mat & the cat")
    visit.page.reload()
    visit.page.locator(".panel .heatmap").wait_for()
    assert visit.page.locator("#text").input_value() == "the mat & the cat"


@pytest.mark.parametrize("file_format", ["png", "svg"])
def test_the_heatmap_is_downloaded(visit: Visit, file_format: str, tmp_path) -> None:
    visit.translate(SENTENCE)
    with visit.page.expect_download() as downloading:
        visit.page.get_by_role("button", name=f"Download {file_format.upper()}").click()
    download = downloading.value
    assert download.suggested_filename == f"attention-2.{file_format}"
    path = tmp_path / download.suggested_filename
    download.save_as(path)
    content = path.read_bytes()
    if file_format == "png":
        assert min(image.imread(io.BytesIO(content)).shape[:2]) > 100
    else:
        assert ElementTree.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
    visit.page.get_by_text("The picture is saved.").wait_for()


def test_a_translation_without_words_is_said_to_be_none(visit: Visit) -> None:
    visit.page.fill("#text", "nothing")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("The model answered with no words.").wait_for()
    assert visit.page.locator(".heatmap, .word").count() == 0


def test_words_that_run_from_the_right_are_shown_and_walked_through_so(visit: Visit) -> None:
    visit.translate("سلام بر جهان")
    first, second, *_ = (word.bounding_box() for word in visit.page.locator(".target .word").all())
    assert first
    assert second
    assert first["x"] > second["x"]
    visit.page.locator(".target .word").first.focus()
    visit.page.keyboard.press("ArrowLeft")
    assert visit.text(".detail").startswith("بر looked at بر")


def test_markup_in_a_sentence_stays_text(visit: Visit) -> None:
    visit.translate(HOSTILE)
    assert visit.page.locator(".source .word").all_text_contents() == [*HOSTILE.split(), "(end)"]
    assert visit.page.title() == "What the model looks at"
    assert visit.page.locator("main script, main img").count() == 0
    visit.picture("markup")


def test_nothing_typed_is_answered_with_a_request_for_a_sentence(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Translate").click()
    assert visit.text("[role=alert]") == "There is no text yet. Type a sentence."


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
    for name in ("version", "other", "Translate", "The", "die", "Download PNG", "Download SVG"):
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


def test_what_is_asked_last_is_what_is_shown(visit: Visit, dictionary: Dictionary) -> None:
    visit.page.fill("#text", f"{SLOW} cat")
    visit.page.keyboard.press("Enter")
    visit.page.locator("#results[aria-busy]").wait_for(state="attached")
    assert visit.text("#status") == "Translating …"
    visit.translate("the mat")
    dictionary.may_go_on.set()
    visit.page.wait_for_timeout(300)
    assert visit.page.locator(".target .word").all_text_contents() == ["die", "Matte"]


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


def _ignoring_failed_requests(visit: Visit) -> list[str]:
    """Complaints less those of the browser itself, which notes each answer that is no success."""
    return [each for each in visit.complaints if not each.startswith("Failed to load resource")]


def test_a_server_that_dies_is_a_sentence_in_the_page(browser: "Browser", tmp_path) -> None:
    with dictionary_server(tmp_path) as server:
        settings = page_settings(server.port)
        with running_page(settings) as address:
            visit = Visit(browser, address)
            visit.translate(SENTENCE)
            server.end()
            visit.page.wait_for_timeout(500)
            visit.page.keyboard.press("Enter")
            alert = visit.page.locator("#notice:not([hidden])")
            alert.wait_for()
            assert alert.text_content() == (
                f"The model server at {settings.server} does not answer. "
                "Make sure that it runs, and try again."
            )
            assert visit.findings() == []
            visit.picture("dead-server")
        visit.page.keyboard.press("Enter")
        visit.page.get_by_text("The page cannot reach its gateway any more.").wait_for()
        assert _ignoring_failed_requests(visit) == []
        visit.context.close()


def test_a_page_whose_server_is_dead_from_the_start_says_so(browser: "Browser") -> None:
    with running_page(page_settings(9)) as address:
        visit = Visit(browser, address)
        visit.page.get_by_text("does not answer").wait_for()
        assert visit.page.locator("#text").is_editable()
        visit.context.close()
        assert _ignoring_failed_requests(visit) == []


def test_a_text_that_is_too_long_is_a_sentence_in_the_page(
    browser: "Browser", address: str
) -> None:
    visit = Visit(browser, address)
    visit.page.fill("#text", "long " * 101)
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("This text has 505 characters, and 500 are allowed.").wait_for()
    visit.context.close()
    assert _ignoring_failed_requests(visit) == []


def test_a_model_that_takes_too_long_is_a_sentence_in_the_page(
    browser: "Browser", tmp_path
) -> None:
    dictionary = Dictionary()
    with (
        dictionary_server(tmp_path, dictionary=dictionary) as server,
        running_page(page_settings(server.port, timeout=0.5)) as address,
    ):
        visit = Visit(browser, address)
        visit.page.fill("#text", SLOW)
        visit.page.keyboard.press("Enter")
        visit.page.get_by_text("took longer than 0.5 seconds").wait_for()
        visit.context.close()
        dictionary.may_go_on.set()
    assert _ignoring_failed_requests(visit) == []


def test_one_version_of_two_that_fails_leaves_the_other(browser: "Browser", tmp_path) -> None:
    with (
        dictionary_server(tmp_path) as server,
        running_page(page_settings(server.port)) as address,
    ):
        visit = Visit(browser, address)
        visit.page.locator("#other option[value='1']").wait_for(state="attached")
        visit.page.evaluate("document.querySelector('#other').add(new Option('9', '9'))")
        visit.page.select_option("#other", "9")
        visit.translate(SENTENCE)
        assert visit.page.locator(".panel").count() == 2
        assert "does not serve version 9" in visit.text(".panel .complaint")
        visit.context.close()
    assert _ignoring_failed_requests(visit) == []


def test_a_server_with_one_version_says_that_there_is_nothing_to_compare(
    browser: "Browser", tmp_path
) -> None:
    with (
        dictionary_server(tmp_path, versions=1) as server,
        running_page(page_settings(server.port)) as address,
    ):
        visit = Visit(browser, address)
        visit.page.get_by_text("the server has one version").wait_for()
        assert visit.page.locator("#other").is_disabled()
        visit.context.close()
    assert visit.complaints == []
