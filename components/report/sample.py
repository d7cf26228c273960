"""A fair sample of the test split that does not depend on the order of the examples.

Beam writes a split in as many files as it likes, in any order. Pairs are therefore ranked by a hash
of their own text and the seed, and the first of them are the sample.
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
    """Some pairs of a split, each kept as often as it occurs there."""

    pairs: Sequence[TextPair]
    total: int
    """Pairs of the split."""
    seed: int

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole split."""
        return len(self.pairs) == self.total


def draw_sample(pairs: Iterable[TextPair], most: int, seed: int) -> Sample:
    """Draws a sample in little memory.

    Args:
      pairs: the split, in any order; read once.
      most: pairs of the sample, at most.
      seed: another one, another sample.
    """
    total = 0

    def ranked() -> Iterable[tuple[bytes, int, TextPair]]:
        nonlocal total
        for pair in pairs:
            total += 1
            # The number keeps equal pairs apart.
            yield _rank(pair, seed), total, pair

    chosen = heapq.nsmallest(most, ranked())
    return Sample([pair for _, _, pair in chosen], total, seed)


def _rank(pair: TextPair, seed: int) -> bytes:
    source, reference = (side.encode("utf-8", "surrogateescape") for side in pair)
    return hashlib.sha256(b"%d\0%d\0%b%b" % (seed, len(source), source, reference)).digest()
