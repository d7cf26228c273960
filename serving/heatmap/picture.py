"""Draws a heatmap as a picture, PNG or SVG.

Matplotlib is imported for the first picture only. It is used through `Figure` objects alone, so
without a window system and without state shared between threads.
"""

from __future__ import annotations

import io
import warnings
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from serving.heatmap.colours import LIGHT
from serving.heatmap.fonts import find_fonts
from serving.heatmap.matrix import MOST_CELLS, Heatmap
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

_INK, _FAINT_INK = "#1c2430", "#5c6778"
_LEAST_SHOWN = 0.005
"""A cell of 0.00 is left blank, to make the others stand out."""
_FAINT_BELOW = 0.1
_DOTS_PER_INCH = 160
_MOST_DOTS = 4000
"""Of a side of the picture; a larger picture has fewer dots per inch."""
_LEAST_DOTS_PER_INCH = 80
"""With fewer, numbers cannot be read."""
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
      ValueError: the heatmap has no rows, no columns, or more than MOST_CELLS cells.
    """
    if not heatmap.source or not heatmap.target:
        raise ValueError("A heatmap without rows or columns cannot be drawn.")
    if heatmap.weights.size > MOST_CELLS:
        raise ValueError(f"A heatmap of more than {MOST_CELLS:,} cells cannot be drawn.")
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    rcParams["svg.hashsalt"] = "attention"  # equal names in equal files
    metadata: dict[str, Any] = {"Title": title} if title else {}
    if file_format == "svg":
        metadata["Date"] = None  # equal files for equal pictures
    content = io.BytesIO()
    with warnings.catch_warnings():
        # `missing_fonts` names these letters.
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing")
        letters = _Letters(find_fonts(heatmap).families)
        layout = lay_out(heatmap, letters.width)
        figure = Figure(figsize=(layout.width, layout.height))
        dots = min(_DOTS_PER_INCH, _MOST_DOTS / max(layout.width, layout.height))
        _draw(figure.add_axes((0, 0, 1, 1)), layout, heatmap, letters.fonts, dots)
        figure.savefig(content, format=file_format, dpi=dots, facecolor="white", metadata=metadata)
    return content.getvalue()


class _Letters:
    """Measures text without a figure."""

    def __init__(self, fonts: list[str]) -> None:
        from matplotlib import font_manager
        from matplotlib.backends.backend_agg import RendererAgg

        self.fonts = fonts
        self._properties = font_manager.FontProperties
        self._renderer = RendererAgg(1, 1, POINTS_PER_INCH)

    def width(self, text: str, points: float) -> float:
        """Returns the width of a text in inches."""
        font = self._properties(family=self.fonts, size=points)
        width, _, _ = self._renderer.get_text_width_height_descent(text, font, ismath=False)
        return float(width) / POINTS_PER_INCH


def _draw(axes: Axes, layout: Layout, heatmap: Heatmap, fonts: list[str], dots: float) -> None:
    axes.set_axis_off()
    # The unit is an inch, y grows downwards, and the first cell starts at (0, 0).
    axes.set_xlim(-layout.left, layout.right)
    axes.set_ylim(layout.bottom, -layout.top)
    if layout.is_mirrored:
        axes.invert_xaxis()
    _draw_tiles(axes, layout, heatmap.weights)
    if dots >= _LEAST_DOTS_PER_INCH:
        _draw_numbers(axes, layout, heatmap.weights, fonts)
    _draw_headings(axes, layout, heatmap.has_end, fonts)
    _draw_legend(axes, layout, fonts)


def _draw_tiles(axes: Axes, layout: Layout, weights: np.ndarray) -> None:
    """Draws each weight as a coloured tile; all are one object, since each takes a millisecond."""
    from matplotlib.collections import PolyCollection

    width, height = layout.cell_width, layout.style.height
    colours = [LIGHT.colour(weight) for weight in weights.ravel().tolist()]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)])
    axes.add_collection(
        PolyCollection(
            _origins(layout)[:, np.newaxis] + corners,
            facecolors=np.array(colours) / 255,
            edgecolors="#e9edf3",
            linewidths=0.6,
            clip_on=False,  # a clip path would have another name in each file
        ),
        autolim=False,
    )


def _draw_numbers(axes: Axes, layout: Layout, weights: np.ndarray, fonts: list[str]) -> None:
    """Draws each weight as a number; the copies of a number are one object."""
    style = layout.style
    middles = _origins(layout) + np.array([layout.cell_width / 2, style.height / 2])
    places: defaultdict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
    for middle, weight in zip(middles, weights.ravel().tolist(), strict=True):
        if weight >= _LEAST_SHOWN:
            number = f"{weight:.2f}"
            shown = number.removeprefix("0") if style.has_short_numbers else number
            ink = _FAINT_INK if weight < _FAINT_BELOW else str(LIGHT.ink(weight))
            places[shown, ink].append(middle)
    for (shown, ink), found in places.items():
        _draw_copies(axes, shown, found, style.number_points, ink, fonts)


def _origins(layout: Layout) -> np.ndarray:
    """Returns the upper left corners of all cells, row by row: [cells, 2]."""
    tops = np.arange(len(layout.rows)) * layout.style.height
    return np.stack(np.meshgrid(layout.lefts, tops), axis=-1).reshape(-1, 2)


def _draw_copies(
    axes: Axes, text: str, places: list[np.ndarray], points: float, ink: str, fonts: list[str]
) -> None:
    """Draws a text at several places, as a path and so without fonts."""
    from matplotlib.collections import PathCollection
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath, text_to_path
    from matplotlib.transforms import Affine2D

    font = FontProperties(family=fonts, size=points)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    # As `center_baseline` does, the height above the baseline is centred, not the letters.
    _, height, descent = text_to_path.get_text_width_height_descent("lp", font, ismath=False)
    path = TextPath((-width / 2, (descent - height) / 2), text, prop=font)
    copies = PathCollection(
        [path],
        offsets=np.array(places),
        offset_transform=axes.transData,
        facecolors=ink,
        linewidths=0,
        clip_on=False,
    )
    figure = axes.figure
    copies.set_transform(Affine2D().scale(1 / POINTS_PER_INCH) + figure.dpi_scale_trans)
    axes.add_collection(copies, autolim=False)


def _draw_headings(axes: Axes, layout: Layout, has_end: bool, fonts: list[str]) -> None:
    """Draws the target words on the left and the source words above."""
    look: dict[str, Any] = {
        "fontsize": layout.style.heading_points,
        "family": fonts,
        "parse_math": False,  # dollar signs do not mark a formula
    }
    inner, outer = ("left", "right") if layout.is_mirrored else ("right", "left")
    slant = -45 if layout.is_mirrored else 45
    for row, word in enumerate(layout.rows):
        middle = (row + 0.5) * layout.style.height
        axes.text(-GAP, middle, word, color=_INK, ha=inner, va="center_baseline", **look)
    for column, (x, word) in enumerate(zip(layout.middles, layout.columns, strict=True)):
        is_end = has_end and column == len(layout.columns) - 1
        axes.text(
            x,
            -GAP,
            word,
            color=_FAINT_INK if is_end else _INK,
            ha=outer if layout.is_slanted else "center",
            va="baseline",
            rotation=slant if layout.is_slanted else 0,
            rotation_mode="anchor",
            **look,
        )


def _draw_legend(axes: Axes, layout: Layout, fonts: list[str]) -> None:
    """Draws the colour scale below the table."""
    from matplotlib.patches import Rectangle

    table_height = len(layout.rows) * layout.style.height
    if layout.is_mirrored:
        # It runs from left to right, so against the x axis.
        onwards, edge = -1, float(layout.lefts[-1]) + layout.cell_width
        fits_below_cells = edge + layout.left >= LEGEND_WIDTH + MARGIN
        x = edge if fits_below_cells else layout.right - MARGIN
    else:
        onwards = 1
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
    x += onwards * 0.12
    for step in range(_STRIP_STEPS):
        axes.add_artist(
            Rectangle(
                (x + onwards * step * _STRIP_WIDTH / _STRIP_STEPS, y),
                # A little wider, to leave no gaps between two steps.
                onwards * 1.5 * _STRIP_WIDTH / _STRIP_STEPS,
                _STRIP_HEIGHT,
                facecolor=str(LIGHT.colour(step / (_STRIP_STEPS - 1))),
                linewidth=0,
                clip_on=False,
            )
        )
    x += onwards * (_STRIP_WIDTH + 0.05)
    axes.text(x, middle, "1", ha="left", **look)
    axes.text(x + onwards * 0.22, middle, "attention weight; rows sum to 1", ha="left", **look)
