"""TFMA metrics over sentence statistics: corpus scores and their comparison with the live model.

TFMA imports these classes by name from an `EvalConfig` (see `gate`). TFMA's own BLEU cannot be used
for the gate, since it returns an object instead of a number. The combiners hold names and numbers
only, because Beam pickles them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2

from components.gate.family_of_tests import Family, compare_family
from components.gate.metric_inputs import Texts, slices_of
from components.gate.verdict import ADJUSTED_P_VALUE, DROP, GAIN_P_VALUE, HIGH, LOW, P_VALUE
from trainer.scoring import Metric, Tokeniser
from trainer.translation_statistics import resampled_statistics, sentence_statistics

MetricsDict = dict[metric_types.MetricKey, object]
_Sentences: TypeAlias = "tuple[array[int], list[tuple[str, ...]]]"


class CorpusScore(tfma.metrics.Metric):
    """A corpus score of each model, such as BLEU.

    Args:
      name: Name of the metric.
      score: A score of `translation_statistics`: `bleu`, `chrf`, `ter` or `length_ratio`.
      tokeniser: That of BLEU.
    """

    def __init__(
        self, name: str = "bleu", score: str = "bleu", tokeniser: Tokeniser = "13a"
    ) -> None:
        super().__init__(
            metric_util.merge_per_key_computations(_corpus_score),
            name=name,
            score=score,
            tokeniser=tokeniser,
        )


class PairedScore(tfma.metrics.Metric):
    """A number from the paired comparison of the candidate with the baseline model.

    `drop` is the baseline's score minus the candidate's (positive: the candidate is worse).
    `drop_p_value`, `gain_p_value`, `difference_low` and `difference_high` are from
    `paired_bootstrap` (candidate minus baseline). `drop_adjusted_p_value` is the smallest of the
    `family_of_tests`; over all sentences it decides for all slices together.

    Only the candidate has these numbers. Without a baseline they take a value with which a model
    passes: 1 for `drop_p_value` and `drop_adjusted_p_value`, 0 for the others.

    Args:
      name: Name of the metric.
      quantity: One of these numbers.
      score: `bleu` or `chrf`.
      tokeniser: That of BLEU.
      resamples: Number of resampled test sets.
      seed: Seed of the resampling.
      minimum_sentences: A smaller slice does not count.
      slice_features: Each value of one of these features is a slice.

    Raises:
      ValueError: The quantity is unknown.
    """

    def __init__(
        self,
        name: str,
        quantity: str,
        score: Metric = "bleu",
        tokeniser: Tokeniser = "13a",
        resamples: int = 1000,
        seed: int = 1,
        minimum_sentences: int = 1,
        slice_features: Sequence[str] = (),
    ) -> None:
        if quantity not in _QUANTITIES:
            raise ValueError(
                f"There is no quantity {quantity!r}; there are {', '.join(_QUANTITIES)}."
            )
        super().__init__(
            _paired_score,
            name=name,
            quantity=quantity,
            settings=_Settings(
                score, tokeniser, resamples, seed, minimum_sentences, tuple(slice_features)
            ),
        )


@dataclass(frozen=True)
class _Settings:
    """Settings of the comparison of two models."""

    score: Metric
    tokeniser: Tokeniser
    resamples: int
    seed: int
    minimum_sentences: int
    slice_features: tuple[str, ...]


@dataclass(frozen=True)
class _Quantity:
    value: Callable[[Family], float]
    without_baseline: float


_QUANTITIES = {
    DROP: _Quantity(lambda family: -family.whole.difference, 0.0),
    P_VALUE: _Quantity(lambda family: family.whole.p_value, 1.0),
    GAIN_P_VALUE: _Quantity(lambda family: family.whole.gain_p_value, 0.0),
    LOW: _Quantity(lambda family: family.whole.low, 0.0),
    HIGH: _Quantity(lambda family: family.whole.high, 0.0),
    ADJUSTED_P_VALUE: _Quantity(lambda family: family.smallest_adjusted_p_value, 1.0),
}


def _corpus_score(
    name: str,
    score: str,
    tokeniser: Tokeniser,
    eval_config: config_pb2.EvalConfig,
    model_name: str = "",
    output_name: str = "",
) -> metric_types.MetricComputations:
    key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name)
    texts = Texts(eval_config, model_name, output_name)
    return [
        metric_types.MetricComputation(
            keys=[key],
            preprocessors=None,
            combiner=_CorpusScoreCombiner(key, score, tokeniser, texts),
        )
    ]


def _paired_score(
    name: str,
    quantity: str,
    settings: _Settings,
    eval_config: config_pb2.EvalConfig,
    model_names: list[str] | None = None,
    output_names: list[str] | None = None,
) -> metric_types.MetricComputations:
    models = model_names or [""]
    baselines = {spec.name for spec in eval_config.model_specs if spec.is_baseline}
    baselines &= set(models)
    # TFMA drops metrics with a leading underscore. It computes a metric once if several others
    # need it under the same name.
    numbers = (settings.resamples, settings.seed, settings.minimum_sentences)
    shared_name = "_".join(
        [
            "_paired",
            settings.score,
            settings.tokeniser,
            *map(str, numbers),
            *settings.slice_features,
        ]
    )
    computations: metric_types.MetricComputations = []
    for output_name in output_names or [""]:
        for model_name in models:
            if model_name in baselines:
                continue
            key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name)
            family_key = key._replace(name=shared_name)
            for baseline in baselines:
                combiner = _PairedComparisonCombiner(
                    family_key,
                    settings,
                    candidate=Texts(eval_config, model_name, output_name),
                    baseline=Texts(eval_config, baseline, output_name),
                )
                features = metric_types.FeaturePreprocessor(feature_keys=settings.slice_features)
                preprocessors = [features] if settings.slice_features else None
                computations.append(
                    metric_types.MetricComputation([family_key], preprocessors, combiner)
                )
            computations.append(
                metric_types.DerivedMetricComputation(
                    keys=[key], result=_ReadQuantity(key, family_key, quantity)
                )
            )
    return computations


class _CorpusScoreCombiner(beam.CombineFn):
    """Sums the rows of one model; the accumulator is `[width]` int64."""

    def __init__(
        self, key: metric_types.MetricKey, score: str, tokeniser: Tokeniser, texts: Texts
    ) -> None:
        self._key = key
        self._kind = (score, tokeniser)
        self._texts = texts

    def create_accumulator(self) -> NDArray[np.int64]:
        return np.zeros(sentence_statistics(*self._kind).width, np.int64)

    def add_input(
        self, accumulator: NDArray[np.int64], element: metric_types.StandardMetricInputs
    ) -> NDArray[np.int64]:
        row = sentence_statistics(*self._kind).row(*self._texts(element))
        return accumulator + np.asarray(row, np.int64)

    def merge_accumulators(self, accumulators: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
        return sum(accumulators, self.create_accumulator())

    def extract_output(self, accumulator: NDArray[np.int64]) -> MetricsDict:
        return {self._key: sentence_statistics(*self._kind).score(accumulator)}


class _PairedComparisonCombiner(beam.CombineFn):
    """Collects the rows of both models, `2 * width` int32, and the slices of each sentence."""

    def __init__(
        self,
        key: metric_types.MetricKey,
        settings: _Settings,
        candidate: Texts,
        baseline: Texts,
    ) -> None:
        self._key = key
        self._settings = settings
        self._models = (candidate, baseline)

    def create_accumulator(self) -> _Sentences:
        return array("i"), []

    def add_input(
        self, accumulator: _Sentences, element: metric_types.StandardMetricInputs
    ) -> _Sentences:
        rows, slices = accumulator
        statistics = resampled_statistics(self._settings.score, self._settings.tokeniser)
        for texts in self._models:
            rows.extend(statistics.row(*texts(element)))
        slices.append(slices_of(element, self._settings.slice_features))
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[_Sentences]) -> _Sentences:
        rows, slices = self.create_accumulator()
        for more_rows, more_slices in accumulators:
            rows.extend(more_rows)
            slices.extend(more_slices)
        return rows, slices

    def extract_output(self, accumulator: _Sentences) -> MetricsDict:
        settings = self._settings
        statistics = resampled_statistics(settings.score, settings.tokeniser)
        rows = np.frombuffer(accumulator[0], np.intc).reshape(-1, 2, statistics.width)
        family = compare_family(
            rows[:, 0],
            rows[:, 1],
            accumulator[1],
            statistics.scores,
            resamples=settings.resamples,
            seed=settings.seed,
            minimum_sentences=settings.minimum_sentences,
        )
        return {self._key: family}


@dataclass(frozen=True)
class _ReadQuantity:
    """Reads one number from the comparison in a slice's metrics."""

    key: metric_types.MetricKey
    family_key: metric_types.MetricKey
    quantity: str

    def __call__(self, metrics: MetricsDict) -> MetricsDict:
        quantity = _QUANTITIES[self.quantity]
        family = metrics.get(self.family_key)
        if not isinstance(family, Family):
            return {self.key: quantity.without_baseline}
        return {self.key: quantity.value(family)}
