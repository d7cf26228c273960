"""The report's line charts as inline SVG, small enough for a telephone.

In the report, a table of its numbers follows each chart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.gate.verdict import BASELINE, CANDIDATE, Verdict, is_length_bucket, slice_name
from components.report.chart_style import BLUE, GREY, GROUND, INLINE_STYLE, VERMILION, inline_svg
from components.report.wording import short
from trainer.scoring import METRIC_NAMES, Metric

_INCHES = (4.4, 2.6)
_MOST_MARKED = 14
"""A line with more points has no marks."""
_LOOKS = {
    "this model": (BLUE, "-"),
    "live model": (VERMILION, "--"),
    "training": (BLUE, "-"),
    "validation": (GREY, ":"),
}
"""Colour and line style of each line."""


@dataclass(frozen=True)
class Chart:
    """A rendered chart."""

    title: str
    svg: str


def training_charts(
    history: Sequence[Mapping[str, Any]], live_history: Sequence[Mapping[str, Any]]
) -> list[Chart]:
    """Draws the validation score by epoch for this and the live model, and the losses by epoch.

    The score is the one that chose the best epoch.
    """
    metric: Metric = history[-1].get("validation_metric", "bleu") if history else "bleu"
    scores = {"this model": _by_epoch(history, f"validation_{metric}")}
    if live_history:
        scores["live model"] = _by_epoch(live_history, f"validation_{metric}")
    loss = {
        "training": _by_epoch(history, "train_loss"),
        "validation": _by_epoch(history, "validation_loss"),
    }
    return [draw_lines(f"Validation {METRIC_NAMES[metric]}", scores), draw_lines("Loss", loss)]


def length_chart(verdict: Verdict) -> Chart | None:
    """Draws the score of both models by length of the source; None without length buckets."""
    buckets = [name for name in verdict.metrics if is_length_bucket(name)]
    if not buckets:
        return None
    models = {"this model": CANDIDATE} | ({"live model": BASELINE} if verdict.has_baseline else {})
    lines = {
        name: [
            (place, verdict.metrics[bucket].get(model, {}).get(verdict.metric, math.nan))
            for place, bucket in enumerate(buckets)
        ]
        for name, model in models.items()
    }
    groups = [
        f"{slice_name(name)}\n{short(verdict.metrics[name][CANDIDATE].get('sentence_count'))} sent."
        for name in buckets
    ]
    hollow = [place for place, name in enumerate(buckets) if name in verdict.unjudged]
    title = f"{METRIC_NAMES[verdict.metric]} by source length"
    return draw_lines(title, lines, groups, hollow)


def draw_lines(
    title: str,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    groups: Sequence[str] = (),
    hollow: Sequence[float] = (),
) -> Chart:
    """Draws a line chart.

    Args:
      title: title of the chart.
      lines: (x, y) of the points of each line, by its name; points with a y not finite are left
        out.
      groups: labels of x = 0, 1, ...; without them x is an epoch.
      hollow: values of x with empty marks.
    """
    # Imported here because matplotlib takes a second to load.
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    with matplotlib.rc_context(INLINE_STYLE):
        figure = Figure(figsize=_INCHES, layout="constrained")
        axes = figure.subplots()
        for name, points in lines.items():
            known = [(x, y) for x, y in points if math.isfinite(y)]
            colour, style = _LOOKS[name]
            axes.plot(
                [x for x, _ in known],
                [y for _, y in known],
                label=name,
                color=colour,
                linestyle=style,
                marker="o" if len(known) <= _MOST_MARKED else "",
                markersize=5,
            )
            empty = [(x, y) for x, y in known if x in hollow]
            axes.plot(
                [x for x, _ in empty],
                [y for _, y in empty],
                "o",
                color=colour,
                markerfacecolor=GROUND,
                markersize=5,
            )
        if groups:
            axes.set_xticks(range(len(groups)), groups)
            axes.set_xlim(-0.4, len(groups) - 0.6)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
            axes.set_xlabel("epoch")
        axes.yaxis.set_major_locator(MaxNLocator(5))
        figure.legend(loc="outside upper left", ncols=len(lines), frameon=False)
        description = f"{title}. The table below has the numbers."
        name = re.sub(r"\W+", "-", title.lower())
        return Chart(title, inline_svg(figure, description, name))


def _by_epoch(history: Sequence[Mapping[str, Any]], quantity: str) -> Sequence[tuple[float, float]]:
    # The live model may be older than the quantity.
    return [(entry["epoch"], entry.get(quantity, math.nan)) for entry in history]
