"""Reads the decision of the stock Evaluator from its artifacts, as a verdict."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

import tensorflow_model_analysis as tfma
from tfx.components.evaluator import constants as evaluator_constants
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from components.gate.checks import wanted_checks
from components.gate.family_of_tests import SHARE_OF_WHOLE, adjusted_p_value, share_of_slice
from components.gate.output_statistics import DEFINITIONS
from components.gate.settings import GateSettings
from components.gate.verdict import (
    ADJUSTED_P_VALUE,
    BASELINE,
    CANDIDATE,
    DROP,
    GAIN_P_VALUE,
    HIGH,
    LOW,
    OVERALL,
    P_VALUE,
    SENTENCES,
    Check,
    Difference,
    Rule,
    Verdict,
    name_of,
    slice_key,
)
from trainer.scoring import METRIC_NAMES, Judge, Metric
from trainer.translation_statistics import signature

VERDICT_JSON = "verdict.json"

MetricsTable = dict[str, dict[str, dict[str, float]]]

_COMPARISONS = (DROP, P_VALUE, GAIN_P_VALUE, LOW, HIGH)


class UnreadableEvaluationError(Exception):
    """The artifact holds no finished evaluation with a validation."""


def read_verdict(
    evaluation_uri: str,
    blessing_uri: str,
    settings: GateSettings,
    judge: Judge,
    live_version: str | None = None,
) -> Verdict:
    """Reads the Evaluator's decision, with the numbers behind it.

    A candidate that cannot be judged is not blessed, whatever the Evaluator decided. If the export
    was not evaluated, this is the verdict recorded by `recording_evaluator`.

    Args:
      evaluation_uri: URI of the Evaluator's `evaluation` artifact.
      blessing_uri: URI of its `blessing` artifact.
      settings: The bounds used in the evaluation.
      judge: The metric that they were for.
      live_version: Served version of the baseline (LiveModel's property of this name), for the
        text of the verdict.

    Raises:
      UnreadableEvaluationError: There is no finished evaluation.
    """
    validation = _read_validation(evaluation_uri)
    if validation is None:
        return read_recorded_verdict(evaluation_uri)
    metrics = _read_metrics(evaluation_uri)
    has_baseline = any(BASELINE in models for models in metrics.values())
    failures = dict(_failures(validation))
    checks = _checks(metrics, failures, settings, judge.metric, has_baseline)
    obstacles = list(_obstacles(metrics, settings, judge))
    problems = obstacles + _problems(checks, failures, judge.metric)
    if validation.missing_slices or OVERALL not in metrics:
        problems.append("the evaluation lacks slices that the gate asks for")
    return Verdict(
        blessed=_is_blessed(blessing_uri) and not obstacles,
        has_baseline=has_baseline,
        live_version=live_version,
        difference=_difference(metrics, judge.metric) if has_baseline else None,
        checks=tuple(checks),
        unjudged=_unjudged(metrics, settings) if has_baseline else {},
        problems=tuple(problems),
        metrics=_shown(metrics, judge.metric, has_baseline),
        signatures=_signatures(settings, judge.metric, has_baseline),
        metric=judge.metric,
        tokeniser=settings.tokeniser,
        rule=judge.rule,
    )


def read_recorded_verdict(evaluation_uri: str) -> Verdict:
    """Reads the verdict recorded by `RecordingEvaluator` beside its evaluation.

    Raises:
      UnreadableEvaluationError: There is no recorded verdict.
    """
    path = os.path.join(evaluation_uri, VERDICT_JSON)
    if not fileio.exists(path):
        raise UnreadableEvaluationError(
            f"{evaluation_uri} holds no finished evaluation; run the pipeline again."
        )
    return Verdict.model_validate_json(io_utils.read_string_file(path))


def _read_metrics(evaluation_uri: str) -> MetricsTable:
    """Returns the numbers by slice, model and metric: `overall` first, then the slices by name.

    Numbers other than finite ones are left out.
    """
    table: MetricsTable = {}
    for record in tfma.load_metrics(evaluation_uri):
        models = table.setdefault(_slice_name(record.slice_key), {CANDIDATE: {}})
        for pair in record.metric_keys_and_values:
            if pair.key.is_diff or not pair.value.HasField("double_value"):
                continue
            model = BASELINE if pair.key.model_name == tfma.BASELINE_KEY else CANDIDATE
            value = pair.value.double_value.value
            if math.isfinite(value):
                models.setdefault(model, {})[pair.key.name] = value
    return {name: table[name] for name in sorted(table, key=lambda name: (name != OVERALL, name))}


def _read_validation(evaluation_uri: str) -> Any:
    """Returns TFMA's validation, or None if there is none."""
    try:
        return tfma.load_validation_result(evaluation_uri)
    except AssertionError:
        # TFMA raises this if the single record of a validation is missing.
        return None


def _checks(
    metrics: MetricsTable,
    failures: dict[tuple[str, str], str],
    settings: GateSettings,
    judge: Metric,
    has_baseline: bool,
) -> list[Check]:
    """Returns the validated checks, with the test of each slice instead of the adjusted p-value."""
    numbers = metrics.get(OVERALL, {CANDIDATE: {}})[CANDIDATE]

    def over_all(metric: str, rule: Rule, bound: float) -> Check:
        return Check(
            metric=metric,
            slice=OVERALL,
            value=numbers.get(metric),
            rule=rule,
            bound=bound,
            passed=(metric, OVERALL) not in failures,
        )

    checks: list[Check] = []
    for check, bound in wanted_checks(settings, judge, has_baseline=has_baseline):
        if check.name(judge) == name_of(judge, ADJUSTED_P_VALUE):
            checks += _tests(metrics, settings, judge)
        else:
            checks.append(over_all(check.name(judge), check.rule, bound))
    return checks


def _obstacles(metrics: MetricsTable, settings: GateSettings, judge: Judge) -> Iterator[str]:
    """Yields the reasons why a candidate cannot be judged, each with what to do."""
    name = METRIC_NAMES[judge.metric]
    score = metrics.get(OVERALL, {CANDIDATE: {}})[CANDIDATE].get(judge.metric)
    if score == 0:
        yield (
            f"{name} is 0, so there is nothing to judge by: the translations have nothing in "
            "common with the references, or are too short"
        )
    elif settings.floor(judge.metric) is None:
        measured = "" if score is None else f", below the {score:.1f} of this model if it is good"
        yield f"{name} judges and has no floor: set evaluation.min_{judge.metric}{measured}"


def _tests(metrics: MetricsTable, settings: GateSettings, judge: Metric) -> Iterator[Check]:
    """Yields the tests for a drop, over all and in each slice large enough to count.

    Their bounds are shares of the significance level.
    """
    unjudged = _unjudged(metrics, settings)
    counted = [name for name in metrics if name != OVERALL and name not in unjudged]
    shares = {OVERALL: SHARE_OF_WHOLE} | {name: share_of_slice(len(counted)) for name in counted}
    for name, share in shares.items():
        metric = name_of(judge, P_VALUE)
        p_value = metrics.get(name, {CANDIDATE: {}})[CANDIDATE].get(metric)
        passed = p_value is not None and (
            adjusted_p_value(p_value, share, settings.bootstrap_resamples) >= settings.significance
        )
        yield Check(
            metric=metric,
            slice=name,
            value=p_value,
            rule="at least",
            bound=settings.significance * share,
            passed=passed,
        )


def _unjudged(metrics: MetricsTable, settings: GateSettings) -> dict[str, int]:
    """Returns the slices too small to count, with their numbers of sentences."""
    sentences = {
        name: int(models[CANDIDATE].get(SENTENCES, 0))
        for name, models in metrics.items()
        if name != OVERALL
    }
    return {name: n for name, n in sentences.items() if n < settings.min_slice_sentences}


def _problems(
    checks: list[Check], failures: dict[tuple[str, str], str], judge: Metric
) -> list[str]:
    """Describes the validation failures not shown by any check."""
    judged = {(check.metric, check.slice) for check in checks}
    p_value = name_of(judge, P_VALUE)
    family = (name_of(judge, ADJUSTED_P_VALUE), OVERALL)
    test_failed = any(check.metric == p_value and not check.passed for check in checks)
    if test_failed:
        judged.add(family)
    problems = [
        f"{metric} of {name}: {message or 'failed'}"
        for (metric, name), message in failures.items()
        if (metric, name) not in judged
    ]
    if test_failed and family not in failures:
        problems.append("a test for a drop failed, but the Evaluator's validation did not see it")
    return problems


def _failures(validation: Any) -> Iterator[tuple[tuple[str, str], str]]:
    for record in validation.metric_validations_per_slice:
        for failure in record.failures:
            yield (failure.metric_key.name, _slice_name(record.slice_key)), failure.message.strip()


def _slice_name(of_tfma: Any) -> str:
    parts = [
        slice_key(single.column, getattr(single, single.WhichOneof("kind")))
        for single in of_tfma.single_slice_keys
    ]
    return ", ".join(parts) or OVERALL


def _is_blessed(blessing_uri: str) -> bool:
    return bool(fileio.exists(os.path.join(blessing_uri, evaluator_constants.BLESSED_FILE_NAME)))


def _difference(metrics: MetricsTable, judge: Metric) -> Difference | None:
    numbers = metrics.get(OVERALL, {CANDIDATE: {}})[CANDIDATE]
    drop, low, high = (numbers.get(name_of(judge, quantity)) for quantity in (DROP, LOW, HIGH))
    if drop is None or low is None or high is None:
        return None
    # Adding 0 turns -0.0 into 0.0.
    return Difference(points=-drop + 0.0, low=low, high=high)


def _shown(metrics: MetricsTable, judge: Metric, has_baseline: bool) -> MetricsTable:
    """Selects the numbers for a reader.

    Comparisons are shown only with a baseline, and the adjusted p-value only over all sentences,
    where it covers all slices.
    """

    comparisons = {name_of(judge, quantity) for quantity in _COMPARISONS}

    def is_shown(slice_name: str, metric: str) -> bool:
        if metric == name_of(judge, ADJUSTED_P_VALUE):
            return has_baseline and slice_name == OVERALL
        return has_baseline or metric not in comparisons

    return {
        name: {
            model: {metric: value for metric, value in numbers.items() if is_shown(name, metric)}
            for model, numbers in models.items()
        }
        for name, models in metrics.items()
    }


def _signatures(settings: GateSettings, judge: Metric, has_baseline: bool) -> dict[str, str]:
    signatures = {kind: signature(kind, settings.tokeniser) for kind in ("bleu", "chrf", "ter")}
    signatures["length_ratio"] = "tokens of the translations over those of the references (bleu)"
    if has_baseline:
        resampling = f"{settings.bootstrap_resamples} resamples, seed {settings.seed}"
        signatures[name_of(judge, P_VALUE)] = (
            f"paired bootstrap (Koehn 2004), {resampling}: probability that the candidate is not "
            "worse; its bounds add up to the significance"
        )
        signatures[name_of(judge, GAIN_P_VALUE)] = (
            "of the same bootstrap: probability that it is not better"
        )
    return signatures | DEFINITIONS
