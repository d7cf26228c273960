"""Turns the gate's settings into TFMA's `EvalConfig`.

A candidate is blessed if its corpus score is not below the floor and it is not worse than the live
model. It is worse if its score over all sentences drops by more than the settings allow, or if the
drop is significant (paired bootstrap) over all or in any slice with enough sentences. The
significance level holds for all these tests together (`family_of_tests`). With
`require_improvement` the candidate must be significantly better. The score is BLEU or chrF
(`trainer.scoring`).

TFMA decides, in the stock Evaluator. This module only sets the bounds; `evaluation_reader` reads
the result and `recording_evaluator` writes it down.
"""

from __future__ import annotations

import json
from typing import Any

# TFMA's top-level namespace has these messages only after TFX is imported.
from tensorflow_model_analysis.proto import config_pb2

from components.gate.checks import GateCheck, wanted_checks
from components.gate.output_statistics import SHARES
from components.gate.settings import GateSettings
from components.gate.verdict import (
    ADJUSTED_P_VALUE,
    DROP,
    GAIN_P_VALUE,
    HIGH,
    LOW,
    P_VALUE,
    SENTENCES,
    name_of,
)
from trainer.scoring import Metric

SIGNATURE_NAME = "serve_examples"
LABEL_KEY = "target"
PREDICTION_KEY = "translation"

_SCORES = ("bleu", "chrf", "ter", "length_ratio")
_COMPARISONS = (DROP, P_VALUE, GAIN_P_VALUE, LOW, HIGH, ADJUSTED_P_VALUE)


def _threshold(check: GateCheck, bound: float) -> config_pb2.PerSliceMetricThreshold:
    """Returns a bound over all sentences; a `MetricConfig.threshold` would apply to each slice."""
    limit = {"value": bound}
    value_threshold = config_pb2.GenericValueThreshold(
        lower_bound=limit if check.rule == "at least" else None,
        upper_bound=limit if check.rule == "at most" else None,
    )
    return config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec()],
        threshold=config_pb2.MetricThreshold(value_threshold=value_threshold),
    )


def evaluation_config(settings: GateSettings, judge: Metric = "bleu") -> config_pb2.EvalConfig:
    """Configures the metrics and thresholds of the stock Evaluator.

    Args:
      settings: The bounds.
      judge: The metric that the bounds are for.

    Returns:
      Metrics over all sentences and by slice, with the bounds as thresholds. If the Evaluator has
      no baseline model, the metrics of the comparison have values with which a model passes.
    """
    metrics = _metric_configs(settings, judge)
    by_name = {json.loads(metric.config)["name"]: metric for metric in metrics}
    for check, bound in wanted_checks(settings, judge):
        by_name[check.name(judge)].per_slice_thresholds.append(_threshold(check, bound))
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name=SIGNATURE_NAME, label_key=LABEL_KEY, prediction_key=PREDICTION_KEY
            )
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            *(config_pb2.SlicingSpec(feature_keys=[feature]) for feature in settings.slicing),
        ],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


def _metric_configs(settings: GateSettings, judge: Metric) -> list[config_pb2.MetricConfig]:
    """Returns TFMA's metrics without bounds, in the order in which a reader sees them."""
    comparison = {
        "score": judge,
        "tokeniser": settings.tokeniser,
        "resamples": settings.bootstrap_resamples,
        "seed": settings.seed,
        "minimum_sentences": settings.min_slice_sentences,
        "slice_features": settings.slicing,
    }
    return [
        config_pb2.MetricConfig(class_name="ExampleCount", config=json.dumps({"name": SENTENCES})),
        *(
            _metric(
                "translation_metrics",
                "CorpusScore",
                score,
                score=score,
                tokeniser=settings.tokeniser,
            )
            for score in _SCORES
        ),
        *(
            _metric(
                "translation_metrics",
                "PairedScore",
                name_of(judge, quantity),
                quantity=quantity,
                **comparison,
            )
            for quantity in _COMPARISONS
        ),
        *(_metric("output_metrics", "OutputShare", name) for name in SHARES),
    ]


def _metric(module: str, class_name: str, name: str, **config: Any) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name=class_name,
        module=f"components.gate.{module}",
        config=json.dumps({"name": name, **config}),
    )
