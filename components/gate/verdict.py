"""The verdict of the gate: which numbers were held against which bounds, and the words for them.

Free of TFX and TFMA, so that whoever reads verdicts starts quickly.
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

LENGTH_BUCKET = "length_bucket="

_METRICS = {
    SENTENCES: "sentences",
    BLEU: "BLEU",
    "chrf": "chrF",
    "ter": "TER",
    DROP: "drop of BLEU",
    P_VALUE: "p-value of the drop",
    ADJUSTED_P_VALUE: "adjusted p-value of the drop",
    GAIN_P_VALUE: "p-value of the gain",
    LOW: "difference of BLEU, lower bound",
    HIGH: "difference of BLEU, upper bound",
}

Outcome = Literal["improved", "not distinguishable", "worse"]
Rule = Literal["at least", "at most"]


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
    rule: Rule
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
        failed = (_failure(self, check) for check in self.failures)
        return (*failed, *self.problems)


def slice_key(feature: str, value: Any) -> str:
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


def describe_check(check: Check, where: str | None = None) -> str:
    """One line on a check: `BLEU (all) is 28.05, must be at least 25`.

    Args:
      check: passed or not.
      where: the slice in other words than `slice_name`'s.
    """
    decimals = 4 if check.metric.endswith("p_value") else 2
    # Adding 0 turns a negative zero into a plain one.
    value = "missing" if check.value is None else f"{check.value + 0.0:.{decimals}f}"
    place = where or slice_name(check.slice)
    return f"{metric_name(check.metric)} ({place}) is {value}, must be {check.rule} {check.bound:g}"


def metric_name(metric: str) -> str:
    """What a reader calls a metric; one that is not known here keeps its own name."""
    return _METRICS.get(metric, metric.replace("_", " "))


def slice_name(name: str) -> str:
    """What a reader calls a slice: `length_bucket=01-10` is `1–10 words`."""
    if name == OVERALL:
        return "all"
    if not is_length_bucket(name):
        return name
    bounds = name.removeprefix(LENGTH_BUCKET).split("-")
    return "–".join(bound.lstrip("0") or "0" for bound in bounds) + " words"


def is_length_bucket(name: str) -> bool:
    """Whether a slice is one of sentence length."""
    return name.startswith(LENGTH_BUCKET)


def _failure(verdict: Verdict, check: Check) -> str:
    """A check that failed, with the scores behind the p-value of a test."""
    sentence = describe_check(check)
    models = verdict.metrics.get(check.slice, {})
    scores = [models.get(model, {}).get(BLEU) for model in (BASELINE, CANDIDATE)]
    if check.metric not in (DROP, P_VALUE) or None in scores:
        return sentence
    return f"{sentence}: BLEU was {scores[0]:.2f} and is {scores[1]:.2f}"
