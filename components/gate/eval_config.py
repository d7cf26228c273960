"""Turns the gate's settings into TFMA's `EvalConfig`.

A candidate is blessed if its corpus BLEU is not below the floor and it is not worse than the live
model. It is worse if its BLEU over all sentences drops by more than `max_bleu_drop`, or if the drop
is significant (paired bootstrap) over all or in any slice with enough sentences. The significance
level holds for all these tests together (`family_of_tests`). With `require_improvement` the
candidate must be significantly better.

TFMA decides, in the stock Evaluator. This module only sets the bounds; `evaluation_reader` reads
the result and `recording_evaluator` writes it down.
"""

from __future__ import annotations

import json
from typing import Any, cast

from google.protobuf import json_format

# TFMA's top-level namespace has these messages only after TFX is imported.
from tensorflow_model_analysis.proto import config_pb2

from components.gate.checks import CHECKS, GateCheck, wanted_checks
from components.gate.output_statistics import SHARES
from components.gate.settings import GateSettings
from components.gate.verdict import (
    ADJUSTED_P_VALUE,
    BLEU,
    DROP,
    GAIN_P_VALUE,
    HIGH,
    LOW,
    P_VALUE,
    SENTENCES,
)

SIGNATURE_NAME = "serve_examples"
LABEL_KEY = "target"
PREDICTION_KEY = "translation"
LENGTH_FEATURE = "length_bucket"

_SCORES = (BLEU, "chrf", "ter", "length_ratio")
_COMPARISONS = {
    DROP: "drop",
    P_VALUE: "p_value",
    GAIN_P_VALUE: "gain_p_value",
    LOW: "difference_low",
    HIGH: "difference_high",
    ADJUSTED_P_VALUE: "adjusted_p_value",
}


def _threshold(check: GateCheck, settings: GateSettings) -> config_pb2.PerSliceMetricThreshold:
    """Returns a bound over all sentences; a `MetricConfig.threshold` would apply to each slice."""
    limit = {"value": check.bound(settings)}
    value_threshold = config_pb2.GenericValueThreshold(
        lower_bound=limit if check.rule == "at least" else None,
        upper_bound=limit if check.rule == "at most" else None,
    )
    return config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec()],
        threshold=config_pb2.MetricThreshold(value_threshold=value_threshold),
    )


def evaluation_config(settings: GateSettings, code_digest: str = "") -> config_pb2.EvalConfig:
    """Configures the metrics and thresholds of the stock Evaluator.

    Args:
      settings: The bounds.
      code_digest: Digest of the code of the metrics. TFX's cache ignores code, but sees a change
        of the configuration.

    Returns:
      Metrics over all sentences and by slice, with the bounds as thresholds. If the Evaluator has
      no baseline model, the metrics of the comparison have values with which a model passes.
    """
    metrics = _metric_configs(settings, code_digest)
    by_name = {_name(metric): metric for metric in metrics}
    for check in wanted_checks(settings):
        by_name[check.metric].per_slice_thresholds.append(_threshold(check, settings))
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name=SIGNATURE_NAME, label_key=LABEL_KEY, prediction_key=PREDICTION_KEY
            )
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            *(
                config_pb2.SlicingSpec(feature_keys=[feature])
                for feature in slice_features(settings)
            ),
        ],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


def slice_features(settings: GateSettings) -> list[str]:
    """Returns the features for slicing the test set: the length bucket and the user's choice."""
    return list(dict.fromkeys([LENGTH_FEATURE, *settings.slice_features]))


def with_bounds(config: str, **bounds: float) -> str:
    """Replaces bounds in an Evaluator's configuration.

    Args:
      config: an `EvalConfig` of `evaluation_config`, as JSON.
      **bounds: new values of bounds in the settings, such as `min_bleu`.

    Returns:
      The changed `EvalConfig`, as JSON.
    """
    changed = json_format.Parse(config, config_pb2.EvalConfig())
    values = {
        check.metric: bounds[check.setting] * check.share
        for check in CHECKS
        if check.setting in bounds
    }
    for specification in changed.metrics_specs:
        for metric in specification.metrics:
            value = values.get(_name(metric))
            if value is None:
                continue
            for entry in metric.per_slice_thresholds:
                limits = entry.threshold.value_threshold
                side = "lower_bound" if limits.HasField("lower_bound") else "upper_bound"
                getattr(limits, side).value = value
    return cast(str, json_format.MessageToJson(changed, preserving_proto_field_name=True))


def _metric_configs(settings: GateSettings, code_digest: str = "") -> list[config_pb2.MetricConfig]:
    """Returns TFMA's metrics without bounds, in the order in which a reader sees them."""
    comparison = {
        "resamples": settings.bootstrap_resamples,
        "seed": settings.seed,
        "minimum_sentences": settings.min_slice_sentences,
        "slice_features": slice_features(settings),
    }
    return [
        config_pb2.MetricConfig(class_name="ExampleCount", config=json.dumps({"name": SENTENCES})),
        *(
            _metric(
                "translation_metrics", "CorpusScore", score, score=score, code_digest=code_digest
            )
            for score in _SCORES
        ),
        *(
            _metric("translation_metrics", "PairedScore", name, quantity=quantity, **comparison)
            for name, quantity in _COMPARISONS.items()
        ),
        *(_metric("output_metrics", "OutputShare", name) for name in SHARES),
    ]


def _metric(module: str, class_name: str, name: str, **config: Any) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name=class_name,
        module=f"components.gate.{module}",
        config=json.dumps({"name": name, **config}),
    )


def _name(metric: config_pb2.MetricConfig) -> str:
    return str(json.loads(metric.config)["name"])
