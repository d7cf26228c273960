"""How a report writes names and numbers."""

from __future__ import annotations

import math

from components.gate.verdict import OVERALL

_METRICS = {
    "sentence_count": "sentences",
    "bleu": "BLEU",
    "chrf": "chrF",
    "ter": "TER",
    "bleu_drop": "drop of BLEU",
    "bleu_drop_p_value": "p-value of the drop",
    "bleu_drop_adjusted_p_value": "adjusted p-value of the drop",
    "bleu_gain_p_value": "p-value of the gain",
    "bleu_difference_low": "difference of BLEU, lower bound",
    "bleu_difference_high": "difference of BLEU, upper bound",
}
_BUCKET = "length_bucket="


def metric_name(metric: str) -> str:
    """Returns what a reader calls a metric; one that is not known here keeps its own name."""
    return _METRICS.get(metric, metric.replace("_", " "))


def slice_name(name: str) -> str:
    """Returns what a reader calls a slice: `length_bucket=01-10` is `1-10 words`."""
    if name == OVERALL:
        return "all"
    if not name.startswith(_BUCKET):
        return name
    bounds = name.removeprefix(_BUCKET).split("-")
    return "–".join(bound.lstrip("0") or "0" for bound in bounds) + " words"


def is_length_bucket(name: str) -> bool:
    """Whether a slice is one of sentence length."""
    return name.startswith(_BUCKET)


def number(value: float | None, decimals: int = 2) -> str:
    """Writes a number with a real minus sign; `missing` for none."""
    if value is None:
        return "missing"
    if not math.isfinite(value):
        return str(value)
    # Adding 0 turns a negative zero into a plain one.
    return f"{round(value, decimals) + 0.0:,.{decimals}f}".replace("-", "−")


def signed(value: float, decimals: int = 2) -> str:
    """Writes a difference, `+` where it is positive."""
    written = number(value, decimals)
    return f"+{written}" if round(value, decimals) > 0 else written


def short(value: float | None) -> str:
    """Writes any metric: whole numbers whole, others with four digits."""
    if value is None or not math.isfinite(value):
        return number(value)
    if value == int(value):
        return number(value, 0)
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    return number(value, min(digits, 4))


def percent(share: float, decimals: int = 1) -> str:
    """Writes a share of 1."""
    return f"{number(100 * share, decimals)} %"


def counted(count: int, noun: str) -> str:
    """Writes a count with its noun, which is regular."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Writes a time in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
