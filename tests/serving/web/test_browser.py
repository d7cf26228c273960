"""The page in a real browser: a person translates, points at words, compares and downloads."""

import io
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from matplotlib import image

from scripts.chromium import IS_MISSING, REASON
from tests.serving.web.dictionary_server import SLOW, Dictionary
from tests.serving.web.visit import SENTENCE, Visit

pytestmark = [pytest.mark.slow, pytest.mark.skipif(IS_MISSING, reason=REASON)]

LINES = "the mat.\nthe cat\n\nthe mat"
HOSTILE = '<script>document.title="broken"</script><img src=x onerror=alert(1)>'


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


def test_the_translation_is_plain_text_with_the_line_breaks_of_the_source(visit: Visit) -> None:
    visit.translate(LINES)
    assert visit.page.locator(".plain").inner_text() == "die Matte.\ndie Kater\n\ndie Matte"
    visit.picture("lines")


@pytest.mark.parametrize("has_clipboard", [True, False], ids=["clipboard", "without"])
def test_the_translation_that_is_shown_is_copied_as_plain_text(
    visit: Visit, has_clipboard: bool
) -> None:
    if not has_clipboard:  # as under a name other than localhost, without TLS
        visit.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    visit.translate(LINES)
    visit.page.locator(".hypothesis input").nth(1).check()
    visit.page.get_by_role("button", name="Copy the translation").click()
    visit.page.get_by_role("status").get_by_text("Copied.").wait_for()
    visit.picture("copied")
    visit.page.locator("#text").focus()
    visit.page.keyboard.press("Control+A")
    visit.page.keyboard.press("Control+V")
    assert visit.page.locator("#text").input_value() == "DIE MATTE.\ndie Kater\n\ndie Matte"


def test_a_copy_that_the_browser_refuses_is_told_with_a_remedy(visit: Visit) -> None:
    visit.page.evaluate(
        """Object.defineProperty(navigator, "clipboard", {value: undefined});
        document.execCommand = () => false;"""
    )
    visit.translate(SENTENCE)
    visit.page.get_by_role("button", name="Copy the translation").click()
    visit.page.get_by_role("status").get_by_text("Select the translation").wait_for()


def test_the_box_grows_with_its_text_up_to_a_limit(visit: Visit) -> None:
    box = visit.page.locator("#text")

    def height(text: str) -> float:
        box.fill(text)
        return box.evaluate("node => node.clientHeight")

    def is_scrolled() -> bool:
        return box.evaluate("node => node.scrollHeight > node.clientHeight")

    empty, some = height(""), height("the\n" * 7)
    assert empty < some
    assert not is_scrolled()
    visit.picture("grown")
    assert some < height("the\n" * 60) == height("the\n" * 90)
    assert is_scrolled()
    assert height("") == empty


def test_a_hypothesis_that_is_chosen_is_shown(visit: Visit) -> None:
    visit.translate(SENTENCE)
    visit.page.locator(".hypothesis input").nth(1).check()
    assert visit.page.locator(".target .word").first.text_content() == "DIE"
    assert "−1.50" in visit.text(".facts")


def test_a_doubtful_translation_has_a_quiet_line_below_it(visit: Visit) -> None:
    visit.translate("the die the mat.")
    assert visit.text(".facts").startswith("Doubtfulrepeats itself")
    visit.picture("doubtful")
    visit.page.locator(".hypothesis input").nth(1).check()
    assert "Doubtful" not in visit.text(".facts")


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
    # After the fade-in; the first number of Chromium's computed colour is Oklab's lightness.
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


def test_the_choice_of_versions_shows_their_days_and_scores(visit: Visit) -> None:
    told = {"state": "available", "is_available": True, "problem": ""}
    new = {"version": "1795402504", "date": "2026-11-23", "bleu": 35.26, "chrf": 58.85, **told}
    other = {"version": "1795389366", "date": "2026-11-22", "bleu": None, "chrf": 41.0, **told}
    old = {"version": "3", "date": None, "bleu": None, "chrf": None, **told}
    answer = {"live": "1795402504", "versions": [new, other, old]}
    visit.page.route("**/api/versions", lambda route: route.fulfill(json=answer))
    visit.page.reload(wait_until="networkidle")
    assert visit.page.locator("#version option").all_text_contents() == [
        "Live (1795402504 · 2026-11-23 · BLEU 35.3 · chrF 58.9)",
        "1795402504 · 2026-11-23 · BLEU 35.3 · chrF 58.9",
        "1795389366 · 2026-11-22 · chrF 41.0",
        "3",
    ]
    assert "on the validation split" in visit.text("#hint")
    visit.picture("versions")


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


