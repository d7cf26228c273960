"""The style of all charts: a light grid, and colours distinguishable with colour blindness."""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito, "Color Universal Design", 2008.
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
GREY, INK, GRID, GROUND = "#777777", "#333333", "#E4E4E4", "#FFFFFF"

CHART_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#999999",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": INK,
    "ytick.color": INK,
    # With these, the same numbers give the same file on every machine.
    "svg.fonttype": "path",
    "svg.hashsalt": "attention-nmt",
}
"""For `matplotlib.rc_context`."""

INLINE_STYLE = CHART_STYLE | {"svg.fonttype": "none"}
"""The same style for `inline_svg`, with the font of the page."""

_PAGE_COLOURS = {
    BLUE: "var(--ours)",
    VERMILION: "var(--theirs)",
    GREY: "var(--other)",
    INK: "var(--faint)",
    GRID: "var(--line)",
    GROUND: "var(--ground)",
}


def inline_svg(figure: Figure, description: str, name: str) -> str:
    """Renders a figure as an `svg` element in the colours of the page, light and dark.

    Args:
      figure: drawn within `INLINE_STYLE`, which must still apply.
      description: text for screen readers.
      name: prefix of all ids in the element, so a page can contain several figures.
    """
    content = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(content, format="svg", transparent=True, metadata=metadata)
    _, _, drawing = content.getvalue().partition("<svg ")
    # Clip paths would cut marks on the border, and need url() in a page without external files.
    drawing = re.sub(r' clip-path="[^"]*"', "", drawing)
    drawing = re.sub(r'( id="| xlink:href="#)', rf"\g<1>{name}-", drawing)
    for colour, variable in _PAGE_COLOURS.items():
        drawing = drawing.replace(colour.lower(), variable)
    return f'<svg role="img" aria-label="{html.escape(description)}" {drawing}'
