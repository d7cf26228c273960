"""Draws a heatmap as a text table, with coloured cells if the terminal supports it.

Without colours, Rich prints the numbers only. Right-to-left words are isolated: a terminal that
reorders them must leave the numbers beside them in place.
"""

import re
from collections.abc import Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text

from serving.heatmap.colours import DARK, Scale
from serving.heatmap.labels import shortened
from serving.heatmap.matrix import MOST_CELLS, Heatmap
from text.direction import isolate

_PARTS_OF_A_LINE = 3
"""A row heading takes at most one of these parts."""
_LONGEST_COLUMN_HEADING = 16
_WIDE_CELL = len(" 0.00 ")
_NARROW_CELL = len(" 00")
_LEAST_SHOWN = 0.005
"""A cell of 0.00 is left blank, to make the others stand out."""
_ZERO_WIDTH_JOINER = "\u200d"
_JOINER_OF_LETTERS = re.compile(f"(?<=[\u0600-\u1fff]){_ZERO_WIDTH_JOINER}")
"""A joiner after a letter. Rich takes each for one of an emoji, which hides what follows."""


def attention_table(heatmap: Heatmap, output: TextIO) -> str:
    """Draws a heatmap for the width and the colours of a terminal.

    Args:
      heatmap: the heatmap.
      output: the destination of the table; a file has 80 cells per line and no colours.

    Returns:
      Lines with newlines; an empty string for a heatmap without rows or columns, and a sentence for
      one of more than `MOST_CELLS` cells.
    """
    if heatmap.weights.size > MOST_CELLS:
        rows, columns = heatmap.weights.shape
        return (
            f"The table would have {rows:,} rows of {columns:,} cells, and at most "
            f"{MOST_CELLS:,} cells are drawn: give a shorter text.\n"
        )
    console = Console(file=output, highlight=False)
    with console.capture() as drawn:
        console.print(draw_in_terminal(heatmap, console.width), soft_wrap=True)
    return drawn.get() if heatmap.target and heatmap.source else ""


def draw_in_terminal(heatmap: Heatmap, width: int, scale: Scale = DARK) -> Text:
    """Draws a heatmap as text with colours.

    If the whole table fits, headings are horizontal and weights have two decimals. Otherwise
    headings are vertical and weights are percents, three cells per column. Columns still beyond the
    width follow below in further blocks.

    Args:
      heatmap: the heatmap.
      width: cells per line.
      scale: the colour scale; the default is for the dark background of most terminals.

    Returns:
      Lines, the last without a newline; empty for a heatmap without rows or columns.
    """
    if not heatmap.target or not heatmap.source:
        return Text()
    rows = [_fit(word, max(1, width // _PARTS_OF_A_LINE)) for word in heatmap.target]
    margin = max(map(_cells, rows)) + len(" ")
    headings = [_fit(word, _LONGEST_COLUMN_HEADING) for word in heatmap.source]
    widths = [max(_WIDE_CELL, _cells(heading) + 1) for heading in headings]
    is_mirrored = heatmap.source_direction == "rtl"
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
        columns = block[::-1] if is_mirrored else block
        left = 0 if is_mirrored else margin
        text = Text(no_wrap=True, end="")
        text.append(head([headings[c] for c in columns], [widths[c] for c in columns], left))
        for row, name in enumerate(rows):
            text.append("\n")
            if not is_mirrored:
                text.append(" " * (margin - 1 - _cells(name)) + isolate(name) + " ")
            for column in columns:
                weight = float(heatmap.weights[row, column])
                _append_cell(text, weight, widths[column], scale)
            if is_mirrored:
                text.append(" " + isolate(name))
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
        " " * (width - 1 - _cells(heading)) + isolate(heading) + " "
        for heading, width in zip(headings, widths, strict=True)
    )
    return (" " * margin + "".join(cells)).rstrip()


def _head_downwards(headings: Sequence[str], widths: Sequence[int], margin: int) -> str:
    """Returns vertical headings, one letter per line, aligned at the table below."""
    letters = [_letters(heading) for heading in headings]
    height = max(map(len, letters))
    lines = []
    for line in range(height):
        row = [each[line - height] if height - line <= len(each) else " " for each in letters]
        cells = (
            f" {isolate(letter)}" + " " * (width - 1 - _cells(letter))
            for letter, width in zip(row, widths, strict=True)
        )
        lines.append((" " * margin + "".join(cells)).rstrip())
    return "\n".join(lines)


def _letters(word: str) -> list[str]:
    """Splits a word into letters, each with its combining marks and what is joined to it."""
    letters: list[str] = []
    for character in word:
        if letters and (cell_len(character) == 0 or letters[-1].endswith(_ZERO_WIDTH_JOINER)):
            letters[-1] += character
        else:
            letters.append(character)
    return letters


def _fit(word: str, cells: int) -> str:
    """Shortens a word to a number of cells."""
    characters = cells
    while _cells(word) > cells:
        word = shortened(word, characters)
        characters -= 1
    return word


def _cells(word: str) -> int:
    """Returns the width of a word in a terminal."""
    return cell_len(_JOINER_OF_LETTERS.sub("", word))
