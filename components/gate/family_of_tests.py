"""Is a model worse over all, or in any slice? Several tests with one rate of error.

A gate that asks five times at p < 0.05 blocks up to a quarter of all models that are as good as the
live one. So the significance is shared out: the tests of one verdict together block an equal model
with at most its probability, however they depend on each other (Bonferroni's inequality; in shares
of different size, Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
Journal of Statistics 6, 1979, section 4). Half of it is for the whole test set, which has most to
say: with 0.05 the 95 % confidence interval of the difference then lies below 0 where this test
fails. The other half is for the slices that count, in equal parts: a drop in one of four slices
must be seen at p < 0.00625. (Holm's later steps would only name more slices of a model that is
blocked already.)

In a slice the size of a drop says little by itself: between equal models, BLEU of 400 sentences
differs by more than 1 point one time in four (a standard error of 0.87 between two trainings on
Multi30k). So there only a drop beyond noise counts.
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
    """A candidate against a baseline, over all and slice by slice.

    Attributes:
      whole: The comparison on all sentences.
      slices: Those on the slices that count, by name.
      smallest_adjusted_p_value: Of all of them; below the significance, the model is worse.
    """

    whole: PairedComparison
    slices: dict[str, PairedComparison]
    smallest_adjusted_p_value: float


def share_of_slice(slices: int) -> float:
    """The share of the significance that each slice has, where so many count."""
    return (1 - SHARE_OF_WHOLE) / slices


def adjusted_p_value(p_value: float, share: float, resamples: int) -> float:
    """What is held against the whole significance: below it where the p-value is below its share.

    Args:
      p_value: Of one test.
      share: Of the significance, above 0 to 1.
      resamples: That the p-value was counted on. It cannot be smaller than 1 / (1 + resamples), so
        a model that is worse on each of them has an adjusted one of 0: many slices with few
        resamples may not leave a collapse unseen.
    """
    is_smallest = p_value * (1 + resamples) <= 1
    return 0.0 if is_smallest else min(1.0, p_value / share)


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
    """Compares two models over all, and in each slice with enough sentences.

    Args:
      candidate: `[sentences, width]` sufficient statistics of the candidate's translations.
      baseline: `[sentences, width]` those of the baseline's.
      slices: `[sentences]` names of the slices that each sentence belongs to.
      scores: `[n, width]` sums of rows to `[n]` scores.
      resamples: Number of test sets to draw, for each comparison.
      seed: Of each drawing.
      minimum_sentences: A smaller slice does not count.
    """
    members: defaultdict[str, list[int]] = defaultdict(list)
    for sentence, names in enumerate(slices):
        for name in names:
            members[name].append(sentence)
    whole = paired_bootstrap(candidate, baseline, scores, resamples, seed)
    compared = {
        # Within a slice, where this is computed too, the slice is the whole.
        name: whole
        if len(rows) == len(candidate)
        else paired_bootstrap(candidate[rows], baseline[rows], scores, resamples, seed)
        for name, rows in sorted(members.items())
        if len(rows) >= minimum_sentences
    }
    adjusted = [adjusted_p_value(whole.p_value, SHARE_OF_WHOLE, resamples)]
    adjusted += [
        adjusted_p_value(comparison.p_value, share_of_slice(len(compared)), resamples)
        for comparison in compared.values()
    ]
    return Family(whole, compared, min(adjusted))
