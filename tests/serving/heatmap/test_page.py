import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given

from serving.heatmap.labels import printable
from serving.heatmap.matrix import Heatmap, make_heatmap
from serving.heatmap.page import draw_page
from tests.any_text import strings, texts
from tests.serving.heatmap.chapter import make_translation

WEIGHTS = np.array([[0.9, 0.1, 0.0], [0.25, 0.251, 0.499]], np.float32)
HEATMAP = Heatmap(("The", "cat", "(end)"), ("Die", "Kätzchen"), WEIGHTS, has_end=True)
HOSTILE = '<script>alert("x")</script>&\'"'
VOID = {"meta", "br", "img", "link", "input"}


class Outline(HTMLParser):
    """Reads a page: its elements with their attributes, and whether each is closed."""

    def __init__(self, page: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("th", "td", "bdi", "span", "dd"):
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page(heatmap=HEATMAP, source="The cat", translation="Die Kätzchen", **languages) -> str:
    return draw_page(heatmap, source=source, translation=translation, **languages)


def test_it_is_a_table_with_headings_for_rows_and_columns():
    outline = Outline(page())
    assert not outline.open
    scopes = [attributes.get("scope") for attributes in outline.all("th")]
    assert scopes == ["col"] * 3 + ["row"] * 2
    assert len(outline.all("td")) == 1 + 2 * 3
    assert outline.all("caption")[0]["id"] == "caption"


def test_weights_have_two_decimals_and_nothing_where_there_is_none():
    assert [text for text in Outline(page()).text if text[:2] == "0."] == [
        "0.90", "0.10", "0.25", "0.25", "0.50",
    ]  # fmt: skip


def test_a_wide_table_can_be_scrolled_with_the_keyboard():
    [region] = [attributes for attributes in Outline(page()).all("div") if "role" in attributes]
    assert (region["role"], region["tabindex"], region["aria-labelledby"]) == (
        "region",
        "0",
        "caption",
    )


def test_every_text_is_escaped():
    heatmap = Heatmap((HOSTILE,), (HOSTILE,), np.ones((1, 1), np.float32), False)
    content = page(heatmap, HOSTILE, HOSTILE, source_language=HOSTILE, target_language=HOSTILE)
    assert "<script" not in content
    assert Outline(content).text.count(HOSTILE) == 4


def test_nothing_is_loaded_and_nothing_runs():
    content = page()
    assert not re.search(r"https?:|//|url\(|@import|<script|<img|<link|\son\w+=", content)
    assert "default-src 'none'" in content


def test_light_and_dark_have_a_colour_for_every_weight_that_occurs():
    content = page()
    light, dark = content.split("</style>")[0].rsplit("@media (prefers-color-scheme: dark)", 1)
    used = set(re.findall(r'<td class="(w\d+)', content))
    assert used == {"w90", "w10", "w0", "w25", "w50"}
    for rules in (light, dark):
        assert {f"w{number}" for number in re.findall(r"td\.w(\d+) {", rules)} == used


def test_languages_are_told_to_the_screen_reader():
    outline = Outline(page(source_language="en", target_language="de"))
    assert [attributes["lang"] for attributes in outline.all("dd")] == ["en", "de"]
    assert [attributes.get("lang") for attributes in outline.all("th")] == ["en"] * 3 + ["de"] * 2


def test_a_right_to_left_source_turns_the_table_round():
    source = "apt היא חבילה"
    heatmap = make_heatmap(source, make_translation(source.split(), ["a", "package"]))
    outline = Outline(page(heatmap, source, "a package"))
    assert [attributes["dir"] for attributes in outline.all("dd")] == ["rtl", "ltr"]
    [region] = [attributes for attributes in outline.all("div") if "role" in attributes]
    assert region["dir"] == "rtl"
    assert outline.all("caption")[0]["dir"] == "ltr"
    assert len(outline.all("bdi")) == 4 + 2


@pytest.mark.parametrize("columns", [2, 30])
def test_the_headings_of_many_columns_are_turned(columns):
    words = tuple(f"w{number}" for number in range(columns))
    heatmap = Heatmap(words, ("x",), np.full((1, columns), 1 / columns, np.float32), False)
    assert ('class="turned"' in page(heatmap)) == (columns > 14)


def test_a_heatmap_of_nothing_is_an_empty_table():
    nothing = Heatmap((), (), np.zeros((0, 0), np.float32), False)
    assert not Outline(page(nothing, "", "")).open


@given(texts, texts, strings, strings)
def test_any_text_is_text_of_the_page_and_nothing_else(
    source: str, translation: str, read: str, written: str
) -> None:
    heatmap = Heatmap((printable(read),), (printable(written),), np.ones((1, 1), np.float32), False)
    plain = Heatmap(("a",), ("b",), np.ones((1, 1), np.float32), False)
    content = page(heatmap, source, translation, source_language=source, target_language="de")
    content.encode()
    outline = Outline(content)
    assert not outline.open
    harmless = Outline(page(plain, "a", "b", source_language="en", target_language="de"))
    assert [tag for tag, _ in outline.elements] == [tag for tag, _ in harmless.elements]
    names = {name for _, attributes in harmless.elements for name in attributes}
    assert {name for _, attributes in outline.elements for name in attributes} == names
    assert source + translation in "".join(outline.text)
