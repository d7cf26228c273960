"""Draws a heatmap as a picture, PNG or SVG.

Matplotlib is imported for the first picture only. It is used through `Figure` objects alone, so
without a window system and without state shared between threads.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from serving.heatmap.colours import LIGHT
from serving.heatmap.matrix import Heatmap
from serving.heatmap.picture_layout import (
    GAP,
    LEGEND_WIDTH,
    MARGIN,
    POINTS_PER_INCH,
    Layout,
    lay_out,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PictureFormat = Literal["png", "svg"]

_FONTS = (
    "DejaVu Sans",
    # For letters missing above, if installed:
    "Noto Sans",
    "Noto Sans CJK JP",
    "WenQuanYi Micro Hei",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Emoji",
    "Unifont",
)
_INK, _FAINT_INK = "#1c2430", "#5c6778"
_LEAST_SHOWN = 0.005
"""A cell of 0.00 is left blank, to make the others stand out."""
_FAINT_BELOW = 0.1
_DOTS_PER_INCH = 160
_STRIP_WIDTH, _STRIP_HEIGHT = 1.2, 0.11
_STRIP_STEPS = 64
_LEGEND_POINTS = 8.5


def draw_picture(heatmap: Heatmap, file_format: PictureFormat, *, title: str = "") -> bytes:
    """Draws a heatmap on a white background.

    Args:
      heatmap: the heatmap.
      file_format: the format of the picture. In an SVG file letters are outlines, so it looks the
        same with other installed fonts.
      title: the title in the metadata of the file; not drawn.

    Returns:
      The content of the file.

    Raises:
      ValueError: the heatmap has no rows or no columns.
    """
    if not heatmap.source or not heatmap.target:
        raise ValueError("A heatmap without rows or columns cannot be drawn.")
    from matplotlib.figure import Figure

    letters = _Letters()
    layout = lay_out(heatmap, letters.width)
    figure = Figure(figsize=(layout.width, layout.height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    # The unit is an inch, y grows downwards, and the first cell starts at (0, 0).
    axes.set_xlim(-layout.left, layout.right)
    axes.set_ylim(layout.bottom, -layout.top)
    _draw_cells(axes, layout, heatmap.weights, letters.fonts)
    _draw_headings(axes, layout, heatmap.has_end, letters.fonts)
    _draw_legend(axes, layout, letters.fonts)

    metadata: dict[str, Any] = {"Title": title} if title else {}
    if file_format == "svg":
        metadata["Date"] = None  # equal files for equal pictures
    content = io.BytesIO()
    figure.savefig(
        content, format=file_format, dpi=_DOTS_PER_INCH, facecolor="white", metadata=metadata
    )
    return content.getvalue()


class _Letters:
    """Measures text without a figure."""

    def __init__(self) -> None:
        from matplotlib import font_manager
        from matplotlib.backends.backend_agg import RendererAgg

        installed = {font.name for font in font_manager.fontManager.ttflist}
        self.fonts = [name for name in _FONTS if name in installed]
        self._properties = font_manager.FontProperties
        self._renderer = RendererAgg(1, 1, POINTS_PER_INCH)

    def width(self, text: str, points: float) -> float:
        """Returns the width of a text in inches."""
        font = self._properties(family=self.fonts, size=points)
        width, _, _ = self._renderer.get_text_width_height_descent(text, font, ismath=False)
        return float(width) / POINTS_PER_INCH


def _draw_cells(axes: Axes, layout: Layout, weights: np.ndarray, fonts: list[str]) -> None:
    """Draws each weight as a coloured tile with its number."""
    from matplotlib.patches import Rectangle

    style = layout.style
    for row, line in enumerate(weights.tolist()):
        y = row * style.height
        for x, weight in zip(layout.lefts, line, strict=True):
            tile = Rectangle(
                (x, y),
                layout.cell_width,
                style.height,
                facecolor=str(LIGHT.colour(weight)),
                edgecolor="#e9edf3",
                linewidth=0.6,
                clip_on=False,  # a clip path would have another name in each file
            )
            axes.add_artist(tile)
            if weight >= _LEAST_SHOWN:
                number = f"{weight:.2f}"
                axes.text(
                    x + layout.cell_width / 2,
                    y + style.height / 2,
                    number.removeprefix("0") if style.has_short_numbers else number,
                    color=_FAINT_INK if weight < _FAINT_BELOW else str(LIGHT.ink(weight)),
                    fontsize=style.number_points,
                    family=fonts,
                    ha="center",
                    va="center_baseline",
                )


def _draw_headings(axes: Axes, layout: Layout, has_end: bool, fonts: list[str]) -> None:
    """Draws the target words on the left and the source words above."""
    look: dict[str, Any] = {
        "fontsize": layout.style.heading_points,
        "family": fonts,
        "parse_math": False,  # dollar signs do not mark a formula
    }
    for row, word in enumerate(layout.rows):
        middle = (row + 0.5) * layout.style.height
        axes.text(-GAP, middle, word, color=_INK, ha="right", va="center_baseline", **look)
    for column, (x, word) in enumerate(zip(layout.middles, layout.columns, strict=True)):
        is_end = has_end and column == len(layout.columns) - 1
        axes.text(
            x,
            -GAP,
            word,
            color=_FAINT_INK if is_end else _INK,
            ha="left" if layout.is_slanted else "center",
            va="baseline",
            rotation=45 if layout.is_slanted else 0,
            rotation_mode="anchor",
            **look,
        )


def _draw_legend(axes: Axes, layout: Layout, fonts: list[str]) -> None:
    """Draws the colour scale below the table."""
    from matplotlib.patches import Rectangle

    table_height = len(layout.rows) * layout.style.height
    fits_below_cells = layout.right >= LEGEND_WIDTH + MARGIN
    x = 0.0 if fits_below_cells else MARGIN - layout.left
    y = table_height + 0.24
    look: dict[str, Any] = {
        "color": _FAINT_INK,
        "fontsize": _LEGEND_POINTS,
        "family": fonts,
        "va": "center_baseline",
    }
    middle = y + _STRIP_HEIGHT / 2
    axes.text(x, middle, "0", ha="left", **look)
    x += 0.12
    for step in range(_STRIP_STEPS):
        axes.add_artist(
            Rectangle(
                (x + step * _STRIP_WIDTH / _STRIP_STEPS, y),
                # A little wider, to leave no gaps between two steps.
                1.5 * _STRIP_WIDTH / _STRIP_STEPS,
                _STRIP_HEIGHT,
                facecolor=str(LIGHT.colour(step / (_STRIP_STEPS - 1))),
                linewidth=0,
                clip_on=False,
            )
        )
    x += _STRIP_WIDTH + 0.05
    axes.text(x, middle, "1", ha="left", **look)
    axes.text(x + 0.22, middle, "attention weight; rows sum to 1", ha="left", **look)
