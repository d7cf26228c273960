"""The layout of a picture, in inches from the corner of the first cell.

The size of the picture follows from its words and numbers, so nothing overlaps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from serving.heatmap.labels import shortened
from serving.heatmap.matrix import Heatmap

POINTS_PER_INCH = 72
MARGIN = 0.16
GAP = 0.08
"""Space between headings and cells, and before the column of the end symbol."""
LEGEND_HEIGHT = 0.52
LEGEND_WIDTH = 3.6

_LONGEST_HEADING = 64
"""Characters; enough for almost every German compound."""
_LINE = 1.1
"""Height of a line of text, relative to the size of its letters."""
_WIDEST_LEVEL_TABLE = 11.0
"""Headings are slanted if level ones would make the table wider than this."""

MeasureWidth = Callable[[str, float], float]
"""(text, size in points) -> width in inches."""


@dataclass(frozen=True)
class CellStyle:
    """Sizes of cells, in inches, and of letters, in points."""

    width: float
    height: float
    heading_points: float
    number_points: float
    has_short_numbers: bool
    """Whether the zero before the point is left out."""


_BY_COLUMNS = (
    (18, CellStyle(0.46, 0.33, 11, 8.5, has_short_numbers=False)),
    (36, CellStyle(0.38, 0.31, 10, 7.5, has_short_numbers=False)),
    (10**9, CellStyle(0.31, 0.29, 10, 7.5, has_short_numbers=True)),
)
"""(largest number of columns, style): more columns are smaller, down to a readable size."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The positions in a picture: x to the right, y downwards, the first cell at (0, 0).

    In a mirrored picture x grows to the left.
    """

    columns: list[str]
    rows: list[str]
    style: CellStyle
    cell_width: float
    lefts: np.ndarray
    """The left edge of each column."""
    is_slanted: bool
    """Whether the column headings are rotated by 45 degrees."""
    is_mirrored: bool
    left: float
    """Size of the picture to the left of (0, 0); the next three are the other directions."""
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Width of the picture."""
        return self.left + self.right

    @property
    def height(self) -> float:
        """Height of the picture."""
        return self.top + self.bottom

    @property
    def middles(self) -> np.ndarray:
        """The centre of each column."""
        return self.lefts + self.cell_width / 2


def lay_out(heatmap: Heatmap, measure: MeasureWidth) -> Layout:
    """Computes the layout.

    Args:
      heatmap: a heatmap with at least one row and one column.
      measure: returns the width of a text.
    """
    columns = [shortened(word, _LONGEST_HEADING) for word in heatmap.source]
    rows = [shortened(word, _LONGEST_HEADING) for word in heatmap.target]
    style = next(style for most, style in _BY_COLUMNS if len(columns) <= most)
    line = _LINE * style.heading_points / POINTS_PER_INCH
    widths = np.array([measure(word, style.heading_points) for word in columns])
    level_width = max(style.width, widths.max() + 2 * GAP)
    is_slanted = bool(
        level_width > style.width and len(columns) * level_width > _WIDEST_LEVEL_TABLE
    )
    cell_width = style.width if is_slanted else float(level_width)
    lefts = np.arange(len(columns)) * cell_width
    if heatmap.has_end:
        lefts[-1] += GAP
    if is_slanted:
        # At 45 degrees a heading has the same extent upwards and to the right.
        reach = (widths + line) * np.sqrt(0.5)
        top, ends = float(reach.max()), lefts + cell_width / 2 + reach
    else:
        top, ends = line, lefts + cell_width
    left = MARGIN + max(measure(word, style.heading_points) for word in rows) + GAP
    right = max(float(ends.max()), float(lefts[-1]) + cell_width) + MARGIN
    return Layout(
        columns=columns,
        rows=rows,
        style=style,
        cell_width=cell_width,
        lefts=lefts,
        is_slanted=is_slanted,
        is_mirrored=heatmap.source_direction == "rtl",
        left=left,
        top=MARGIN + top + GAP,
        right=max(right, MARGIN + LEGEND_WIDTH + MARGIN - left),
        bottom=len(rows) * style.height + LEGEND_HEIGHT,
    )
