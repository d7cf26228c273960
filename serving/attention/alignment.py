"""Which word of the source each word of a translation comes from, read from the attention.

Links are written as fast_align and Moses write them, `0-0 1-2 2-1`: the source word's number and
the target word's, from 0, the words being what white space divides.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from serving.attention.words import GivenWords

Link = tuple[int, int]
"""(source word, target word), from 0."""

SMALLEST_SOFT_WEIGHT = 0.01
"""Softer links are left out: with two decimals, as the tables have, they would be 0.00."""


def align_words(words: GivenWords, *, mutual: bool = False) -> list[Link]:
    """Aligns each target word with the source word that it looked at most, or with none.

    The rules: the source word of the largest weight, the first among equals. No link if the end
    symbol has more weight than that word: to look there is to look at no word. No link if no word
    has any weight, which is so for words beyond the point where a text was cut.

    Args:
      words: a translation's attention, by words.
      mutual: whether each weight is first multiplied by the target word's share of all weight that
        its column gets. A source word that many target words look at a little then loses to one
        that is looked at by this word above all. (Both directions of a soft alignment must agree:
        Liang, Taskar and Klein, 2006.)

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
    """Lists (source word, target word, weight) of all weights from `SMALLEST_SOFT_WEIGHT` on, in
    the order of the target words."""
    targets, sources = np.nonzero(words.attention >= SMALLEST_SOFT_WEIGHT)
    return [
        (int(source), int(target), float(words.attention[target, source]))
        for target, source in zip(targets, sources, strict=True)
    ]


def as_pharaoh(links: Iterable[Link]) -> str:
    """Writes links as `0-0 1-2`."""
    return " ".join(f"{source}-{target}" for source, target in links)


def as_soft_pharaoh(links: Sequence[tuple[int, int, float]]) -> str:
    """Writes links with their weights, `0-0:0.93 1-2:0.61`."""
    return " ".join(f"{source}-{target}:{weight:.2f}" for source, target, weight in links)
