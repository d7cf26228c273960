"""Word alignments between a source and its translation, read from the attention weights.

Links have the format of fast_align and Moses, `0-0 1-2 2-1`: the numbers of the source word and of
the target word, from 0. Words are those of `text.words.split_text`.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from serving.attention.words import GivenWords

Link = tuple[int, int]
"""(source word, target word), from 0."""

SMALLEST_SOFT_WEIGHT = 0.01
"""Links with a smaller weight are left out: with two decimals, as in the tables, they are 0.00."""


def align_words(words: GivenWords, *, mutual: bool = False) -> list[Link]:
    """Aligns each target word with the source word of the largest weight, or with none.

    Among equal weights, the first source word counts. A target word has no link if the end symbol
    has more weight than each source word: it then attends to no word. It also has no link if all
    its weights are 0, as for words after the point where a text was cut.

    Args:
      words: the attention of a translation, by words.
      mutual: whether to multiply each weight by the target word's share of its column. This
        prefers a source word attended to mainly by this target word over one with a little
        attention from many. (Both directions of a soft alignment must agree: Liang, Taskar and
        Klein, 2006.)

    Returns:
      At most one link for each target word, in the order of the target words.
    """
    weights = np.column_stack([words.on_end, words.attention])
    if mutual:
        totals = weights.sum(axis=0)
        weights = weights * np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0)
    if weights.shape[1] == 1:
        return []
    on_end, on_words = weights[:, 0], weights[:, 1:]
    best = on_words.argmax(axis=1)
    largest = on_words.max(axis=1)
    return [
        (int(best[target]), int(target))
        for target in np.flatnonzero((largest > 0) & (largest >= on_end))
    ]


def soft_links(words: GivenWords) -> list[tuple[int, int, float]]:
    """Returns (source word, target word, weight) for all weights from `SMALLEST_SOFT_WEIGHT` on.

    They are in the order of the target words.
    """
    targets, sources = np.nonzero(words.attention >= SMALLEST_SOFT_WEIGHT)
    return [
        (int(source), int(target), float(words.attention[target, source]))
        for target, source in zip(targets, sources, strict=True)
    ]


def as_pharaoh(links: Iterable[Link]) -> str:
    """Formats links as `0-0 1-2`."""
    return " ".join(f"{source}-{target}" for source, target in links)


def as_soft_pharaoh(links: Sequence[tuple[int, int, float]]) -> str:
    """Formats links with their weights, `0-0:0.93 1-2:0.61`."""
    return " ".join(f"{source}-{target}:{weight:.2f}" for source, target, weight in links)