def test_the_heatmap_of_a_right_to_left_source_is_turned_round(visit: Visit) -> None:
    visit.translate("the החבילה החדשה מכילה תיעוד")

    def boxes(selector: str) -> list[dict[str, float]]:
        found = [each.bounding_box() for each in visit.page.locator(f".heatmap {selector}").all()]
        return [dict(box) for box in found if box]

    lefts = [box["x"] for box in boxes(".heading:not(.row)")]
    assert len(lefts) == 6
    assert lefts == sorted(lefts, reverse=True)
    cells = boxes(".cell.deep-in-light rect")
    assert len(cells) == 5
    for cell, after in pairwise(cells):
        assert after["x"] + after["width"] <= cell["x"] + 2
    end = cells[0]["x"] + cells[0]["width"]
    assert all(end < heading["x"] < end + 20 for heading in boxes(".heading.row"))
    visit.page.locator(".heatmap .cell.deep-in-light").first.hover()
    assert visit.text(".detail").startswith("die ← the 0.8")
    visit.picture("right-to-left")


def test_words_of_the_other_direction_stand_apart(visit: Visit) -> None:
    visit.translate("the החבילה cat")
    visit.word("target", "Kater").hover()
    apart = visit.page.locator(".detail bdi").all_text_contents()
    assert apart[:2] == ["Kater", "cat"]
    assert "החבילה" in apart
    directions = visit.page.locator(".hypothesis span[dir]").all()
    assert [each.get_attribute("dir") for each in directions] == ["ltr", "ltr"]
    visit.translate("the החבילה החדשה")
    visit.word("target", "החדשה").wait_for()
    directions = visit.page.locator(".hypothesis span[dir]").all()
    assert [each.get_attribute("dir") for each in directions] == ["rtl", "rtl"]


def test_markup_in_a_sentence_stays_text(visit: Visit) -> None:
    visit.translate(HOSTILE)
    assert visit.page.locator(".source .word").all_text_contents() == [*HOSTILE.split(), "(end)"]
    assert visit.page.title() == "What the model looks at"
    assert visit.page.locator("main script, main img").count() == 0
    visit.picture("markup")


def test_nothing_typed_is_answered_with_a_request_for_a_sentence(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Translate").click()
    assert visit.text("[role=alert]") == "There is no text yet. Type a sentence."


def test_what_is_asked_last_is_what_is_shown(visit: Visit, dictionary: Dictionary) -> None:
    visit.page.fill("#text", f"{SLOW} cat")
    visit.page.keyboard.press("Enter")
    visit.page.locator("#results[aria-busy]").wait_for(state="attached")
    assert visit.text("#status") == "Translating …"
    visit.translate("the mat")
    dictionary.may_go_on.set()
    visit.page.wait_for_timeout(300)
    assert visit.page.locator(".target .word").all_text_contents() == ["die", "Matte"]


def test_the_heads_of_the_encoder_are_shown_and_enlarged(visit: Visit) -> None:
    visit.translate(SENTENCE)
    visit.page.get_by_text("How the encoder reads the source").click()
    heads = visit.page.locator(".head")
    heads.first.wait_for()
    assert heads.locator("span").all_text_contents() == [
        f"Layer {layer}, head {head}" for layer in (1, 2) for head in (1, 2)
    ]
    assert heads.nth(1).get_attribute("aria-label") == (
        "Layer 1, head 2: The at The 1.00, cat at The 1.00, is at The 1.00"
    )
    heads.nth(1).click()
    assert heads.nth(1).get_attribute("aria-pressed") == "true"
    large = visit.page.locator(".source-attention .heatmap:not(.small)")
    large.locator(".cell").nth(2).hover()
    assert visit.text(".source-attention .detail") == "is looks at The 1.00"
    assert visit.findings() == []
    visit.picture("heads")


def test_a_version_without_such_an_encoder_shows_no_heads(visit: Visit) -> None:
    visit.page.select_option("#version", "1")
    visit.translate(SENTENCE)
    assert visit.page.get_by_text("How the encoder reads the source").count() == 0
