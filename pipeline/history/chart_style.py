"""How every chart looks: quiet lines behind the numbers, in colours that all can tell apart."""

from typing import Any

# Okabe and Ito, "Color Universal Design", 2008.
BLUE, VERMILION = "#0072B2", "#D55E00"
GREY, INK = "#777777", "#333333"

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
    "grid.color": "#E4E4E4",
    "xtick.color": INK,
    "ytick.color": INK,
    # The same file on every machine, for the same numbers.
    "svg.fonttype": "path",
    "svg.hashsalt": "attention-nmt",
}
"""For `matplotlib.rc_context`."""
