"""The verdict of the gate: which numbers were held against which bounds, and what came of it.

Light on purpose: whoever prints or compares verdicts needs neither TFX nor TFMA.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

OVERALL = "overall"
CANDIDATE = "candidate"
BASELINE = "baseline"

SENTENCES = "sentence_count"
BLEU = "bleu"
DROP = "bleu_drop"
P_VALUE = "bleu_drop_p_value"
ADJUSTED_P_VALUE = "bleu_drop_adjusted_p_value"
GAIN_P_VALUE = "bleu_gain_p_value"
LOW = "bleu_difference_low"
HIGH = "bleu_difference_high"

_SCORES = (SENTENCES, BLEU, "chrf", "ter", "length_ratio", DROP, P_VALUE, GAIN_P_VALUE, LOW, HIGH)
_HIDDEN = {ADJUSTED_P_VALUE}
"""In the text, where the single tests stand."""

Outcome = Literal["improved", "not distinguishable", "worse"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Check(_Record):
    """One number held against its bound.

    Attributes:
      metric: Name of the number.
      slice: `overall`, or `feature=value`.
      value: The number; None where the evaluation does not hold it, which fails the check.
      rule: Whether the number must be at least or at most the bound.
      bound: What it is held against.
      passed: What TFMA's validation decided.
    """

    metric: str
    slice: str
    value: float | None
    rule: Literal["at least", "at most"]
    bound: float
    passed: bool


class Difference(_Record):
    """The candidate's BLEU minus the live model's, over all.

    Attributes:
      bleu: In points.
      low, high: Its 95 % confidence interval (paired bootstrap, percentiles).
    """

    bleu: float
    low: float
    high: float

    @property
    def outcome(self) -> Outcome:
        """What the difference means: nothing where its interval holds 0."""
        if self.low > 0:
            return "improved"
        return "worse" if self.high < 0 else "not distinguishable"


class Verdict(_Record):
    """What the gate decided about one candidate, with everything that it decided on.

    Attributes:
      blessed: Whether the candidate may be pushed.
      has_baseline: Whether there was a live model to compare with; the first model has only the
        floor.
      live_version: The version that the live model is served as, where the reader of the verdict
        was told.
      difference: Of the candidate from the live model; None where there is none.
      checks: All checks that counted.
      unjudged: Slices that are too small to count, with their sentences.
      problems: Failures of the validation beside the checks, in words.
      metrics: By slice, then by model (`candidate`, `baseline`), then by metric.
      signatures: How each score is made.
    """

    blessed: bool
    has_baseline: bool
    live_version: str | None
    difference: Difference | None = None
    checks: tuple[Check, ...]
    unjudged: dict[str, int]
    problems: tuple[str, ...]
    metrics: dict[str, dict[str, dict[str, float]]]
    signatures: dict[str, str]

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that blocked the candidate."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the candidate is blocked, in sentences."""
        failed = (describe_failure(self, check) for check in self.failures)
        return (*failed, *self.problems)


def slice_name(feature: str, value: Any) -> str:
    """What a slice is called here, of a feature's name and one of its values."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return f"{feature}={text}"


def unservable_verdict(
    problems: Sequence[str], has_baseline: bool, live_version: str | None
) -> Verdict:
    """The verdict on an export that was not evaluated, because it cannot be served.

    Args:
      problems: What ServingValidator found, in sentences; at least one.
      has_baseline: Whether there is a live model.
      live_version: Its version, where it is known.
    """
    return Verdict(
        blessed=False,
        has_baseline=has_baseline,
        live_version=live_version,
        checks=(),
        unjudged={},
        problems=tuple(f"the export cannot be served: {problem}" for problem in problems),
        metrics={},
        signatures={},
    )


def describe_difference(verdict: Verdict) -> str | None:
    """One sentence on what the candidate is beside the live model, if there is one."""
    difference = verdict.difference
    if difference is None:
        return None
    return (
        f"{difference.outcome}: BLEU {difference.bleu:+.2f}, "
        f"95 % confidence interval {difference.low:+.2f} to {difference.high:+.2f}"
    )


def describe_failure(verdict: Verdict, check: Check) -> str:
    """One sentence on a check that failed, with what is behind a test's p-value."""
    value = "missing" if check.value is None else _number(check.value)
    sentence = (
        f"{check.metric} of {check.slice} is {value}, must be {check.rule} {_number(check.bound)}"
    )
    models = verdict.metrics.get(check.slice, {})
    scores = [models.get(model, {}).get(BLEU) for model in (BASELINE, CANDIDATE)]
    if check.metric not in (DROP, P_VALUE) or None in scores:
        return sentence
    return f"{sentence}: BLEU was {scores[0]:.2f} and is {scores[1]:.2f}"


def format_verdict(verdict: Verdict) -> str:
    """The verdict as plain text: each check, all scores by slice and model, how they are made."""
    names = [
        name
        for name in dict.fromkeys(
            metric
            for models in verdict.metrics.values()
            for metrics in models.values()
            for metric in metrics
        )
        if name not in _HIDDEN
    ]
    scores = [name for name in _SCORES if name in names]
    others = [name for name in names if name not in _SCORES]
    sections = [_headline(verdict)]
    if verdict.checks:
        sections.append(_check_table(verdict))
    sections += [_score_table(verdict, group) for group in (scores, others) if group]
    notes = [
        f"{name}: {sentences} sentences, too few to count"
        for name, sentences in verdict.unjudged.items()
    ]
    notes += [f"{name}: {how}" for name, how in verdict.signatures.items()]
    return "\n\n".join([*sections, "\n".join(notes)]).rstrip()


def _headline(verdict: Verdict) -> str:
    lines = ["BLESSED: the model may be pushed." if verdict.blessed else "BLOCKED:"]
    lines += [f"  {reason}" for reason in verdict.reasons]
    if not verdict.has_baseline:
        lines.append("No model is live yet: only the floor counts.")
    elif verdict.live_version:
        lines.append(f"The baseline is the live version {verdict.live_version}.")
    if sentence := describe_difference(verdict):
        lines.append(f"Beside it the model is {sentence}.")
    return "\n".join(lines)


def _check_table(verdict: Verdict) -> str:
    rows = [
        (
            check.metric,
            check.slice,
            "missing" if check.value is None else _number(check.value),
            check.rule,
            _number(check.bound),
            "pass" if check.passed else "FAIL",
        )
        for check in verdict.checks
    ]
    return _table(("check", "slice", "value", "rule", "bound", "result"), rows)


def _score_table(verdict: Verdict, names: Sequence[str]) -> str:
    rows = [
        (name, model, *(_number(metrics[metric]) if metric in metrics else "" for metric in names))
        for name, models in verdict.metrics.items()
        for model, metrics in models.items()
    ]
    return _table(("slice", "model", *names), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, ["-" * width for width in widths], *rows)
    ]
    return "\n".join(lines)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) >= 100 else f"{value:.4g}"
