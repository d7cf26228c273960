"""TFMA metrics over sentence statistics: corpus scores, and a model's scores against those of what
is live.

TFMA imports these classes by name from an `EvalConfig` (see `gate`). TFMA's own BLEU cannot gate:
it answers an object instead of a number. The combiners hold names and numbers only, because Beam
pickles them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2

from components.paired_bootstrap import PairedComparison, paired_bootstrap
from components.translation_statistics import resampled_statistics, sentence_statistics

MetricsDict = dict[metric_types.MetricKey, object]


class CorpusScore(tfma.metrics.Metric):
    """A corpus score of each model, such as BLEU.

    Args:
      name: Of the metric.
      score: Which of `translation_statistics`: `bleu` or `chrf`.
      code_digest: Changes nothing but the configuration that TFX's cache looks at.
    """

    def __init__(self, name: str = "bleu", score: str = "bleu", code_digest: str = "") -> None:
        del code_digest
        super().__init__(
            metric_util.merge_per_key_computations(_corpus_score), name=name, score=score
        )


class PairedScore(tfma.metrics.Metric):
    """A number from the paired comparison of the candidate with the baseline model.

    `drop` is the score of the baseline minus that of the candidate (positive: the candidate is
    worse); `p_value`, `difference_low` and `difference_high` are those of `paired_bootstrap`
    (candidate minus baseline). Only the candidate has it. Where no baseline is known, or where the
    slice has fewer than `minimum_sentences` sentences, it takes the value of two equal models: 0,
    or 1 for the p-value.

    Args:
      name: Of the metric.
      quantity: `drop`, `p_value`, `difference_low` or `difference_high`.
      score: Which of `translation_statistics`: `bleu`.
      resamples: Number of resampled test sets.
      seed: Of the resampling.
      minimum_sentences: Size of the smallest slice that is compared.

    Raises:
      ValueError: There is no such quantity.
    """

    def __init__(
        self,
        name: str,
        quantity: str,
        score: str = "bleu",
        resamples: int = 1000,
        seed: int = 1,
        minimum_sentences: int = 0,
    ) -> None:
        if quantity not in _QUANTITIES:
            raise ValueError(
                f"There is no quantity {quantity!r}; there are {', '.join(_QUANTITIES)}."
            )
        super().__init__(
            _paired_score,
            name=name,
            quantity=quantity,
            score=score,
            resamples=resamples,
            seed=seed,
            minimum_sentences=minimum_sentences,
        )


@dataclass(frozen=True)
class _Quantity:
    value: Callable[[PairedComparison], float]
    of_equal_models: float


_QUANTITIES = {
    "drop": _Quantity(lambda comparison: -comparison.difference, 0.0),
    "p_value": _Quantity(lambda comparison: comparison.p_value, 1.0),
    "difference_low": _Quantity(lambda comparison: comparison.low, 0.0),
    "difference_high": _Quantity(lambda comparison: comparison.high, 0.0),
}


def _corpus_score(
    name: str,
    score: str,
    eval_config: config_pb2.EvalConfig,
    model_name: str = "",
    output_name: str = "",
) -> metric_types.MetricComputations:
    key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name)
    texts = _Texts(eval_config, model_name, output_name)
    return [
        metric_types.MetricComputation(
            keys=[key], preprocessors=None, combiner=_CorpusScoreCombiner(key, score, texts)
        )
    ]


def _paired_score(
    name: str,
    quantity: str,
    score: str,
    resamples: int,
    seed: int,
    minimum_sentences: int,
    eval_config: config_pb2.EvalConfig,
    model_names: list[str] | None = None,
    output_names: list[str] | None = None,
) -> metric_types.MetricComputations:
    models = model_names or [""]
    baselines = {spec.name for spec in eval_config.model_specs if spec.is_baseline}
    baselines &= set(models)
    computations: metric_types.MetricComputations = []
    for output_name in output_names or [""]:
        for model_name in models:
            if model_name in baselines:
                continue
            key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name)
            # TFMA drops metrics whose names begin with an underscore, and computes once what
            # several metrics share.
            comparison_key = key._replace(name=f"_paired_{score}_{resamples}_{seed}")
            for baseline in baselines:
                combiner = _PairedComparisonCombiner(
                    comparison_key,
                    score,
                    candidate=_Texts(eval_config, model_name, output_name),
                    baseline=_Texts(eval_config, baseline, output_name),
                    resamples=resamples,
                    seed=seed,
                )
                computations.append(
                    metric_types.MetricComputation([comparison_key], None, combiner)
                )
            computations.append(
                metric_types.DerivedMetricComputation(
                    keys=[key],
                    result=_ReadQuantity(key, comparison_key, quantity, minimum_sentences),
                )
            )
    return computations


@dataclass(frozen=True)
class _Texts:
    """Finds the reference and a model's hypothesis in what TFMA hands to a combiner."""

    eval_config: config_pb2.EvalConfig
    model_name: str
    output_name: str

    def __call__(self, inputs: metric_types.StandardMetricInputs) -> tuple[str, str]:
        label, prediction, _ = next(
            metric_util.to_label_prediction_example_weight(
                inputs,
                eval_config=self.eval_config,
                model_name=self.model_name,
                output_name=self.output_name,
                flatten=False,
                squeeze=False,
            )
        )
        return _text(prediction, "translation"), _text(label, "reference")


