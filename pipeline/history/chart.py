"""The chart of a pipeline's history: the score of every candidate, and of the model then live."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from components.report.chart_style import BLUE, CHART_STYLE, GREY, INK, VERMILION
from pipeline.history.events import Event, Outcome
from trainer.scoring import METRIC_NAMES, Metric

ChartFormat = Literal["svg", "png"]

_MARKERS = (
    (Outcome.PUSHED, "o", BLUE, "pushed"),
    (Outcome.BLOCKED, "X", VERMILION, "blocked"),
    (Outcome.NOT_PUSHED, "D", GREY, "blessed, not pushed"),
)
_HALF_LEVEL = 0.4
_MOST_LABELS = 16
_DOTS_PER_INCH = 160


def charted(events: Sequence[Event]) -> list[Event]:
    """Selects the events of the chart: new models with a score, and rollbacks."""
    return [
        event
        for event in events
        if event.outcome is Outcome.ROLLBACK
        or (event.score is not None and event.outcome not in (Outcome.UNCHANGED, Outcome.FAILED))
    ]


def draw_chart(name: str, events: Sequence[Event], file_format: ChartFormat) -> bytes:
    """Draws the chart.

    Args:
      name: the pipeline's name, for the title.
      events: the history, oldest first.
      file_format: the format of the picture.

    Returns:
      The content of the picture's file. The events stand side by side in order, labelled with
      version and date.
    """
    shown = charted(events)
    with matplotlib.rc_context(CHART_STYLE):
        width = min(16.0, max(6.5, 2 + 0.55 * len(shown)))
        figure = Figure(figsize=(width, 4), layout="constrained")
        axes = figure.subplots()
        _draw_models(axes, shown)
        if len(shown) <= _MOST_LABELS:
            _write_scores(axes, shown)
        _draw_bounds(axes, shown)
        _draw_rollbacks(axes, shown)
        _label(axes, shown)
        metrics = " and ".join(METRIC_NAMES[each] for each in sorted(_metrics(shown)))
        axes.set_title(f"{name}: {metrics} on the test split", loc="left", fontsize=11, pad=10)
        axes.set_ylabel(metrics)
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside lower left", ncols=3, frameon=False)
        content = io.BytesIO()
        metadata: dict[str, Any] = {"Date": None} if file_format == "svg" else {"Software": None}
        figure.savefig(content, format=file_format, dpi=_DOTS_PER_INCH, metadata=metadata)
    return content.getvalue()


def _metrics(shown: Sequence[Event]) -> set[Metric]:
    """Returns the metrics of the scores."""
    return {event.metric for event in shown if event.score is not None} or {"bleu"}


def _draw_models(axes: Axes, shown: Sequence[Event]) -> None:
    for outcome, marker, colour, label in _MARKERS:
        points = [
            (x, event.score)
            for x, event in enumerate(shown)
            if event.outcome is outcome and event.score is not None
        ]
        if points:
            axes.plot(
                [x for x, _ in points],
                [y for _, y in points],
                marker=marker,
                color=colour,
                label=label,
                linestyle="none",
                markersize=8,
                zorder=3,
            )


def _write_scores(axes: Axes, shown: Sequence[Event]) -> None:
    for x, event in enumerate(shown):
        if event.score is not None:
            axes.annotate(
                f"{event.score:.2f}",
                (x, event.score),
                xytext=(0, 9),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )


def _draw_bounds(axes: Axes, shown: Sequence[Event]) -> None:
    """Draws the floor and the live model's score of each candidate, on the same sentences."""
    live = [(x, event.live_score) for x, event in enumerate(shown) if event.live_score is not None]
    floor = [(x, event.floor) for x, event in enumerate(shown) if event.floor is not None]
    if live:
        _draw_levels(axes, live, color=GREY, label="live model, on the same sentences")
    if floor:
        _draw_levels(axes, floor, color=VERMILION, label="floor", linestyles=":")


def _draw_levels(axes: Axes, levels: Sequence[tuple[int, float]], **style: Any) -> None:
    places = [x for x, _ in levels]
    axes.hlines(
        [y for _, y in levels],
        [x - _HALF_LEVEL for x in places],
        [x + _HALF_LEVEL for x in places],
        linewidth=1.6,
        zorder=2,
        **style,
    )


def _draw_rollbacks(axes: Axes, shown: Sequence[Event]) -> None:
    is_first = True
    for x, event in enumerate(shown):
        if event.outcome is Outcome.ROLLBACK:
            label = "rollback" if is_first else None
            axes.axvline(x, color=INK, linewidth=1, linestyle="--", label=label, zorder=1)
            is_first = False


def _label(axes: Axes, shown: Sequence[Event]) -> None:
    step = -(-len(shown) // _MOST_LABELS) or 1
    places = list(range(0, len(shown), step))
    names = [f"{shown[x].version or ''}\n{shown[x].time:%Y-%m-%d}".strip() for x in places]
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.set_xticks(places, names, rotation=30 if len(places) > 6 else 0, fontsize=8)
    axes.set_xlim(-0.6, max(len(shown) - 0.4, 0.6))
    axes.margins(y=0.15)
