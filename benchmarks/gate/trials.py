"""Trials of the gate: a test set, two models' translations of it, and what the gate says.

Each trial draws its test set with replacement from a split, and only then makes the pair. A pair
that was made on the whole split would differ there by chance, and each test set drawn from it would
rightly show that difference again.
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
from components.gate.translation_statistics import resampled_statistics

Kind = Literal["equal", "worse", "damaged", "shown"]
EQUAL: Kind = "equal"
WORSE: Kind = "worse"
DAMAGED: Kind = "damaged"
SHOWN: Kind = "shown"
_Z = 1.96

Rows = NDArray[np.int64]
Places = NDArray[np.int64]
"""The sentences of a test set: places in the split, some of them several times."""
Pair = tuple[Rows, Rows]
"""Statistics of the candidate's and of the baseline's translations, [sentences, width] each."""


@dataclass(frozen=True)
class Judgement:
    """What the gate says of one pair, and what it would say without its correction."""

    is_blocked: bool
    is_blocked_uncorrected: bool
    """Each test at the whole significance, and each slice held against `max_bleu_drop` too."""
    difference: float


@dataclass(frozen=True)
class Experiment:
    """Pairs of one kind."""

    name: str
    kind: Kind
    """Of `equal` ones few may be blocked, of `worse` ones many must; nothing is demanded of those
    that are `damaged` a little, and `shown` for their smaller test sets."""
    sentences: int
    """Of each test set."""
    make_pair: Callable[[Places, np.random.Generator], Pair]
    """On the sentences that were drawn."""


@dataclass(frozen=True)
class Rate:
    """How often pairs of one kind were blocked."""

    experiment: Experiment
    judgements: tuple[Judgement, ...]

    @property
    def blocked(self) -> float:
        """Share of the trials, 0 to 1."""
        return float(np.mean([each.is_blocked for each in self.judgements]))

    @property
    def blocked_uncorrected(self) -> float:
        """The same without the correction."""
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
    """What trials are made of."""

    text: ParallelText
    buckets: list[str]
    settings: GateSettings

    def rows(self, translations: Sequence[str]) -> Rows:
        """The statistics of translations of the whole split."""
        statistics = resampled_statistics("bleu")
        pairs = zip(translations, self.text.targets, strict=True)
        return np.array([statistics.row(*pair) for pair in pairs], np.int64)


def run_trials(experiment: Experiment, material: Material, trials: int, seed: int) -> Rate:
    """Judges pairs, each on a test set of its own."""
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
    """Holds a pair against the bounds of the gate, except for the floor."""
    family = compare_family(
        candidate,
        baseline,
        [(bucket,) for bucket in buckets],
        resampled_statistics("bleu").scores,
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
    """Makes two equally good models: each sentence's translations change sides by a coin."""
    is_exchanged = generator.random(len(first)) < 0.5
    return (
        np.where(is_exchanged[:, np.newaxis], second, first),
        np.where(is_exchanged[:, np.newaxis], first, second),
    )


def wilson_interval(share: float, trials: int) -> tuple[float, float]:
    """95 % confidence interval of a share (Wilson, 1927)."""
    centre = share + _Z**2 / (2 * trials)
    half = _Z * math.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2))
    scale = 1 + _Z**2 / trials
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
