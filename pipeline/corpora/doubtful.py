"""Ranks the pairs of a corpus by the scores of trained models: the most doubtful first."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.corpora.spans import NumberedPair
from serving.contract.translation import ScoredTranslation


@dataclass(frozen=True, order=True)
class DoubtfulPair:
    """A pair with its doubt; a greater doubt is greater."""

    doubt: float
    """The cross-entropy, or `dual_cross_entropy` if two models scored the pair."""
    pair: NumberedPair = field(compare=False)
    scored: ScoredTranslation = field(compare=False)
    """The target, with its attention to the source."""


def cross_entropy(scored: ScoredTranslation) -> float:
    """Returns the mean negative log-probability of a translation, in nats a subword."""
    return -float(scored.token_log_probability.mean())


def dual_cross_entropy(forward: float, backward: float) -> float:
    """Returns the dual conditional cross-entropy: high if a model doubts, or if two disagree.

    From Junczys-Dowmunt (2018), equation 2, which is per word; here it is per subword.

    Args:
        forward: cross-entropy of the target given the source, in nats a subword.
        backward: cross-entropy of the source given the target.
    """
    return abs(forward - backward) + (forward + backward) / 2


def most_doubtful(pairs: Iterable[DoubtfulPair], count: int) -> list[DoubtfulPair]:
    """Returns the pairs with the greatest doubt, in falling order.

    Args:
        pairs: any number; only `count` of them are kept in memory.
        count: largest number of pairs to return.
    """
    return heapq.nlargest(count, pairs)
