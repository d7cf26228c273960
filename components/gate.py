"""The gate: plain settings become TFMA's `EvalConfig`, and TFMA's validation becomes a verdict.

A candidate is blessed if its corpus BLEU is not below the floor and it is not worse than the live
model: over all, and in each length bucket with enough sentences, the drop of BLEU is neither
significant (paired bootstrap) nor beyond `max_bleu_drop`. The decision itself is TFMA's, in the
stock Evaluator; this module only states the bounds and reads the answer back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import tensorflow_model_analysis as tfma
from google.protobuf import json_format

# TFMA's own namespace gets these messages only once TFX was imported.
from tensorflow_model_analysis.proto import config_pb2
from tfx.components.evaluator import constants as evaluator_constants
from tfx.dsl.io import fileio

from components.gate_settings import GateSettings
from components.translation_statistics import bleu_signature, chrf_signature
from components.verdict import BASELINE, CANDIDATE, OVERALL, Check, Verdict, format_verdict

__all__ = [
    "GateSettings",
    "UnreadableEvaluationError",
    "Verdict",
    "evaluation_config",
    "format_verdict",
    "read_verdict",
    "with_bounds",
]

SIGNATURE_NAME = "serve_examples"
LABEL_KEY = "target"
PREDICTION_KEY = "translation"
SLICE_FEATURE = "length_bucket"

_METRICS_MODULE = "components.translation_metrics"
_SENTENCE_COUNT = "sentence_count"
# A bound on a bucket needs a metric that stays neutral where the bucket is small; a bound over all
# always counts.
_GUARDED = "guarded_"

_COMPARISONS = {
    "bleu_drop": "drop",
    "bleu_drop_p_value": "p_value",
    "bleu_difference_low": "difference_low",
    "bleu_difference_high": "difference_high",
}

MetricsTable = dict[str, dict[str, dict[str, float]]]


class UnreadableEvaluationError(Exception):
    """The artifact holds no finished evaluation with a validation."""


@dataclass(frozen=True)
class _Bound:
    """A bound on one metric, over all or in each slice that counts."""

    metric: str
    rule: Literal["at least", "at most"]
    value: float
    each_slice: bool

    @property
    def tfma_metric(self) -> str:
        return _GUARDED + self.metric if self.each_slice else self.metric

    def as_threshold(self) -> config_pb2.PerSliceMetricThreshold:
        limit = {"value": self.value}
        value_threshold = config_pb2.GenericValueThreshold(
            lower_bound=limit if self.rule == "at least" else None,
            upper_bound=limit if self.rule == "at most" else None,
        )
        # A plain `MetricConfig.threshold` would hold in every slice, and the floor is a bound over
        # all.
        where = config_pb2.SlicingSpec(feature_keys=[SLICE_FEATURE] if self.each_slice else [])
        return config_pb2.PerSliceMetricThreshold(
            slicing_specs=[where],
            threshold=config_pb2.MetricThreshold(value_threshold=value_threshold),
        )


def _bounds(settings: GateSettings, has_baseline: bool = True) -> list[_Bound]:
    floor = _Bound("bleu", "at least", settings.min_bleu, each_slice=False)
    if not has_baseline:
        return [floor]
    bounds = [floor]
    for each_slice in (False, True):
        bounds += [
            _Bound("bleu_drop", "at most", settings.max_bleu_drop, each_slice),
            _Bound("bleu_drop_p_value", "at least", settings.significance, each_slice),
        ]
    return bounds


def evaluation_config(settings: GateSettings, code_digest: str = "") -> config_pb2.EvalConfig:
    """What the stock Evaluator computes and demands.

    Args:
      settings: The bounds.
      code_digest: Of the code that computes the metrics. TFX's cache is blind to code, and sees it
        where it is part of the configuration.

    Returns:
      Metrics over all and by length bucket, with the bounds as thresholds. The comparison with the
      live model takes part where the Evaluator is given a baseline model; without one its metrics
      are those of two equal models.
    """
    metrics = _metric_configs(settings, code_digest)
    by_name = {_name(metric): metric for metric in metrics}
    for bound in _bounds(settings):
        by_name[bound.tfma_metric].per_slice_thresholds.append(bound.as_threshold())
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name=SIGNATURE_NAME, label_key=LABEL_KEY, prediction_key=PREDICTION_KEY
            )
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            config_pb2.SlicingSpec(feature_keys=[SLICE_FEATURE]),
        ],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


def with_bounds(
    config: str, *, min_bleu: float | None = None, max_bleu_drop: float | None = None
) -> str:
    """Replaces bounds in what the Evaluator was told.

    Args:
      config: an `EvalConfig` of `evaluation_config`, as JSON.
      min_bleu: the new floor; None keeps the old one.
      max_bleu_drop: the new largest drop, over all and in the slices; None keeps the old one.

    Returns:
      The changed `EvalConfig`, as JSON.
    """
    changed = json_format.Parse(config, config_pb2.EvalConfig())
    values = {"bleu": min_bleu, "bleu_drop": max_bleu_drop}
    for specification in changed.metrics_specs:
        for metric in specification.metrics:
            value = values.get(_name(metric).removeprefix(_GUARDED))
            if value is None:
                continue
            for entry in metric.per_slice_thresholds:
                limits = entry.threshold.value_threshold
                side = "lower_bound" if limits.HasField("lower_bound") else "upper_bound"
                getattr(limits, side).value = value
    return cast(str, json_format.MessageToJson(changed, preserving_proto_field_name=True))


def read_verdict(
    evaluation_uri: str,
    blessing_uri: str,
    settings: GateSettings,
    live_version: str | None = None,
) -> Verdict:
    """What the Evaluator decided, and on which numbers.

    Args:
      evaluation_uri: Of the Evaluator's `evaluation` artifact.
      blessing_uri: Of its `blessing` artifact.
      settings: The bounds that it was given.
      live_version: Which version the baseline is served as (LiveModel's property of that name), to
        be named.

    Raises:
      UnreadableEvaluationError: There is no finished evaluation.
    """
    metrics = _read_metrics(evaluation_uri)
    validation = _read_validation(evaluation_uri)
    has_baseline = any(BASELINE in models for models in metrics.values())
    failures = dict(_failures(validation))
    checks, unjudged = _checks(metrics, failures, settings, has_baseline)
    judged = {(check.metric, check.slice) for check in checks}
    problems = [
        f"{metric} of {name}: {message or 'failed'}"
        for (metric, name), message in failures.items()
        if (metric.removeprefix(_GUARDED), name) not in judged
    ]
    if validation.missing_slices or OVERALL not in metrics:
        problems.append("the evaluation lacks slices that the gate asks for")
    return Verdict(
        blessed=_is_blessed(blessing_uri),
        has_baseline=has_baseline,
        live_version=live_version,
        checks=tuple(checks),
        unjudged=unjudged,
        problems=tuple(problems),
        metrics=_shown(metrics, settings, has_baseline),
        signatures=_signatures(settings, has_baseline),
    )


def _metric_configs(settings: GateSettings, code_digest: str = "") -> list[config_pb2.MetricConfig]:
    """What TFMA computes, in the order in which a reader sees it, without bounds."""
    bootstrap = {"resamples": settings.bootstrap_resamples, "seed": settings.seed}
    smallest = settings.min_slice_sentences
    return [
        config_pb2.MetricConfig(
            class_name="ExampleCount", config=json.dumps({"name": _SENTENCE_COUNT})
        ),
        _metric("CorpusScore", "bleu", score="bleu", code_digest=code_digest),
        _metric("CorpusScore", "chrf", score="chrf", code_digest=code_digest),
        *(
            _metric("PairedScore", name, quantity=quantity, **bootstrap)
            for name, quantity in _COMPARISONS.items()
        ),
        *(
            _metric(
                "PairedScore",
                bound.tfma_metric,
                quantity=_COMPARISONS[bound.metric],
                minimum_sentences=smallest,
                **bootstrap,
            )
            for bound in _bounds(settings)
            if bound.each_slice
        ),
    ]


def _metric(class_name: str, name: str, **config: Any) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name=class_name, module=_METRICS_MODULE, config=json.dumps({"name": name, **config})
    )


def _name(metric: config_pb2.MetricConfig) -> str:
    return str(json.loads(metric.config)["name"])


def _read_metrics(evaluation_uri: str) -> MetricsTable:
    """The numbers by slice, model and metric; over all first, then the slices by name."""
    table: MetricsTable = {}
    for record in tfma.load_metrics(evaluation_uri):
        models = table.setdefault(_slice_name(record.slice_key), {CANDIDATE: {}})
        for pair in record.metric_keys_and_values:
            if pair.key.is_diff or not pair.value.HasField("double_value"):
                continue
            model = BASELINE if pair.key.model_name == tfma.BASELINE_KEY else CANDIDATE
            models.setdefault(model, {})[pair.key.name] = pair.value.double_value.value
    return {name: table[name] for name in sorted(table, key=lambda name: (name != OVERALL, name))}


def _read_validation(evaluation_uri: str) -> Any:
    try:
        return tfma.load_validation_result(evaluation_uri)
    except AssertionError as error:
        # So TFMA says that it did not find the one record that every validation writes.
        raise UnreadableEvaluationError(
            f"{evaluation_uri} holds no finished evaluation; run the pipeline again."
        ) from error


def _checks(
    metrics: MetricsTable,
    failures: Mapping[tuple[str, str], str],
    settings: GateSettings,
    has_baseline: bool,
) -> tuple[list[Check], dict[str, int]]:
    """All checks that counted, and the slices too small to count, with their sentences."""
    checks: list[Check] = []
    unjudged: dict[str, int] = {}
    for bound in _bounds(settings, has_baseline):
        for name, models in metrics.items():
            if (name != OVERALL) != bound.each_slice:
                continue
            numbers = models[CANDIDATE]
            sentences = int(numbers.get(_SENTENCE_COUNT, 0))
            if bound.each_slice and sentences < settings.min_slice_sentences:
                unjudged[name] = sentences
                continue
            check = Check(
                metric=bound.metric,
                slice=name,
                value=numbers.get(bound.tfma_metric),
                rule=bound.rule,
                bound=bound.value,
                passed=(bound.tfma_metric, name) not in failures,
            )
            checks.append(check)
    return checks, unjudged


def _failures(validation: Any) -> Iterator[tuple[tuple[str, str], str]]:
    for record in validation.metric_validations_per_slice:
        for failure in record.failures:
            yield (failure.metric_key.name, _slice_name(record.slice_key)), failure.message.strip()


def _slice_name(slice_key: Any) -> str:
    parts = []
    for single in slice_key.single_slice_keys:
        value = getattr(single, single.WhichOneof("kind"))
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        parts.append(f"{single.column}={text}")
    return ", ".join(parts) or OVERALL


def _is_blessed(blessing_uri: str) -> bool:
    return bool(fileio.exists(os.path.join(blessing_uri, evaluator_constants.BLESSED_FILE_NAME)))


def _shown(metrics: MetricsTable, settings: GateSettings, has_baseline: bool) -> MetricsTable:
    """The numbers for a reader: no guarded copies, and comparisons only with a baseline."""
    names = [
        name
        for name in map(_name, _metric_configs(settings))
        if not name.startswith(_GUARDED) and (has_baseline or name not in _COMPARISONS)
    ]
    return {
        slice_name: {
            model: {name: numbers[name] for name in names if name in numbers}
            for model, numbers in models.items()
        }
        for slice_name, models in metrics.items()
    }


def _signatures(settings: GateSettings, has_baseline: bool) -> dict[str, str]:
    signatures = {"bleu": bleu_signature(), "chrf": chrf_signature()}
    if has_baseline:
        signatures["bleu_drop_p_value"] = (
            f"paired bootstrap (Koehn 2004), {settings.bootstrap_resamples} resamples, "
            f"seed {settings.seed}: probability that the candidate is not worse"
        )
    return signatures
