import math
import re
from xml.etree import ElementTree

import pytest

from components.report.charts import draw_lines

POINTS = [(1.0, 10.0), (2.0, 30.0), (3.0, 20.0)]
XLINK = {"xlink": "http://www.w3.org/1999/xlink"}


def marks(svg: str) -> list[tuple[float, float, str]]:
    """Returns (x, y, shape) of each mark within the axes."""
    axes = svg[svg.index("axes_1") : svg.index("legend_1")]
    found = re.findall(r'<use xlink:href="#(\S+)" x="(\S+)" y="(\S+)" style="[^"]*--ours', axes)
    return [(float(x), float(y), shape) for shape, x, y in found]


def test_a_chart_is_well_formed_whatever_its_title() -> None:
    figure = ElementTree.fromstring(draw_lines('<a & "b">', {"this model": POINTS}).svg)
    assert figure.get("aria-label") == '<a & "b">. The table below has the numbers.'
    assert figure.get("role") == "img"


def test_larger_values_stand_higher() -> None:
    first, second, third = marks(draw_lines("BLEU", {"this model": POINTS}).svg)
    assert second[1] < third[1] < first[1]
    assert first[0] < second[0] < third[0]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_point_that_is_no_number_is_left_out(value: float) -> None:
    points = [(1, 1.0), (2, value), (3, 2.0)]
    assert len(marks(draw_lines("BLEU", {"this model": points}).svg)) == 2


def test_a_chart_of_nothing_can_be_drawn() -> None:
    assert marks(draw_lines("BLEU", {"this model": []}).svg) == []


def test_points_that_do_not_count_are_hollow() -> None:
    svg = draw_lines("BLEU", {"this model": POINTS}, hollow=[2]).svg
    assert svg.count("fill: var(--ground)") == 1


def test_groups_are_named_below_the_axis() -> None:
    svg = draw_lines("BLEU", {"this model": [(0, 1.0), (1, 2.0)]}, ["1-10 words", "31+"]).svg
    assert "1-10 words</text>" in svg


def test_the_same_numbers_give_the_same_chart() -> None:
    one, other = (draw_lines("BLEU", {"this model": POINTS}) for _ in range(2))
    assert one == other


def test_every_colour_is_one_of_the_page() -> None:
    lines = {"this model": POINTS, "live model": POINTS, "validation": POINTS}
    assert set(re.findall(r"#[0-9a-f]{6}\b", draw_lines("BLEU", lines).svg)) <= {"#999999"}
