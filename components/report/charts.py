"""Line charts as inline SVG; the page's style colours them, light and dark.

They are drawn narrow, so that their letters can be read on a telephone, and each is followed by a
table of its numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from components.report.markup import Html, join, tag

_WIDTH, _HEIGHT = 440, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 14, 14, 44
_MOST_MARKED = 14
"""More points than these get no marks: the line says enough."""


@dataclass(frozen=True)
class Series:
    """One line of a chart."""

    name: str
    look: str
    """A class of the page's style."""
    points: Sequence[tuple[float, float]]
    """(x, y), by x."""
    hollow: frozenset[int] = frozenset()
    """Positions in `points` of marks that are drawn empty."""


@dataclass(frozen=True)
class Axis:
    """The horizontal axis."""

    label: str
    ticks: Sequence[tuple[float, Sequence[str]]]
    """(x, lines of its label)."""
    low: float
    high: float


def epochs_axis(last: int) -> Axis:
    """Returns an axis of epochs, 1 to the last."""
    step = max(1, math.ceil(last / 8))
    ticks = list(range(step, last + 1, step))
    if 1 not in ticks and step <= 2:
        ticks.insert(0, 1)
    return Axis("epoch", [(epoch, [str(epoch)]) for epoch in ticks], 1, max(last, 2))


def groups_axis(label: str, groups: Sequence[Sequence[str]]) -> Axis:
    """Returns an axis of groups at 0, 1, ..., each with the lines of its label."""
    return Axis(label, list(enumerate(groups)), -0.4, len(groups) - 0.6)


def line_chart(title: str, axis: Axis, series: Sequence[Series]) -> Html:
    """Draws lines.

    Args:
      title: what the chart shows, for its heading and for screen readers.
      axis: the horizontal one.
      series: at least one with points; points that are no numbers are left out.
    """
    values = [y for line in series for _, y in line.points if math.isfinite(y)]
    ticks = nice_ticks(min(values, default=0.0), max(values, default=1.0))
    chart = tag(
        "svg",
        _grid(ticks),
        [_tick(axis, x, lines) for x, lines in axis.ticks],
        tag(
            "text", axis.label, x=(_LEFT + _WIDTH - _RIGHT) / 2, y=_HEIGHT - 4,
            class_="axis", text_anchor="middle",
        ),
        [_line(axis, ticks, line) for line in series],
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=f"{title}. The table below has the numbers.",
    )  # fmt: skip
    legend = tag(
        "span",
        [
            tag("span", tag("i", class_=f"key {line.look}"), line.name, class_="entry")
            for line in series
        ],
        class_="legend",
    )
    return tag("figure", tag("figcaption", tag("b", title), " ", legend), chart, class_="chart")


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Returns round numbers that enclose a range: 1, 2 or 5 times a power of ten apart."""
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def _grid(ticks: Sequence[float]) -> Html:
    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    parts = []
    for tick in ticks:
        y = _y(tick, ticks)
        parts += [
            tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid"),
            tag("text", f"{tick:.{decimals}f}", x=_LEFT - 8, y=y + 4, text_anchor="end"),
        ]
    return join(parts)


def _tick(axis: Axis, x: float, lines: Sequence[str]) -> Html:
    place, y = _x(x, axis), _HEIGHT - _BOTTOM + 16
    return join(
        tag("text", line, x=place, y=y + 13 * number, text_anchor="middle", class_=f"line{number}")
        for number, line in enumerate(lines)
    )


def _line(axis: Axis, ticks: Sequence[float], line: Series) -> Html:
    places = [
        (number, _x(x, axis), _y(y, ticks))
        for number, (x, y) in enumerate(line.points)
        if math.isfinite(y)
    ]
    path = tag("polyline", points=" ".join(f"{x:g},{y:g}" for _, x, y in places), class_=line.look)
    if len(places) > _MOST_MARKED:
        return path
    marks = [
        tag("circle", cx=x, cy=y, r=3.5, class_=f"{line.look}{' hollow' * (number in line.hollow)}")
        for number, x, y in places
    ]
    return join(path, marks)


def _x(x: float, axis: Axis) -> float:
    share = (x - axis.low) / (axis.high - axis.low)
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(y: float, ticks: Sequence[float]) -> float:
    share = (y - ticks[0]) / (ticks[-1] - ticks[0])
    return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)
