"""Paired bootstrap resampling: tests whether one translation model is worse than another.

Philipp Koehn, "Statistical Significance Tests for Machine Translation Evaluation", EMNLP 2004,
section 4: draw test sets of the same size with replacement, score both models on each, and count
how often one is ahead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Numbers in a block of resampling weights. It bounds the memory for any size of test set.
_BLOCK = 4_000_000


@dataclass(frozen=True)
class PairedComparison:
    """A comparison of a candidate with a baseline on the same sentences.

    Attributes:
      sentences: Size of the test set.
      difference: Candidate minus baseline, in points of the score.
      p_value: Share of resampled test sets on which the candidate is not worse. A small value
        means significantly worse.
      gain_p_value: Share on which it is not better. A small value means significantly better.
      low, high: 95 % percentile interval of the difference over the resampled test sets.
    """

    sentences: int
    difference: float
    p_value: float
    gain_p_value: float
    low: float
    high: float


def paired_bootstrap(
    candidate: NDArray[np.integer],
    baseline: NDArray[np.integer],
    scores: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    resamples: int = 1000,
    seed: int = 1,
) -> PairedComparison:
    """Compares two models by resampling the sentences scored for both.

    The p-value is (1 + number of resamples with score(candidate) >= score(baseline)) / (1 +
    resamples). This is Koehn's count for "the baseline is better", plus one for the original test
    set, which keeps it above 0 (Davison and Hinkley, "Bootstrap Methods and their Application",
    1997, section 4.2). Equal models have p = 1 both ways. The rows are sorted first, so the order
    of the sentences does not change the result.

    Args:
      candidate: `[sentences, width]` sufficient statistics of the candidate's translations.
      baseline: `[sentences, width]` those of the baseline's translations, for the same sentences.
      scores: Function from `[n, width]` sums of rows to `[n]` scores.
      resamples: Number of test sets to draw.
      seed: Seed of the resampling.

    Raises:
      ValueError: The shapes differ, or there is no sentence.
    """
    if candidate.shape != baseline.shape or candidate.ndim != 2 or not len(candidate):
        raise ValueError(
            "A paired comparison needs the same sentences, at least one, of both models; "
            f"got statistics of shape {candidate.shape} and {baseline.shape}."
        )
    sentences, width = candidate.shape
    rows = np.hstack([candidate, baseline]).astype(np.float64)
    rows = rows[np.lexsort(rows.T[::-1])]

    def difference(totals: NDArray[np.float64]) -> NDArray[np.float64]:
        return scores(totals[:, :width]) - scores(totals[:, width:])

    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK // sentences)
    differences = np.concatenate(
        [
            difference(_draw(generator, min(block, resamples - start), sentences) @ rows)
            for start in range(0, resamples, block)
        ]
    )
    low, high = np.quantile(differences, [0.025, 0.975])
    return PairedComparison(
        sentences=sentences,
        difference=float(difference(rows.sum(axis=0, keepdims=True))[0]),
        p_value=float((1 + np.count_nonzero(differences >= 0)) / (1 + resamples)),
        gain_p_value=float((1 + np.count_nonzero(differences <= 0)) / (1 + resamples)),
        low=float(low),
        high=float(high),
    )


def _draw(generator: np.random.Generator, resamples: int, sentences: int) -> NDArray[np.float64]:
    """Draws how often each sentence occurs, `[resamples, sentences]`; rows sum to `sentences`."""
    weights = np.empty((resamples, sentences))
    for row in weights:
        row[:] = np.bincount(generator.integers(sentences, size=sentences), minlength=sentences)
    return weights
