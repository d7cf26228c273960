"""Draws a heatmap as a web page of one file.

It is an HTML table, accessible to screen readers and usable by copy and paste.
"""

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
    """Returns the page.

    Args:
      heatmap: the heatmap; without rows or columns it becomes an empty table.
      source: the source text.
      translation: its translation.
      source_language: its code, such as `en`; a screen reader chooses its voice by it.
      target_language: the code of the translation's language.

    Returns:
      A complete HTML document with a final newline; it declares UTF-8.
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
    """Returns the CSS for light and dark backgrounds: a rule per percent of weight, and `.strip`.

    Only percents used in the heatmaps have a rule. `.strip` is the legend.
    """
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
