"""Attention as a table of text: source across, target down, as books print it.

Only characters that every terminal of the last decades knows are used, and no colours.
"""

import shutil
from collections.abc import Sequence

import numpy as np
from rich.cells import cell_len, chop_cells

from serving.contract.translation import Translation, merge_into_words
from serving.heatmap.labels import printable

_WIDEST_LABEL = 24
_GAP = " "
_MINIMUM_COLUMN = 4  # "0.00"
_ELLIPSIS = "\u2026"


def format_attention_table(
    translation: Translation, *, words: bool = True, width: int | None = None
) -> str:
    """Draws a translation's attention.

    Args:
      translation: a translation with its attention [target, source].
      words: whether subwords are merged into words, without the end symbols, so that a row's
        missing part is what the model put on the end of the source; otherwise every subword has its
        row and column, the end symbols too.
      width: terminal cells of a line; the terminal's own, or 80 where there is none. Columns that
        do not fit follow below in further blocks. A single column may be wider than a very narrow
        line.

    Returns:
      Lines joined by newlines, without one at the end; an empty string if there is nothing to show.
    """
    if words:
        merged = merge_into_words(translation)
        source, target, attention = merged.source_words, merged.target_words, merged.attention
    else:
        source, target, attention = (
            translation.source_tokens,
            translation.target_tokens,
            translation.attention,
        )
    if not source or not target:
        return ""
    width = width or shutil.get_terminal_size((80, 24)).columns
    columns, rows = [_label(word) for word in source], [_label(word) for word in target]
    row_width = max(map(cell_len, rows))
    widths = [max(_MINIMUM_COLUMN, cell_len(column)) for column in columns]
    blocks = _blocks(widths, width - row_width - cell_len(" \u2502"))
    return "\n\n".join(
        _draw(columns, rows, attention, widths, row_width, block) for block in blocks
    )


def _draw(
    columns: Sequence[str],
    rows: Sequence[str],
    attention: np.ndarray,
    widths: Sequence[int],
    row_width: int,
    block: range,
) -> str:
    """Draws the columns of one block under a heading of source words."""
    heading = "".join(_GAP + _pad_left(columns[column], widths[column]) for column in block)
    line = "\u2500" * cell_len(heading)
    lines = [" " * (row_width + 2) + heading, " " * (row_width + 1) + "\u250c" + line]
    for row, name in enumerate(rows):
        cells = "".join(
            _GAP + f"{attention[row, column]:.2f}".rjust(widths[column]) for column in block
        )
        lines.append(name + " " * (row_width - cell_len(name)) + " \u2502" + cells)
    return "\n".join(lines)


def _blocks(widths: Sequence[int], available: int) -> list[range]:
    """Splits the columns into runs that fit into the available cells, at least one column each."""
    blocks, start, used = [], 0, 0
    for column, column_width in enumerate(widths):
        needed = len(_GAP) + column_width
        if column > start and used + needed > available:
            blocks.append(range(start, column))
            start, used = column, 0
        used += needed
    return [*blocks, range(start, len(widths))]


def _label(word: str) -> str:
    """Makes a word printable: without control characters, and cut if it is very long."""
    visible = printable(word)
    if cell_len(visible) <= _WIDEST_LABEL:
        return visible
    return chop_cells(visible, _WIDEST_LABEL - 1)[0] + _ELLIPSIS


def _pad_left(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text
