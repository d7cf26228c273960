"""Scores of one or two systems over all sentences and by slice, as the Evaluator computes them.

The rows of sentences are those of `trainer.translation_statistics`, the comparison is
`components.gate.family_of_tests`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from components.gate.family_of_tests import Family, compare_family, slice_members
from components.gate.paired_bootstrap import PairedComparison
from components.gate.settings import GateSettings
from components.gate.verdict import OVERALL, Difference, Outcome
from pipeline.evaluation.evaluation_set import EvaluationSet
from trainer.scoring import Judge
from trainer.translation_statistics import (
    ResampledStatistics,
    judge_of,
    resampled_statistics,
    signature,
)

METRICS = ("bleu", "chrf", "chrf++", "ter")
_LOWER_IS_BETTER = {"ter"}

_Rows = NDArray[np.int64]


@dataclass(frozen=True)
class SliceScore:
    """One metric of both systems in a slice.

    Attributes:
        slice: `overall`, or `feature=value`.
        sentences: Number of sentences in it.
        metric: One of `METRICS`.
        system: Score of the system.
        against: Score of the other one; None if there is none.
        comparison: The paired bootstrap, in points of the metric; None without another system, or
            if the slice is too small to count. Its p-values ask which system is better, also for
            TER, where less is better.
    """

    slice: str
    sentences: int
    metric: str
    system: float
    against: float | None = None
    comparison: PairedComparison | None = None

    @property
    def difference(self) -> float | None:
        """The system's score minus the other one's; None without another system."""
        return None if self.against is None else self.system - self.against

    @property
    def outcome(self) -> Outcome | None:
        """The gate's word for the difference; None if it was not tested."""
        if self.comparison is None:
            return None
        better = _turned(self.comparison) if self.metric in _LOWER_IS_BETTER else self.comparison
        return Difference(points=better.difference, low=better.low, high=better.high).outcome

    @property
    def p_value(self) -> float | None:
        """Koehn's p-value: share of resampled sets on which the better system is not better.

        None if the difference was not tested.
        """
        if self.comparison is None:
            return None
        return min(self.comparison.p_value, self.comparison.gain_p_value)


@dataclass(frozen=True)
class Evaluation:
    """The scores of one or two systems.

    Attributes:
        scores: Every metric over all sentences, then in each slice in order of its name.
        signatures: sacreBLEU's signature of each metric.
        judge: The metric that would judge in the gate.
        adjusted_p_value: The gate's p-value of a drop of that metric, over all and all slices
            together; None without another system.
    """

    scores: Sequence[SliceScore]
    signatures: dict[str, str]
    judge: Judge
    adjusted_p_value: float | None


def evaluate(
    texts: EvaluationSet,
    system: Sequence[str],
    against: Sequence[str] | None,
    settings: GateSettings,
) -> Evaluation:
    """Scores the translations of one system, or of two side by side.

    Args:
        texts: The sentences, at least one.
        system: `[sentences]` translations of the system.
        against: `[sentences]` translations of another system; None if there is none.
        settings: The tokeniser of BLEU, and the settings of the paired bootstrap.

    Raises:
        MissingTokeniserError: The tokeniser cannot be loaded.
    """
    judge = judge_of(settings.scoring, [first for first, *_ in texts.references])
    members = {OVERALL: list(range(len(system))), **slice_members(texts.slices)}
    scores: dict[tuple[str, str], SliceScore] = {}
    adjusted = None
    for metric in METRICS:
        statistics = resampled_statistics(metric, settings.tokeniser)
        rows = _rows(statistics, system, texts)
        others = None if against is None else _rows(statistics, against, texts)
        compared: dict[str, PairedComparison] = {}
        if others is not None:
            family = _compare(metric, statistics, rows, others, texts, settings)
            compared = {OVERALL: family.whole, **family.slices}
            adjusted = family.smallest_adjusted_p_value if metric == judge.metric else adjusted
        for name, places in members.items():
            scores[name, metric] = SliceScore(
                slice=name,
                sentences=len(places),
                metric=metric,
                system=statistics.score(rows[places].sum(axis=0)),
                against=None if others is None else statistics.score(others[places].sum(axis=0)),
                comparison=compared.get(name),
            )
    signature_of = partial(
        signature, tokeniser=settings.tokeniser, references=len(texts.references[0])
    )
    return Evaluation(
        scores=[scores[name, metric] for name in members for metric in METRICS],
        signatures={metric: signature_of(metric) for metric in METRICS},
        judge=judge,
        adjusted_p_value=adjusted,
    )


def _rows(
    statistics: ResampledStatistics, hypotheses: Sequence[str], texts: EvaluationSet
) -> _Rows:
    """Returns the statistics of each sentence, `[sentences, width]`."""
    pairs = zip(hypotheses, texts.references, strict=True)
    return np.array([statistics.row(text, *references) for text, references in pairs], np.int64)


def _compare(
    metric: str,
    statistics: ResampledStatistics,
    system: _Rows,
    against: _Rows,
    texts: EvaluationSet,
    settings: GateSettings,
) -> Family:
    """Compares two systems over all and by slice; differences are in points of the metric."""
    is_turned = metric in _LOWER_IS_BETTER

    def scores(totals: NDArray[np.float64]) -> NDArray[np.float64]:
        return -statistics.scores(totals) if is_turned else statistics.scores(totals)

    family = compare_family(
        system,
        against,
        texts.slices,
        scores,
        resamples=settings.bootstrap_resamples,
        seed=settings.seed,
        minimum_sentences=settings.min_slice_sentences,
    )
    if not is_turned:
        return family
    slices = {name: _turned(comparison) for name, comparison in family.slices.items()}
    return replace(family, whole=_turned(family.whole), slices=slices)


def _turned(comparison: PairedComparison) -> PairedComparison:
    """Changes the sign of a difference; the p-values stay."""
    return replace(
        comparison,
        difference=-comparison.difference,
        low=-comparison.high,
        high=-comparison.low,
    )
