import math
import re
from xml.etree import ElementTree

import pytest

from components.report.charts import (
    Series,
    epochs_axis,
    groups_axis,
    line_chart,
    nice_ticks,
)

POINTS = [(1.0, 10.0), (2.0, 30.0), (3.0, 20.0)]


def chart(*series, axis=None, title="BLEU"):
    written = line_chart(title, axis or epochs_axis(3), series)
    return ElementTree.fromstring(written)


def places(figure):
    """The points of each line, as pairs of numbers."""
    return [
        [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        for line in figure.iter("polyline")
    ]


def test_a_chart_is_well_formed_whatever_its_title():
    figure = chart(Series("<a & b>", "ours", POINTS), title="<&>")
    assert "<&>" in "".join(figure.itertext())


def test_larger_values_stand_higher():
    [[first, second, third]] = places(chart(Series("a", "ours", POINTS)))
    assert second[1] < third[1] < first[1]
    assert first[0] < second[0] < third[0]


def test_every_point_lies_within_the_picture():
    series = [Series("a", "ours", [(1, -7.3), (2, 1e6)]), Series("b", "theirs", [(1, 0), (3, 5)])]
    figure = chart(*series)
    _, _, width, height = map(float, figure.find("svg").get("viewBox").split())
    for x, y in (point for line in places(figure) for point in line):
        assert 0 <= x <= width
        assert 0 <= y <= height


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_point_that_is_no_number_is_left_out(value):
    [line] = places(chart(Series("a", "ours", [(1, 1.0), (2, value), (3, 2.0)])))
    assert len(line) == 2


def test_a_chart_of_nothing_can_be_drawn():
    assert chart(Series("a", "ours", [])).find("svg") is not None


def test_points_that_do_not_count_are_hollow():
    figure = chart(Series("a", "ours", POINTS, frozenset({1})), axis=groups_axis("", [["x"]] * 4))
    assert [mark.get("class") for mark in figure.iter("circle")] == ["ours", "ours hollow", "ours"]


def test_a_screen_reader_hears_what_the_chart_shows():
    svg = chart(Series("a", "ours", POINTS)).find("svg")
    assert svg.get("role") == "img"
    assert svg.get("aria-label").startswith("BLEU.")


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (21.2, 41.7, [20, 25, 30, 35, 40, 45]),
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (1.5, 5.8, [1, 2, 3, 4, 5, 6]),
        (7.0, 7.0, [6.4, 6.6, 6.8, 7.0, 7.2, 7.4, 7.6]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(low, high, ticks):
    assert nice_ticks(low, high) == pytest.approx(ticks)


def test_the_labels_of_ticks_have_the_decimals_that_tell_them_apart():
    figure = chart(Series("a", "ours", [(1, 0.0), (2, 0.1)]))
    labels = [text.text for text in figure.iter("text") if re.fullmatch(r"[\d.]+", text.text or "")]
    assert {"0.00", "0.02", "0.10"} <= set(labels)


@pytest.mark.parametrize("last", [1, 2, 7, 40, 1000])
def test_an_axis_of_epochs_is_not_crowded(last):
    axis = epochs_axis(last)
    assert 1 <= len(axis.ticks) <= 9
    assert all(1 <= x <= last for x, _ in axis.ticks)
