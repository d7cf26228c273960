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
from components.gate.translation_statistics import bleu_signature, chrf_signature, ter_signature
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
    slice_key,
)

VERDICT_JSON = "verdict.json"

MetricsTable = dict[str, dict[str, dict[str, float]]]

_COMPARISONS = {DROP, P_VALUE, GAIN_P_VALUE, LOW, HIGH}


class UnreadableEvaluationError(Exception):
    """The artifact holds no finished evaluation with a validation."""


def read_verdict(
    evaluation_uri: str,
    blessing_uri: str,
    settings: GateSettings,
    live_version: str | None = None,
) -> Verdict:
    """Reads the Evaluator's decision, with the numbers behind it.

    If the export was not evaluated, this is the verdict recorded by `recording_evaluator`.

    Args:
      evaluation_uri: URI of the Evaluator's `evaluation` artifact.
      blessing_uri: URI of its `blessing` artifact.
      settings: The bounds used in the evaluation.
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
    checks = _checks(metrics, failures, settings, has_baseline)
    problems = _problems(checks, failures)
    if validation.missing_slices or OVERALL not in metrics:
        problems.append("the evaluation lacks slices that the gate asks for")
    return Verdict(
        blessed=_is_blessed(blessing_uri),
        has_baseline=has_baseline,
        live_version=live_version,
        difference=_difference(metrics) if has_baseline else None,
        checks=tuple(checks),
        unjudged=_unjudged(metrics, settings) if has_baseline else {},
        problems=tuple(problems),
        metrics=_shown(metrics, has_baseline),
        signatures=_signatures(settings, has_baseline),
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
    for check in wanted_checks(settings, has_baseline=has_baseline):
        if check.metric == ADJUSTED_P_VALUE:
            checks += _tests(metrics, settings)
        else:
            checks.append(over_all(check.metric, check.rule, check.bound(settings)))
    return checks


def _tests(metrics: MetricsTable, settings: GateSettings) -> Iterator[Check]:
    """Yields the tests for a drop, over all and in each slice large enough to count.

    Their bounds are shares of the significance level.
    """
    unjudged = _unjudged(metrics, settings)
    counted = [name for name in metrics if name != OVERALL and name not in unjudged]
    shares = {OVERALL: SHARE_OF_WHOLE} | {name: share_of_slice(len(counted)) for name in counted}
    for name, share in shares.items():
        p_value = metrics.get(name, {CANDIDATE: {}})[CANDIDATE].get(P_VALUE)
        passed = p_value is not None and (
            adjusted_p_value(p_value, share, settings.bootstrap_resamples) >= settings.significance
        )
        yield Check(
            metric=P_VALUE,
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


def _problems(checks: list[Check], failures: dict[tuple[str, str], str]) -> list[str]:
    """Describes the validation failures not shown by any check."""
    judged = {(check.metric, check.slice) for check in checks}
    test_failed = any(check.metric == P_VALUE and not check.passed for check in checks)
    if test_failed:
        judged.add((ADJUSTED_P_VALUE, OVERALL))
    problems = [
        f"{metric} of {name}: {message or 'failed'}"
        for (metric, name), message in failures.items()
        if (metric, name) not in judged
    ]
    if test_failed and (ADJUSTED_P_VALUE, OVERALL) not in failures:
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


def _difference(metrics: MetricsTable) -> Difference | None:
    numbers = metrics.get(OVERALL, {CANDIDATE: {}})[CANDIDATE]
    if not {DROP, LOW, HIGH} <= set(numbers):
        return None
    # Adding 0 turns -0.0 into 0.0.
    return Difference(bleu=-numbers[DROP] + 0.0, low=numbers[LOW], high=numbers[HIGH])


def _shown(metrics: MetricsTable, has_baseline: bool) -> MetricsTable:
    """Selects the numbers for a reader.

    Comparisons are shown only with a baseline, and the adjusted p-value only over all sentences,
    where it covers all slices.
    """

    def is_shown(slice_name: str, metric: str) -> bool:
        if metric == ADJUSTED_P_VALUE:
            return has_baseline and slice_name == OVERALL
        return has_baseline or metric not in _COMPARISONS

    return {
        name: {
            model: {metric: value for metric, value in numbers.items() if is_shown(name, metric)}
            for model, numbers in models.items()
        }
        for name, models in metrics.items()
    }


def _signatures(settings: GateSettings, has_baseline: bool) -> dict[str, str]:
    signatures = {"bleu": bleu_signature(), "chrf": chrf_signature(), "ter": ter_signature()}
    signatures["length_ratio"] = "tokens of the translations over those of the references (bleu)"
    if has_baseline:
        resampling = f"{settings.bootstrap_resamples} resamples, seed {settings.seed}"
        signatures[P_VALUE] = (
            f"paired bootstrap (Koehn 2004), {resampling}: probability that the candidate is not "
            "worse; its bounds add up to the significance"
        )
        signatures[GAIN_P_VALUE] = "of the same bootstrap: probability that it is not better"
    return signatures | DEFINITIONS
