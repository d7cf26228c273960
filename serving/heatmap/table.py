"""A heatmap as an HTML table, for pages: read by eyes, by screen readers and by copy and paste.

The colours are rules of the page's style, light and dark, one for each percent that occurs. Every
word is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from serving.heatmap.colours import DARK, LIGHT, Scale
from serving.heatmap.matrix import Heatmap

_LEAST_SHOWN = 0.005
"""What would be printed as 0.00 is left blank, so that the eye finds the rest."""
_MOST_LEVEL_COLUMNS = 14
"""With more columns than these their headings are turned, which keeps the table narrow."""
_LONGEST_LEVEL_HEADING = 12
_LEGEND_STOPS = 11


def draw_table(
    heatmap: Heatmap,
    *,
    caption: str,
    caption_id: str,
    source_language: str | None = None,
    target_language: str | None = None,
    most_level_columns: int = _MOST_LEVEL_COLUMNS,
) -> str:
    """Writes the table.

    Args:
      heatmap: what to show; without rows or columns it becomes an empty table.
      caption: what the table is, plain text.
      caption_id: of the caption's element, for whatever refers to it.
      source_language: its code, such as `en`, by which a screen reader chooses its voice.
      target_language: the translation's.
      most_level_columns: with more columns than these their headings are turned.

    Returns:
      HTML: one `table`, turned headings by the class `turned`, the end symbol's column by `end`.
    """
    there, here = language_attributes(source_language), language_attributes(target_language)
    is_turned = len(heatmap.source) > most_level_columns or any(
        len(word) > _LONGEST_LEVEL_HEADING for word in heatmap.source
    )
    last = len(heatmap.source) - 1
    head = "".join(
        f'<th scope="col"{_end_class(heatmap, column == last)}{there}>'
        f"<span>{html.escape(word)}</span></th>"
        for column, word in enumerate(heatmap.source)
    )
    rows = "\n".join(
        f'<tr><th scope="row"{here}>{html.escape(word)}</th>'
        + "".join(
            _cell(weight, heatmap.has_end and column == last) for column, weight in enumerate(row)
        )
        + "</tr>"
        for word, row in zip(heatmap.target, heatmap.weights.tolist(), strict=True)
    )
    return f"""\
<table{' class="turned"' if is_turned else ""}>
<caption id="{html.escape(caption_id)}">{html.escape(caption)}</caption>
<thead><tr><td></td>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>"""


def colour_rules(heatmaps: Iterable[Heatmap]) -> str:
    """Returns the style of all weights that occur, on light and on dark ground, and of `.strip`,
    the legend."""
    used = sorted(
        {_percent(weight) for heatmap in heatmaps for weight in heatmap.weights.ravel().tolist()}
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
    return "\n".join([*light, "@media (prefers-color-scheme: dark) {", *dark, "}", ""])


def language_attributes(code: str | None) -> str:
    """The attributes of an element whose text is in a language; its direction shows in it."""
    return f' lang="{html.escape(code)}" dir="auto"' if code else ' dir="auto"'


def _end_class(heatmap: Heatmap, is_last: bool) -> str:
    return ' class="end"' if heatmap.has_end and is_last else ""


def _cell(weight: float, is_end: bool) -> str:
    classes = f"w{_percent(weight)}{' end' if is_end else ''}"
    return f'<td class="{classes}">{f"{weight:.2f}" if weight >= _LEAST_SHOWN else ""}</td>'


def _percent(weight: float) -> int:
    return round(100 * weight)


def _stops(scale: Scale) -> str:
    return ", ".join(str(scale.colour(step / (_LEGEND_STOPS - 1))) for step in range(_LEGEND_STOPS))
