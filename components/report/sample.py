"""Draws a random sample of the test split, independent of the order of the examples.

Beam writes a split to any number of files, in any order. So pairs are ranked by a hash of their
text and the seed, and the first of them are the sample.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TextPair = tuple[str, str]
"""(source, reference)."""


@dataclass(frozen=True)
class Sample:
    """A sample of the pairs of a split; all copies of a repeated pair are kept."""

    pairs: Sequence[TextPair]
    total: int
    """Number of pairs in the split."""
    seed: int

    @property
    def is_whole(self) -> bool:
        """Whether the sample is the whole split."""
        return len(self.pairs) == self.total


def draw_sample(pairs: Iterable[TextPair], most: int, seed: int) -> Sample:
    """Draws a sample; memory grows with the sample, not with the split.

    Args:
      pairs: the split, in any order; read once.
      most: largest number of pairs in the sample.
      seed: seed of the sample.
    """
    total = 0

    def ranked() -> Iterable[tuple[bytes, int, TextPair]]:
        nonlocal total
        for pair in pairs:
            total += 1
            # The number distinguishes equal pairs.
            yield _rank(pair, seed), total, pair

    chosen = heapq.nsmallest(most, ranked())
    return Sample([pair for _, _, pair in chosen], total, seed)


def _rank(pair: TextPair, seed: int) -> bytes:
    source, reference = (side.encode("utf-8", "surrogateescape") for side in pair)
    return hashlib.sha256(b"%d\0%d\0%b%b" % (seed, len(source), source, reference)).digest()
