"""A heatmap as a web page of one file: a real table, read by eyes, by screen readers and by copy
and paste."""

from __future__ import annotations

from collections.abc import Iterable

from serving.heatmap.colours import DARK, LIGHT, Scale
from serving.heatmap.matrix import Heatmap
from serving.html.templates import render

_LEGEND_STOPS = 11


def draw_page(
    heatmap: Heatmap,
    *,
    source: str,
    translation: str,
    source_language: str | None = None,
    target_language: str | None = None,
) -> str:
    """Writes the page.

    Args:
      heatmap: what to show; without rows or columns it becomes an empty table.
      source: the text that was translated.
      translation: of it.
      source_language: its code, such as `en`, by which a screen reader chooses its voice.
      target_language: the translation's.

    Returns:
      HTML, whole, ending with a newline; UTF-8 is declared.
    """
    return render(
        "serving.heatmap",
        "heatmap.html",
        heatmap=heatmap,
        source=source,
        translation=translation,
        languages=(source_language, target_language),
        colours=colour_rules([heatmap]),
    )


def colour_rules(heatmaps: Iterable[Heatmap]) -> str:
    """Returns the style of all weights that occur, on light and on dark ground, one rule for each
    percent, and of `.strip`, the legend."""
    used = sorted(
        {round(100 * weight) for heatmap in heatmaps for weight in heatmap.weights.ravel().tolist()}
    )
    light, dark = (
        [
            f"td.w{percent} {{ background: {scale.colour(percent / 100)}; "
            f"color: {scale.ink(percent / 100)}; }}"
            for percent in used
        ]
        + [f".strip {{ background: linear-gradient(to right, {_stops(scale)}); }}"]
        for scale in (LIGHT, DARK)
    )
    return "\n".join([*light, "@media (prefers-color-scheme: dark) {", *dark, "}"])


def _stops(scale: Scale) -> str:
    return ", ".join(str(scale.colour(step / (_LEGEND_STOPS - 1))) for step in range(_LEGEND_STOPS))
