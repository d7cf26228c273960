"""Trials of the gate: a test set, two models' translations of it, and the gate's decision.

Each trial draws its test set with replacement from a split, and only then makes the pair of models.
A pair made on the whole split would differ there by chance, and every test set drawn from the split
would rightly show the same difference.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.task import ParallelText
from components.gate.family_of_tests import compare_family
from components.gate.settings import GateSettings
from trainer.translation_statistics import resampled_statistics

Kind = Literal["equal", "worse", "damaged", "shown"]
EQUAL: Kind = "equal"
WORSE: Kind = "worse"
DAMAGED: Kind = "damaged"
SHOWN: Kind = "shown"
_Z = 1.96

Rows = NDArray[np.int64]
Places = NDArray[np.int64]
"""The sentences of a test set: positions in the split, with repetitions."""
Pair = tuple[Rows, Rows]
"""Statistics of the candidate's and the baseline's translations, [sentences, width] each."""


@dataclass(frozen=True)
class Judgement:
    """The gate's decision on one pair, with and without its correction for several tests."""

    is_blocked: bool
    is_blocked_uncorrected: bool
    """With each test at the whole significance, and `max_bleu_drop` applied to each slice too."""
    difference: float


@dataclass(frozen=True)
class Experiment:
    """Pairs of one kind."""

    name: str
    kind: Kind
    """Few `equal` pairs may be blocked, and many `worse` pairs must be. There is no bound for
    `damaged` pairs, with a little noise, and `shown` pairs, with smaller test sets."""
    sentences: int
    """Size of each test set."""
    make_pair: Callable[[Places, np.random.Generator], Pair]
    """Makes the pair on the drawn sentences."""


@dataclass(frozen=True)
class Rate:
    """The results of one experiment's trials."""

    experiment: Experiment
    judgements: tuple[Judgement, ...]

    @property
    def blocked(self) -> float:
        """Share of trials with a blocked candidate, 0 to 1."""
        return float(np.mean([each.is_blocked for each in self.judgements]))

    @property
    def blocked_uncorrected(self) -> float:
        """The same share without the correction."""
        return float(np.mean([each.is_blocked_uncorrected for each in self.judgements]))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the share (Wilson, 1927)."""
        return wilson_interval(self.blocked, len(self.judgements))

    @property
    def difference(self) -> float:
        """Mean difference of BLEU, candidate minus baseline."""
        return float(np.mean([each.difference for each in self.judgements]))


@dataclass(frozen=True)
class Material:
    """The data of all trials."""

    text: ParallelText
    buckets: list[str]
    settings: GateSettings

    def rows(self, translations: Sequence[str]) -> Rows:
        """Returns the statistics of translations of the whole split."""
        statistics = resampled_statistics("bleu", self.settings.tokeniser)
        pairs = zip(translations, self.text.targets, strict=True)
        return np.array([statistics.row(*pair) for pair in pairs], np.int64)


def run_trials(experiment: Experiment, material: Material, trials: int, seed: int) -> Rate:
    """Judges pairs, each on a newly drawn test set."""
    judgements = []
    for trial in range(trials):
        generator = np.random.default_rng([seed, trial, experiment.sentences])
        drawn = generator.integers(len(material.buckets), size=experiment.sentences)
        candidate, baseline = experiment.make_pair(drawn, generator)
        buckets = [material.buckets[place] for place in drawn]
        judgements.append(judge(candidate, baseline, buckets, material.settings))
    return Rate(experiment, tuple(judgements))


def judge(
    candidate: Rows, baseline: Rows, buckets: Sequence[str], settings: GateSettings
) -> Judgement:
    """Applies the bounds of the gate, except the floor, to a pair."""
    family = compare_family(
        candidate,
        baseline,
        [(bucket,) for bucket in buckets],
        resampled_statistics("bleu", settings.tokeniser).scores,
        resamples=settings.bootstrap_resamples,
        seed=settings.seed,
        minimum_sentences=settings.min_slice_sentences,
    )
    drop = -family.whole.difference
    is_too_low = drop > settings.max_bleu_drop
    return Judgement(
        is_blocked=is_too_low or family.smallest_adjusted_p_value < settings.significance,
        is_blocked_uncorrected=any(
            -each.difference > settings.max_bleu_drop or each.p_value < settings.significance
            for each in (family.whole, *family.slices.values())
        ),
        difference=family.whole.difference,
    )


def exchange(first: Rows, second: Rows, generator: np.random.Generator) -> Pair:
    """Makes two equally good models: swaps each sentence's translations with probability 1/2."""
    is_exchanged = generator.random(len(first)) < 0.5
    return (
        np.where(is_exchanged[:, np.newaxis], second, first),
        np.where(is_exchanged[:, np.newaxis], first, second),
    )


def wilson_interval(share: float, trials: int) -> tuple[float, float]:
    """Computes the 95 % confidence interval of a share (Wilson, 1927)."""
    centre = share + _Z**2 / (2 * trials)
    half = _Z * math.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2))
    scale = 1 + _Z**2 / trials
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
