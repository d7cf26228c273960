"""A heatmap as a table of text: cells with their weights in them, coloured where that can be.

Where colours are not wanted or not there, Rich leaves them out and the numbers remain.
"""

from collections.abc import Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text

from serving.heatmap.colours import DARK, Scale
from serving.heatmap.labels import shortened
from serving.heatmap.matrix import Heatmap

_PARTS_OF_A_LINE = 3
"""The heading of a row takes at most one of them."""
_LONGEST_COLUMN_HEADING = 16
_WIDE_CELL = len(" 0.00 ")
_NARROW_CELL = len(" 00")
_LEAST_SHOWN = 0.005
"""What would be printed as 0.00 is left blank, so that the eye finds the rest."""


def attention_table(heatmap: Heatmap, output: TextIO) -> str:
    """Draws a heatmap as wide as a terminal, in the colours that it has.

    Args:
      heatmap: what to draw.
      output: where the table will be written; a file has 80 cells in a line and no colours.

    Returns:
      Lines, each with its newline; nothing for a heatmap without rows or columns.
    """
    console = Console(file=output, highlight=False)
    with console.capture() as drawn:
        console.print(draw_in_terminal(heatmap, console.width), soft_wrap=True)
    return drawn.get() if heatmap.target and heatmap.source else ""


def draw_in_terminal(heatmap: Heatmap, width: int, scale: Scale = DARK) -> Text:
    """Draws a heatmap as text with colours.

    If all of it fits side by side, columns are headed as tables are, and weights have two decimals.
    Otherwise headings go downwards and weights are percents, which takes three cells a column, and
    the columns that still do not fit follow below in further blocks.

    Args:
      heatmap: what to draw.
      width: cells of a line.
      scale: of the colours; by default one that suits the dark ground of most terminals.

    Returns:
      Lines, the last without its newline; nothing for a heatmap without rows or columns.
    """
    if not heatmap.target or not heatmap.source:
        return Text()
    rows = [_fit(word, max(1, width // _PARTS_OF_A_LINE)) for word in heatmap.target]
    margin = max(map(cell_len, rows)) + len(" ")
    headings = [_fit(word, _LONGEST_COLUMN_HEADING) for word in heatmap.source]
    widths = [max(_WIDE_CELL, cell_len(heading) + 1) for heading in headings]
    if margin + sum(widths) <= width:
        blocks = [range(len(headings))]
        head = _head_across
    else:
        widths = [_NARROW_CELL] * len(headings)
        at_once = max(1, (width - margin) // _NARROW_CELL)
        blocks = [
            range(start, min(start + at_once, len(headings)))
            for start in range(0, len(headings), at_once)
        ]
        head = _head_downwards
    drawn = []
    for block in blocks:
        text = Text(no_wrap=True, end="")
        text.append(
            head([headings[column] for column in block], [widths[c] for c in block], margin)
        )
        for row, name in enumerate(rows):
            text.append("\n" + " " * (margin - 1 - cell_len(name)) + name + " ")
            for column in block:
                weight = float(heatmap.weights[row, column])
                _append_cell(text, weight, widths[column], scale)
        drawn.append(text)
    return Text("\n\n").join(drawn)


def _append_cell(text: Text, weight: float, width: int, scale: Scale) -> None:
    if weight < _LEAST_SHOWN:
        shown = ""
    elif width == _NARROW_CELL:
        shown = f"{100 * weight:.0f}"
    else:
        shown = f"{weight:.2f} "
    style = Style(color=str(scale.ink(weight)), bgcolor=str(scale.colour(weight)))
    text.append(shown.rjust(width), style)


def _head_across(headings: Sequence[str], widths: Sequence[int], margin: int) -> str:
    cells = (
        " " * (width - 1 - cell_len(heading)) + heading + " "
        for heading, width in zip(headings, widths, strict=True)
    )
    return (" " * margin + "".join(cells)).rstrip()


def _head_downwards(headings: Sequence[str], widths: Sequence[int], margin: int) -> str:
    """Writes headings from top to bottom, one letter a line, ending at the table."""
    letters = [_letters(heading) for heading in headings]
    height = max(map(len, letters))
    lines = []
    for line in range(height):
        row = [each[line - height] if height - line <= len(each) else " " for each in letters]
        cells = (
            f" {letter}" + " " * (width - 1 - cell_len(letter))
            for letter, width in zip(row, widths, strict=True)
        )
        lines.append((" " * margin + "".join(cells)).rstrip())
    return "\n".join(lines)


def _letters(word: str) -> list[str]:
    """Takes a word apart into letters, each with the marks that stand on it."""
    letters: list[str] = []
    for character in word:
        if letters and cell_len(character) == 0:
            letters[-1] += character
        else:
            letters.append(character)
    return letters


def _fit(word: str, cells: int) -> str:
    """Shortens a word until it fits into so many cells."""
    characters = cells
    while cell_len(word) > cells:
        word = shortened(word, characters)
        characters -= 1
    return word
