"""Tests whether a model is worse over all or in any slice, with one error rate for all tests.

Five tests at p < 0.05 would block up to a quarter of all models as good as the live one. So the
tests share the significance level: together they block an equal model with at most this
probability, however they depend on each other (Bonferroni's inequality; with shares of different
size, Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
Statistics 6, 1979, section 4).

Half of the level is for the whole test set, which has the most evidence. At a level of 0.05, the
95 % confidence interval of the difference lies below 0 if this test fails. The slices share the
other half equally: with four slices, a drop in one counts at p < 0.00625. Holm's later steps are
not needed, as they would only name more slices of a model already blocked.

The size of a drop in a slice is no evidence. Between equal models, BLEU of 400 sentences differs
by more than 1 point one time in four (a standard error of 0.87 between two trainings on Multi30k).
So in a slice only a significant drop counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.gate.paired_bootstrap import PairedComparison, paired_bootstrap

SHARE_OF_WHOLE = 0.5


@dataclass(frozen=True)
class Family:
    """Comparisons of a candidate with a baseline, over all and in each slice.

    Attributes:
      whole: The comparison on all sentences.
      slices: The comparisons on the slices large enough to count, by name.
      smallest_adjusted_p_value: The smallest of all of them. If it is below the significance level,
        the model is worse.
    """

    whole: PairedComparison
    slices: dict[str, PairedComparison]
    smallest_adjusted_p_value: float


def share_of_slice(slices: int) -> float:
    """Returns each slice's share of the significance level, for this number of slices."""
    return (1 - SHARE_OF_WHOLE) / slices


def adjusted_p_value(p_value: float, share: float, resamples: int) -> float:
    """Adjusts a p-value for comparison with the whole significance level.

    The result is below the level if the p-value is below its share of the level.

    Args:
      p_value: P-value of one test.
      share: The test's share of the significance level, above 0, at most 1.
      resamples: Number of resamples behind the p-value. A p-value cannot be smaller than
        1 / (1 + resamples), so a model worse on every resample gets an adjusted p-value of 0.
        Otherwise a collapse would pass with many slices and few resamples.
    """
    is_smallest = p_value * (1 + resamples) <= 1
    return 0.0 if is_smallest else min(1.0, p_value / share)


def slice_members(slices: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """Returns the places of each slice's sentences, by the slice's name, in order of the names.

    Args:
      slices: `[sentences]` names of the slices of each sentence.
    """
    members: defaultdict[str, list[int]] = defaultdict(list)
    for sentence, names in enumerate(slices):
        for name in names:
            members[name].append(sentence)
    return dict(sorted(members.items()))


def compare_family(
    candidate: NDArray[np.integer],
    baseline: NDArray[np.integer],
    slices: Sequence[Sequence[str]],
    scores: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    resamples: int,
    seed: int,
    minimum_sentences: int,
) -> Family:
    """Compares two models over all sentences and in each slice with enough of them.

    Args:
      candidate: `[sentences, width]` sufficient statistics of the candidate's translations.
      baseline: `[sentences, width]` sufficient statistics of the baseline's translations.
      slices: `[sentences]` names of the slices of each sentence.
      scores: Function from `[n, width]` sums of rows to `[n]` scores.
      resamples: Number of test sets to draw for each comparison.
      seed: Seed of each comparison.
      minimum_sentences: A smaller slice does not count.
    """
    whole = paired_bootstrap(candidate, baseline, scores, resamples, seed)
    compared = {
        # TFMA computes this within each slice too; there the slice is the whole test set.
        name: whole
        if len(rows) == len(candidate)
        else paired_bootstrap(candidate[rows], baseline[rows], scores, resamples, seed)
        for name, rows in slice_members(slices).items()
        if len(rows) >= minimum_sentences
    }
    adjusted = [adjusted_p_value(whole.p_value, SHARE_OF_WHOLE, resamples)]
    adjusted += [
        adjusted_p_value(comparison.p_value, share_of_slice(len(compared)), resamples)
        for comparison in compared.values()
    ]
    return Family(whole, compared, min(adjusted))
