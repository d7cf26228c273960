"""A pipeline's history as a web page: the chart, and a table of all runs and rollbacks."""

import base64
from collections.abc import Sequence
from datetime import UTC

from pipeline.history.events import Event, Outcome
from serving.html.templates import render
from trainer.scoring import METRIC_NAMES, Metric

COLUMNS = (
    "time (UTC)",
    "outcome",
    "version",
    "score",
    "floor",
    "live score",
    "compared with",
    "why",
)
NUMBERS = frozenset({"version", "score", "floor", "live score", "compared with"})


def cells(event: Event) -> tuple[str, ...]:
    """Returns the table cells of an event; a rollback has no baseline."""
    compared = None if event.outcome is Outcome.ROLLBACK else event.live_version
    return (
        f"{event.time.astimezone(UTC):%Y-%m-%d %H:%M}",
        str(event.outcome),
        "" if event.version is None else str(event.version),
        _score(event.score, event.metric),
        "" if event.floor is None else f"{event.floor:g}",
        _score(event.live_score, event.metric),
        "" if compared is None else str(compared),
        "; ".join(event.reasons),
    )


def draw_history(name: str, events: Sequence[Event], chart: bytes | None) -> str:
    """Writes the page.

    Args:
      name: the pipeline's name.
      events: the history, oldest first; the table begins with the newest.
      chart: an SVG file; None if there is no chart.

    Returns:
      A complete HTML page with UTF-8 declared, ending with a newline.
    """
    return render(
        "pipeline.history",
        "history.html",
        filters=[cells],
        name=name,
        events=events,
        chart=None if chart is None else base64.b64encode(chart).decode("ascii"),
        columns=COLUMNS,
        numbers=[place for place, column in enumerate(COLUMNS) if column in NUMBERS],
    )


def _score(value: float | None, metric: Metric) -> str:
    name = "" if metric == "bleu" else f"{METRIC_NAMES[metric]} "
    return "" if value is None else f"{name}{value:.2f}"
