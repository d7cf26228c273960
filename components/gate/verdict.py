"""The verdict of the gate: its numbers, their bounds, and their descriptions in words.

TFX and TFMA are not imported, so commands for reading verdicts start quickly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from trainer.scoring import METRIC_NAMES, Metric, Tokeniser

OVERALL = "overall"
CANDIDATE = "candidate"
BASELINE = "baseline"

SENTENCES = "sentence_count"
# Numbers of the comparison; `name_of` adds the metric that judges.
DROP = "drop"
P_VALUE = "drop_p_value"
ADJUSTED_P_VALUE = "drop_adjusted_p_value"
GAIN_P_VALUE = "gain_p_value"
LOW = "difference_low"
HIGH = "difference_high"

LENGTH_BUCKET = "length_bucket="

_COMPARISONS = {
    DROP: "drop of {}",
    P_VALUE: "p-value of the drop",
    ADJUSTED_P_VALUE: "adjusted p-value of the drop",
    GAIN_P_VALUE: "p-value of the gain",
    LOW: "difference of {}, lower bound",
    HIGH: "difference of {}, upper bound",
}
_METRICS: dict[str, str] = {SENTENCES: "sentences", "chrf++": "chrF++", "ter": "TER"}
for _metric, _name in METRIC_NAMES.items():
    _METRICS[_metric] = _name
    _METRICS |= {f"{_metric}_{key}": words.format(_name) for key, words in _COMPARISONS.items()}

Outcome = Literal["improved", "not distinguishable", "worse"]
Rule = Literal["at least", "at most"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Check(_Record):
    """The comparison of one number with its bound.

    Attributes:
      metric: Name of the number.
      slice: `overall`, or `feature=value`.
      value: The number. None if the evaluation does not contain it; the check then fails.
      rule: Whether the number must be at least or at most the bound.
      bound: The bound.
      passed: The decision of TFMA's validation.
    """

    metric: str
    slice: str
    value: float | None
    rule: Rule
    bound: float
    passed: bool


class Difference(_Record):
    """The candidate's score minus the live model's, over all.

    Attributes:
      points: In points of the metric that judges.
      low, high: Its 95 % confidence interval (paired bootstrap, percentiles).
    """

    points: float
    low: float
    high: float

    @property
    def outcome(self) -> Outcome:
        """`improved` or `worse` if the interval excludes 0, else `not distinguishable`."""
        if self.low > 0:
            return "improved"
        return "worse" if self.high < 0 else "not distinguishable"


class Verdict(_Record):
    """The gate's decision about one candidate, with the numbers behind it.

    Attributes:
      blessed: Whether the candidate may be pushed.
      has_baseline: Whether there was a live model for the comparison. For the first model only the
        floor is checked.
      live_version: The served version of the live model, if known.
      difference: Difference from the live model; None if there is none.
      checks: The checks behind the decision.
      unjudged: Slices too small to count, with their numbers of sentences.
      problems: Failures of the validation other than the checks, in words.
      metrics: Numbers by slice, then by model (`candidate`, `baseline`), then by metric.
      signatures: How each score is computed.
      metric: The metric that judged.
      tokeniser: sacreBLEU's tokeniser for BLEU.
      rule: Why this metric, in a sentence.
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
    metric: Metric = "bleu"
    tokeniser: Tokeniser = "13a"
    rule: str = ""

    @property
    def failures(self) -> tuple[Check, ...]:
        """The failed checks."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons for blocking the candidate, in sentences."""
        failed = (_failure(self, check) for check in self.failures)
        return (*failed, *self.problems)


def name_of(metric: str, quantity: str) -> str:
    """Returns the name of a number of a comparison: `chrf_drop`."""
    return f"{metric}_{quantity}"


def slice_key(feature: str, value: Any) -> str:
    """Returns the name of a slice, made from a feature's name and a value."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return f"{feature}={text}"


def unservable_verdict(
    problems: Sequence[str], has_baseline: bool, live_version: str | None
) -> Verdict:
    """Makes the verdict on an export not evaluated because it cannot be served.

    Args:
      problems: ServingValidator's problems, in sentences; at least one.
      has_baseline: Whether there is a live model.
      live_version: Its version, if known.
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
    """Compares the candidate with the live model in one sentence; None without a live model."""
    if verdict.difference is None:
        return None
    return difference_in_words(verdict.difference, verdict.metric)


def difference_in_words(difference: Difference, metric: Metric) -> str:
    """Returns a difference with its outcome and its interval: `improved: BLEU +2.53, ...`."""
    return (
        f"{difference.outcome}: {METRIC_NAMES[metric]} {difference.points:+.2f}, "
        f"95 % confidence interval {difference.low:+.2f} to {difference.high:+.2f}"
    )


def describe_judge(verdict: Verdict) -> str | None:
    """Says which metric judged, and why; None if nothing was evaluated."""
    return f"{METRIC_NAMES[verdict.metric]} judges: {verdict.rule}" if verdict.rule else None


def describe_check(check: Check, where: str | None = None) -> str:
    """Describes a check in one line: `BLEU (all) is 28.05, must be at least 25`.

    Args:
      check: passed or not.
      where: a description of the slice to use instead of `slice_name`'s.
    """
    decimals = 4 if check.metric.endswith("p_value") else 2
    # Adding 0 turns -0.0 into 0.0.
    value = "missing" if check.value is None else f"{check.value + 0.0:.{decimals}f}"
    place = where or slice_name(check.slice)
    return f"{metric_name(check.metric)} ({place}) is {value}, must be {check.rule} {check.bound:g}"


def metric_name(metric: str) -> str:
    """Returns a metric's name for readers; for an unknown metric, the key with spaces."""
    return _METRICS.get(metric, metric.replace("_", " "))


def slice_name(name: str) -> str:
    """Returns a slice's name for readers: `length_bucket=01-10` becomes `1–10 words`."""
    if name == OVERALL:
        return "all"
    if not is_length_bucket(name):
        return name
    bounds = name.removeprefix(LENGTH_BUCKET).split("-")
    return "–".join(bound.lstrip("0") or "0" for bound in bounds) + " words"


def is_length_bucket(name: str) -> bool:
    """Returns whether a slice is a bucket of sentence lengths."""
    return name.startswith(LENGTH_BUCKET)


def _failure(verdict: Verdict, check: Check) -> str:
    """Describes a failed check; a drop or its test with the scores of both models."""
    sentence = describe_check(check)
    models = verdict.metrics.get(check.slice, {})
    metric = verdict.metric
    scores = [models.get(model, {}).get(metric) for model in (BASELINE, CANDIDATE)]
    if check.metric not in (name_of(metric, DROP), name_of(metric, P_VALUE)) or None in scores:
        return sentence
    return f"{sentence}: {METRIC_NAMES[metric]} was {scores[0]:.2f} and is {scores[1]:.2f}"
