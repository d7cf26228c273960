"""The summary at the end of a run: scores, verdict, place of the model, and the next command."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from components.gate.verdict import (
    BASELINE,
    CANDIDATE,
    LENGTH_BUCKET,
    OVERALL,
    SENTENCES,
    Check,
    Verdict,
    describe_check,
    describe_difference,
    describe_judge,
    is_length_bucket,
)
from trainer.scoring import METRIC_NAMES

_SHOWN_VALUES = 5
"""Largest number of slices of one feature in the table of scores: those with most sentences."""


@dataclass(frozen=True)
class Summary:
    """The results of a run."""

    pipeline: str
    verdict: Verdict
    is_servable: bool
    """Whether ServingValidator blessed the export."""
    serving_problems: list[str]
    export: str
    """The folder of the trained model, blessed or not."""
    pushed_to: str | None
    """The version's folder, if the model was pushed, in this run or in the cached one."""
    not_pushed: str | None
    """The reason why the model was not pushed, in a sentence."""
    is_live: bool
    """Whether the model is blessed and served now."""
    cached_nodes: int
    nodes: int
    seconds: float
    log: str
    """The file with all output."""
    report: str
    """The file with the whole verdict."""
    html_report: str
    """The HTML file with the report of the run."""
    next_command: str

    def as_json(self) -> dict[str, object]:
        """Returns plain values."""
        return asdict(self) | {"verdict": self.verdict.model_dump(mode="json")}


def format_summary(summary: Summary) -> str:
    """Renders a summary as plain text."""
    cached = f"{summary.cached_nodes} of {summary.nodes} nodes from the cache"
    return "\n".join(
        [
            "",
            _headline(summary),
            "",
            *_score_table(summary.verdict),
            "",
            *_checks(summary),
            "",
            *(
                f"{name:<8} {summary.verdict.signatures[name]}"
                for name in ("bleu", "chrf")
                if name in summary.verdict.signatures
            ),
            f"{'model':<8} {_place(summary)}",
            f"{'verdict':<8} {summary.report}",
            f"{'report':<8} {summary.html_report}",
            f"{'log':<8} {summary.log}",
            f"{'time':<8} {_duration(summary.seconds)}, {cached}",
            f"{'next':<8} {summary.next_command}",
        ]
    )


def _headline(summary: Summary) -> str:
    if summary.is_live:
        return f"{summary.pipeline}: BLESSED and pushed"
    if not summary.is_servable:
        return f"{summary.pipeline}: BLOCKED, the export cannot be served"
    if not summary.verdict.blessed:
        return f"{summary.pipeline}: BLOCKED by the gate"
    if summary.pushed_to:
        return f"{summary.pipeline}: BLESSED and pushed earlier, but another version is live now"
    return f"{summary.pipeline}: BLESSED and not pushed"


def _place(summary: Summary) -> str:
    """Returns the place of the pushed model, or the reason why it was not pushed."""
    if summary.pushed_to:
        return summary.pushed_to
    if summary.verdict.blessed and summary.is_servable and summary.not_pushed:
        return f"not pushed. {summary.not_pushed}"
    return "not pushed; the live model stays live"


def _score_table(verdict: Verdict) -> list[str]:
    columns = ("bleu", "chrf", SENTENCES)
    names, unseen = _shown_slices(verdict)
    width = max([14, *(len(_label(name)) + 2 for name in names)])
    header = f"{'source words':<{width}}{'BLEU':>8}{'chrF':>8}{'sentences':>12}"
    live = f"live {METRIC_NAMES[verdict.metric]}"
    rows = [header + (f"{live:>12}" if verdict.has_baseline else "")]
    for name in names:
        models = verdict.metrics[name]
        bleu, chrf, sentences = (models[CANDIDATE].get(column, float("nan")) for column in columns)
        row = f"{_label(name):<{width}}{bleu:>8.2f}{chrf:>8.2f}{sentences:>12,.0f}"
        live = f"{models[BASELINE][verdict.metric]:>12.2f}" if verdict.has_baseline else ""
        rows.append(row + live)
    return rows + [
        f"{feature}: {count:,} more with fewer sentences, see the verdict"
        for feature, count in unseen.items()
    ]


def _shown_slices(verdict: Verdict) -> tuple[list[str], dict[str, int]]:
    """Returns the slices of the table, and the number of slices left out of each feature.

    The table shows all sentences, the length buckets, and the largest slices of each other feature.
    """
    always = [name for name in verdict.metrics if not _feature(name)]
    of_feature: defaultdict[str, list[str]] = defaultdict(list)
    for name in verdict.metrics:
        if feature := _feature(name):
            of_feature[feature].append(name)
    shown, unseen = [], {}
    for feature, names in of_feature.items():
        largest = sorted(names, key=lambda name: -verdict.metrics[name][CANDIDATE][SENTENCES])
        shown += largest[:_SHOWN_VALUES]
        if len(names) > _SHOWN_VALUES:
            unseen[feature] = len(names) - _SHOWN_VALUES
    return always + shown, unseen


def _feature(name: str) -> str:
    """Returns the feature of a slice; empty for all sentences and for length buckets."""
    feature, is_slice, _ = name.partition("=")
    return feature if is_slice and not is_length_bucket(name) else ""


def _label(name: str) -> str:
    return "all" if name == OVERALL else name.removeprefix(LENGTH_BUCKET)


def _checks(summary: Summary) -> list[str]:
    lines = []
    if summary.verdict.metric != "bleu" and (judged := describe_judge(summary.verdict)):
        lines += [judged, ""]
    if sentence := describe_difference(summary.verdict):
        lines += [f"beside the live model: {sentence}", ""]
    passed: defaultdict[tuple[str, str], list[Check]] = defaultdict(list)
    for check in summary.verdict.checks:
        if check.passed and _feature(check.slice):
            passed[check.metric, _feature(check.slice)].append(check)
        else:
            lines.append(_check_line(check))
    lines += [_closest_of(checks, feature) for (_, feature), checks in passed.items()]
    if summary.is_servable:
        lines += [f"FAIL  {problem}" for problem in summary.verdict.problems]
        lines.append("pass  a clean process loads the export and answers requests")
    lines += [f"FAIL  serving: {problem}" for problem in summary.serving_problems]
    return lines


def _check_line(check: Check, where: str | None = None) -> str:
    return f"{'pass' if check.passed else 'FAIL'}  {describe_check(check, where)}"


def _closest_of(checks: Sequence[Check], feature: str) -> str:
    """Returns one line for all passed slices of a feature: the slice with the smallest p-value.

    The p-value is the only bounded number of these slices.
    """
    closest = min(checks, key=lambda check: check.value or 0.0)
    if len(checks) == 1:
        return _check_line(closest)
    return _check_line(closest, f"{feature}, the lowest of {len(checks):,}: {closest.slice}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
