"""The content of a heatmap: words or subwords on both sides, and the weights between them."""

from dataclasses import dataclass

import numpy as np

from serving.attention.words import attention_of_words
from serving.contract.signatures import END_SYMBOL
from serving.contract.translation import Translation
from serving.heatmap.labels import printable
from text.direction import Direction, direction_of

END_LABEL = "(end)"
"""The heading of the column for the source's end symbol."""
MOST_CELLS = 40_000
"""A larger heatmap is not drawn. 200 words on both sides take 2 s as a picture."""


@dataclass(frozen=True, eq=False)
class Heatmap:
    """The rows, the columns and the weights of a heatmap, ready to be drawn."""

    source: tuple[str, ...]
    """Headings of the columns, printable."""
    target: tuple[str, ...]
    """Headings of the rows, printable."""
    weights: np.ndarray
    """float32 [target, source], each from 0 to 1; rows sum to 1."""
    has_end: bool
    """Whether the last column is the end symbol."""
    source_direction: Direction = "ltr"
    """A source from right to left turns the heatmap round: the first column is the rightmost, and
    the headings of the rows stand beside it, on the right."""
    target_direction: Direction = "ltr"


def make_heatmap(source: str, translation: Translation, *, tokens: bool = False) -> Heatmap:
    """Returns the heatmap of a translation.

    Args:
      source: the source text, exactly as given.
      translation: its translation.
      tokens: whether rows and columns are subwords, including the end symbols. Otherwise they are
        words. A last column then holds the weights of the end symbol, so each row is complete.

    Returns:
      The heatmap; without rows for an empty translation.
    """
    if tokens:
        columns, rows = translation.source_tokens, translation.target_tokens
        weights = translation.attention
    else:
        words = attention_of_words(source, translation)
        columns, rows = (*words.source_words, END_LABEL), words.target_words
        weights = np.column_stack([words.attention, words.on_end])
    # Rounding may make a sum slightly larger than 1; the weights of a damaged model may be NaN.
    return Heatmap(
        source=tuple(map(printable, columns)),
        target=tuple(map(printable, rows)),
        weights=np.clip(np.nan_to_num(weights), 0, 1),
        has_end=bool(columns) and columns[-1] in (END_LABEL, END_SYMBOL),
        source_direction=direction_of(source),
        target_direction=direction_of(translation.text),
    )
