import io
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.heatmap.colours import LIGHT
from serving.heatmap.matrix import MOST_CELLS, Heatmap
from serving.heatmap.picture import _Letters, draw_picture
from serving.heatmap.picture_layout import lay_out

REPOSITORY = Path(__file__).resolve().parents[3]
COMPOUND = "Verkehrsampelreparaturmannschaft"


def heatmap_of(source, target, seed=1) -> Heatmap:
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(source)), len(target))
    return Heatmap(tuple(source), tuple(target), weights.astype(np.float32), has_end=True)


def measured(text: str, points: float) -> float:
    return 0.6 * points / 72 * len(text)


SIZES = {
    "one word": heatmap_of(["Hi", "(end)"], ["Hallo"]),
    "short": heatmap_of(["The", "cat", "(end)"], ["Die", "Katze"]),
    "compounds": heatmap_of([COMPOUND, "x", "(end)"], [COMPOUND, "Übermäßig"]),
    "60 words": heatmap_of([f"word{n}" for n in range(60)], [f"Wort{n}" for n in range(60)]),
}


@pytest.mark.parametrize("name", SIZES)
def test_everything_lies_within_the_picture_and_nothing_overlaps(name):
    layout = lay_out(SIZES[name], measured)
    ends = layout.lefts + layout.cell_width
    assert (ends[:-1] <= layout.lefts[1:] + 1e-9).all()
    assert layout.right > ends.max()
    assert layout.left > max(measured(word, layout.style.heading_points) for word in layout.rows)
    assert layout.bottom > len(layout.rows) * layout.style.height
    widest = max(measured(word, layout.style.heading_points) for word in layout.columns)
    if layout.is_slanted:
        assert layout.top > widest * np.sqrt(0.5)
    else:
        assert layout.cell_width > widest


def test_few_short_words_stand_level_and_many_are_slanted():
    assert not lay_out(SIZES["short"], measured).is_slanted
    assert lay_out(SIZES["60 words"], measured).is_slanted


def test_numbers_fit_into_their_cells():
    for heatmap in SIZES.values():
        layout = lay_out(heatmap, measured)
        longest = ".00" if layout.style.has_short_numbers else "0.00"
        assert measured(longest, layout.style.number_points) < layout.cell_width


def test_the_column_of_the_end_stands_apart():
    layout = lay_out(SIZES["60 words"], measured)
    gaps = np.diff(layout.lefts)
    assert gaps[-1] > gaps[0]


def test_a_png_has_the_colours_of_its_weights():
    heatmap = Heatmap(("a", "b"), ("x",), np.array([[0.0, 1.0]], np.float32), has_end=False)
    picture = Image.open(io.BytesIO(draw_picture(heatmap, "png", title="größer → 狐")))
    assert picture.format == "PNG"
    assert picture.text["Title"] == "größer → 狐"
    colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}
    assert {tuple(LIGHT.colour(0)), tuple(LIGHT.colour(1))} <= colours


def test_an_svg_is_well_formed_and_needs_no_fonts_and_no_network():
    content = draw_picture(SIZES["compounds"], "svg", title="a < b & c")
    root = ElementTree.fromstring(content)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = content.decode()
    assert "<text" not in text
    links = {value for element in root.iter() for key, value in element.items() if "href" in key}
    assert all(link.startswith("#") for link in links)


def test_a_right_to_left_source_turns_the_picture_round():
    weights = np.array([[1.0, 0.0]], np.float32)
    pictures = [
        Image.open(io.BytesIO(draw_picture(heatmap, "png"))).convert("RGB")
        for heatmap in (
            Heatmap(("אא", "אא"), ("אא",), weights, has_end=False, source_direction=direction)
            for direction in ("ltr", "rtl")
        )
    ]
    dark = [
        np.flatnonzero((np.asarray(each) == LIGHT.colour(1)).all(axis=-1).sum(axis=0) > 20).mean()
        for each in pictures
    ]
    width = pictures[0].width
    assert dark[0] < width / 2 < dark[1]
    drawn = [np.asarray(each.convert("L")) < 250 for each in pictures]
    left, right = (np.flatnonzero(each.any(axis=0))[[0, -1]] for each in drawn)
    # The heading of the row is the outermost thing on either side.
    assert left[0] == pytest.approx(width - 1 - right[1], abs=3)


def test_the_letters_of_an_arabic_word_are_joined():
    letters = _Letters(["DejaVu Sans"])
    joined, apart = letters.width("تحتوي", 11), letters.width("ت ح ت و ي", 11)
    assert joined < apart - 4 * letters.width(" ", 11) - 0.05


def test_the_same_weights_are_the_same_svg():
    assert draw_picture(SIZES["short"], "svg") == draw_picture(SIZES["short"], "svg")


def test_a_price_in_dollars_is_no_formula():
    heatmap = heatmap_of(["$5", r"$\frac{1}{0}$", "(end)"], ["$", "$x^2$"])
    assert draw_picture(heatmap, "svg")


@pytest.mark.parametrize("file_format", ["png", "svg"])
def test_a_hundred_words_on_both_sides_take_two_seconds(file_format):
    heatmap = heatmap_of([f"word{n}" for n in range(100)], [f"Wort{n}" for n in range(100)])
    started = time.process_time()
    content = draw_picture(heatmap, file_format)
    assert time.process_time() - started < 6  # 1.3 s measured, 22 s with an object for each cell
    assert len(content) < 3_000_000


def test_numbers_are_left_out_where_they_could_not_be_read():
    words = tuple(f"w{n}" for n in range(400))

    def parts(columns: int, weight: float) -> int:
        weights = np.full((2, columns), weight, np.float32)
        heatmap = Heatmap(words[:columns], words[:2], weights, has_end=False)
        return draw_picture(heatmap, "svg").count(b"<use")

    assert parts(100, 0.5) == parts(100, 0.0) + 200
    assert parts(400, 0.5) == parts(400, 0.0)
    wide = draw_picture(heatmap_of(words, words[:2]), "png")
    assert max(Image.open(io.BytesIO(wide)).size) == 4000


def test_too_many_cells_are_refused():
    words = tuple(f"w{n}" for n in range(MOST_CELLS // 100 + 1))
    weights = np.zeros((100, len(words)), np.float32)
    with pytest.raises(ValueError, match="more than 40,000 cells"):
        draw_picture(Heatmap(words, words[:100], weights, False), "png")


def test_a_heatmap_of_nothing_is_refused():
    nothing = Heatmap((), (), np.zeros((0, 0), np.float32), False)
    with pytest.raises(ValueError, match="without rows"):
        draw_picture(nothing, "png")


def test_pyplot_is_not_imported_and_matplotlib_only_to_draw():
    program = (
        "import sys, numpy; from serving.heatmap.matrix import Heatmap;"
        "from serving.heatmap.picture import draw_picture;"
        "assert 'matplotlib' not in sys.modules;"
        "draw_picture(Heatmap(('a',), ('b',), numpy.ones((1, 1)), False), 'png');"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True)
