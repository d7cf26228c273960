"""TFMA metrics of properties of translations: the shares of `output_statistics`.

TFMA imports the class by name from an `EvalConfig` (see `gate`). As in `translation_metrics`, the
combiner holds names only, because Beam pickles it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from components.gate.metric_inputs import Texts, one_text
from components.gate.output_statistics import COUNTS_WIDTH, SHARES, Output, count_output, share
from components.gate.served_attention import (
    ATTENTION,
    SOURCE_TOKENS,
    TARGET_TOKENS,
    ServedAttention,
)
from components.gate.translation_metrics import MetricsDict

SOURCE_FEATURE = "source"


class OutputShare(tfma.metrics.Metric):
    """A share of each model's translations, of their words or of their attention.

    It is NaN if there is nothing to count, for example if a model does not return its attention.

    Args:
      name: Name of the metric and of the share: one of `output_statistics.SHARES`.

    Raises:
      ValueError: The share is unknown.
    """

    def __init__(self, name: str) -> None:
        if name not in SHARES:
            raise ValueError(f"There is no share {name!r}; there are {', '.join(SHARES)}.")
        super().__init__(_output_share, name=name)


def _output_share(
    name: str,
    eval_config: config_pb2.EvalConfig,
    model_names: list[str] | None = None,
    output_names: list[str] | None = None,
) -> metric_types.MetricComputations:
    computations: metric_types.MetricComputations = []
    for output_name in output_names or [""]:
        for model_name in model_names or [""]:
            key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name)
            # One combiner counts all shares. TFMA drops metrics with a leading underscore.
            counts_key = key._replace(name="_output_counts")
            source = metric_types.FeaturePreprocessor(feature_keys=[SOURCE_FEATURE])
            combiner = _CountsCombiner(counts_key, Texts(eval_config, model_name, output_name))
            computations += [
                metric_types.MetricComputation([counts_key], [source], combiner),
                metric_types.DerivedMetricComputation([key], _ReadShare(key, counts_key)),
            ]
    return computations


class _CountsCombiner(beam.CombineFn):
    """Adds up the counts of one model; the accumulator is `[COUNTS_WIDTH]` int64."""

    def __init__(self, key: metric_types.MetricKey, texts: Texts) -> None:
        self._key = key
        self._texts = texts

    def create_accumulator(self) -> NDArray[np.int64]:
        return np.zeros(COUNTS_WIDTH, np.int64)

    def add_input(
        self, accumulator: NDArray[np.int64], element: metric_types.StandardMetricInputs
    ) -> NDArray[np.int64]:
        hypothesis, reference = self._texts(element)
        source = one_text(np.asarray(element.features[SOURCE_FEATURE]), "source")
        attention = _served_attention(element.predictions, self._texts.model_name)
        output = Output(source, reference, hypothesis, attention)
        return accumulator + np.asarray(count_output(output), np.int64)

    def merge_accumulators(self, accumulators: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
        return sum(accumulators, self.create_accumulator())

    def extract_output(self, accumulator: NDArray[np.int64]) -> MetricsDict:
        return {self._key: accumulator}


def _served_attention(predictions: object, model_name: str) -> ServedAttention | None:
    """Returns a model's attention outputs, or None if one is missing, as in older live models."""
    if model_name and isinstance(predictions, Mapping):
        predictions = predictions.get(model_name)
    # If a model has a single output, TFMA passes it without its name.
    if not isinstance(predictions, Mapping):
        return None
    outputs = [predictions.get(name) for name in (SOURCE_TOKENS, TARGET_TOKENS, ATTENTION)]
    values = [np.ravel(output) for output in outputs if output is not None]
    if len(values) < len(outputs) or any(
        value.size != 1 or not isinstance(value[0], bytes) for value in values
    ):
        return None
    return ServedAttention(*(value[0] for value in values))


@dataclass(frozen=True)
class _ReadShare:
    """Computes one share from the counts in a slice's metrics."""

    key: metric_types.MetricKey
    counts_key: metric_types.MetricKey

    def __call__(self, metrics: MetricsDict) -> MetricsDict:
        counts = metrics[self.counts_key]
        value = share(self.key.name, counts) if isinstance(counts, np.ndarray) else math.nan
        return {self.key: value}
