"""A verdict as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from components.gate.verdict import (
    ADJUSTED_P_VALUE,
    DROP,
    GAIN_P_VALUE,
    HIGH,
    LOW,
    P_VALUE,
    SENTENCES,
    Verdict,
    describe_difference,
    describe_judge,
    name_of,
)

_SCORES = (SENTENCES, "bleu", "chrf", "ter", "length_ratio")
_COMPARISONS = (DROP, P_VALUE, GAIN_P_VALUE, LOW, HIGH)


def format_verdict(verdict: Verdict) -> str:
    """Formats a verdict: each check, all scores by slice and model, and how they are computed."""
    names = [
        name
        for name in dict.fromkeys(
            metric
            for models in verdict.metrics.values()
            for metrics in models.values()
            for metric in metrics
        )
        # The text lists the single tests instead.
        if name != name_of(verdict.metric, ADJUSTED_P_VALUE)
    ]
    comparisons = [name_of(verdict.metric, quantity) for quantity in _COMPARISONS]
    scores = [name for name in (*_SCORES, *comparisons) if name in names]
    others = [name for name in names if name not in scores]
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
    if judged := describe_judge(verdict):
        lines.append(judged)
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
