"""The figure of `attention_vs_basic`: BLEU of all systems by length, by step and by time."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from benchmarks.common.protocols import BucketScore
from benchmarks.common.systems import Epoch
from components.report.chart_style import BLUE, CHART_STYLE, GREEN, VERMILION

SMALLEST_BUCKET = 20
"""BLEU of fewer sentences is noise; a smaller bucket appears only in the table."""

_COLOURS = (BLUE, VERMILION, GREEN)
_MARKERS = ("s", "o", "^")
_STYLE = CHART_STYLE | {
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
}
_COLUMNS = ("BLEU by length of the source", "Validation BLEU by step", "Validation BLEU by time")
_ROUND_STEPS = [1, 2, 5, 10]
_NEAREST_LABELS = 0.09
"""Smallest distance between the labels of two lines, as a share of the axis."""


@dataclass(frozen=True)
class Curve:
    """One system on one corpus."""

    label: str
    buckets: dict[str, BucketScore]
    """BLEU of the test split by source length."""
    history: Sequence[Epoch]


def draw_comparison(rows: Mapping[str, Sequence[Curve]], path: Path) -> None:
    """Draws a row of three panels for each corpus.

    Args:
      rows: at most three systems, by the name of the corpus.
      path: path of the SVG file to write.
    """
    with matplotlib.rc_context(_STYLE):
        layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1, wspace=0.04, hspace=0.06)
        figure = Figure(figsize=(10, 0.6 + 2.6 * len(rows)), layout=layout)
        grid = figure.subplots(len(rows), len(_COLUMNS), squeeze=False)
        for axes, (corpus, curves) in zip(grid, rows.items(), strict=True):
            _draw_lengths(axes[0], curves)
            _draw_training(axes[1], curves, by_time=False)
            _draw_training(axes[2], curves, by_time=True)
            axes[0].set_ylabel(f"{corpus}\n", fontsize=11, fontweight="bold")
        for axis, title in zip(grid[0], _COLUMNS, strict=True):
            axis.set_title(title, loc="left", fontsize=10, pad=10)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _draw_lengths(axis: Axes, curves: Sequence[Curve]) -> None:
    sizes = {name: bucket.sentences for name, bucket in curves[0].buckets.items()}
    drawn = [name for name, size in sizes.items() if size >= SMALLEST_BUCKET]
    if not drawn:
        axis.set_axis_off()
        return
    places = list(range(len(drawn)))
    _draw_lines(
        axis, curves, [(places, [each.buckets[name].bleu for name in drawn]) for each in curves]
    )
    axis.set_xticks(places, [f"{name}\n({sizes[name]:,})" for name in drawn])
    axis.set_xlim(-0.25, len(drawn) - 0.75)
    axis.set_xlabel("source words (test sentences)")


def _draw_training(axis: Axes, curves: Sequence[Curve], *, by_time: bool) -> None:
    lines = []
    for curve in curves:
        steps = [float(epoch.step) for epoch in curve.history]
        values = [epoch.validation_bleu for epoch in curve.history]
        lines.append((minutes(curve.history) if by_time else steps, values))
    _draw_lines(axis, curves, lines)
    axis.set_xlim(left=0)
    axis.xaxis.set_major_locator(MaxNLocator(5, steps=_ROUND_STEPS))
    axis.xaxis.set_major_formatter("{x:,g}")
    axis.set_xlabel("minutes of training" if by_time else "steps of training")


def minutes(history: Sequence[Epoch]) -> list[float]:
    """Returns the minutes from the start of training to the end of each epoch."""
    return list(itertools.accumulate(epoch.seconds / 60 for epoch in history))


def _draw_lines(
    axis: Axes,
    curves: Sequence[Curve],
    lines: Sequence[tuple[Sequence[float], Sequence[float]]],
) -> None:
    """Draws lines of (positions, BLEU), from BLEU 0 on, with each label at the end of its line."""
    for (places, values), colour, marker in zip(lines, _COLOURS, _MARKERS, strict=False):
        axis.plot(places, values, color=colour, marker=marker)
    axis.set_ylim(bottom=0)
    axis.yaxis.set_major_locator(MaxNLocator(5, steps=_ROUND_STEPS))
    heights = apart([values[-1] for _, values in lines], _NEAREST_LABELS * axis.get_ylim()[1])
    for curve, (places, _), colour, height in zip(curves, lines, _COLOURS, heights, strict=False):
        axis.annotate(
            curve.label,
            (places[-1], height),
            xytext=(7, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )


def apart(heights: Sequence[float], distance: float) -> list[float]:
    """Moves heights apart until neighbours have a distance, and each by as little as possible.

    Neighbours that are too close become a group around the mean of their heights, which may then be
    too close to the next one.
    """
    order = sorted(range(len(heights)), key=heights.__getitem__)
    groups: list[list[int]] = []
    for index in order:
        groups.append([index])
        while len(groups) > 1 and _gap(groups[-2], groups[-1], heights, distance) < distance:
            last = groups.pop()
            groups[-1] += last
    moved = [0.0] * len(heights)
    for group in groups:
        for index, height in zip(group, _spread(group, heights, distance), strict=True):
            moved[index] = height
    return moved


def _gap(lower: list[int], upper: list[int], heights: Sequence[float], distance: float) -> float:
    return _spread(upper, heights, distance)[0] - _spread(lower, heights, distance)[-1]


def _spread(group: list[int], heights: Sequence[float], distance: float) -> list[float]:
    """Returns the heights of a group, `distance` apart around their mean."""
    mean = sum(heights[index] for index in group) / len(group)
    first = mean - distance * (len(group) - 1) / 2
    return [first + distance * place for place in range(len(group))]