def _text(values: NDArray[np.object_], what: str) -> str:
    """The one string in an array of any rank; a byte that is no UTF-8 becomes U+FFFD."""
    if values.size != 1:
        raise ValueError(
            f"An example needs exactly one {what}, got {values.size}: does the model's signature "
            "answer one translation per example?"
        )
    value = values.reshape(-1)[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class _CorpusScoreCombiner(beam.CombineFn):
    """Adds up the rows of one model; the accumulator is their sum, `[width]` int64."""

    def __init__(self, key: metric_types.MetricKey, score: str, texts: _Texts) -> None:
        self._key = key
        self._score = score
        self._texts = texts

    def create_accumulator(self) -> NDArray[np.int64]:
        return np.zeros(sentence_statistics(self._score).width, np.int64)

    def add_input(
        self, accumulator: NDArray[np.int64], element: metric_types.StandardMetricInputs
    ) -> NDArray[np.int64]:
        row = sentence_statistics(self._score).row(*self._texts(element))
        return accumulator + np.asarray(row, np.int64)

    def merge_accumulators(self, accumulators: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
        return sum(accumulators, self.create_accumulator())

    def extract_output(self, accumulator: NDArray[np.int64]) -> MetricsDict:
        return {self._key: sentence_statistics(self._score).score(accumulator)}


class _PairedComparisonCombiner(beam.CombineFn):
    """Keeps the rows of both models; the accumulator is `2 * width` int32 for each sentence."""

    def __init__(
        self,
        key: metric_types.MetricKey,
        score: str,
        candidate: _Texts,
        baseline: _Texts,
        resamples: int,
        seed: int,
    ) -> None:
        self._key = key
        self._score = score
        self._models = (candidate, baseline)
        self._resamples = resamples
        self._seed = seed

    def create_accumulator(self) -> array[int]:
        return array("i")

    def add_input(
        self, accumulator: array[int], element: metric_types.StandardMetricInputs
    ) -> array[int]:
        statistics = sentence_statistics(self._score)
        for texts in self._models:
            accumulator.extend(statistics.row(*texts(element)))
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[array[int]]) -> array[int]:
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged.extend(accumulator)
        return merged

    def extract_output(self, accumulator: array[int]) -> MetricsDict:
        statistics = resampled_statistics(self._score)
        rows = np.frombuffer(accumulator, np.intc).reshape(-1, 2, statistics.width)
        comparison = paired_bootstrap(
            rows[:, 0], rows[:, 1], statistics.scores, self._resamples, self._seed
        )
        return {self._key: comparison}


@dataclass(frozen=True)
class _ReadQuantity:
    """Takes one number out of the comparison that the slice's metrics hold."""

    key: metric_types.MetricKey
    comparison_key: metric_types.MetricKey
    quantity: str
    minimum_sentences: int

    def __call__(self, metrics: MetricsDict) -> MetricsDict:
        quantity = _QUANTITIES[self.quantity]
        comparison = metrics.get(self.comparison_key)
        if not isinstance(comparison, PairedComparison):
            return {self.key: quantity.of_equal_models}
        if comparison.sentences < self.minimum_sentences:
            return {self.key: quantity.of_equal_models}
        return {self.key: quantity.value(comparison)}
