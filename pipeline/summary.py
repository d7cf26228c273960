"""The short answer at the end of a run: scores, verdict, where the model lies, what to type
next."""

import os
import shutil
import sys
from dataclasses import asdict, dataclass

from components.verdict import BASELINE, CANDIDATE, OVERALL, Verdict, describe_difference

_SLICE_PREFIX = "length_bucket="


@dataclass(frozen=True)
class Summary:
    """What a run came to."""

    pipeline: str
    verdict: Verdict
    is_servable: bool
    """Whether ServingValidator blessed the export."""
    serving_problems: list[str]
    export: str
    """The folder of the model that was trained, whatever the gate said of it."""
    pushed_to: str | None
    """The version's folder, if the model was pushed, now or when the cached step ran."""
    not_pushed: str | None
    """Why the model was not pushed, in a sentence."""
    is_live: bool
    """Whether that is the version that is served now."""
    cached_nodes: int
    nodes: int
    seconds: float
    log: str
    """The file that holds all output."""
    report: str
    """The file that holds the whole verdict."""
    html_report: str
    """The file that shows all of it, to be opened in a browser."""
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


def program() -> str:
    """How the user calls us: `nmt` where that is on the path, else the path that was typed."""
    called = sys.argv[0]
    on_path = shutil.which("nmt")
    if on_path and os.path.exists(called) and os.path.samefile(on_path, called):
        return "nmt"
    return "python -m pipeline" if called.endswith("__main__.py") else os.path.relpath(called)


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
    """Where the model lies, or why it was not pushed."""
    if summary.pushed_to:
        return summary.pushed_to
    if summary.verdict.blessed and summary.is_servable and summary.not_pushed:
        return f"not pushed. {summary.not_pushed}"
    return "not pushed; what was live stays live"


def _score_table(verdict: Verdict) -> list[str]:
    columns = ("bleu", "chrf", "sentence_count")
    header = f"{'source words':<14}{'BLEU':>8}{'chrF':>8}{'sentences':>12}"
    rows = [header + (f"{'live BLEU':>12}" if verdict.has_baseline else "")]
    for name, models in verdict.metrics.items():
        bleu, chrf, sentences = (models[CANDIDATE].get(column, float("nan")) for column in columns)
        label = "all" if name == OVERALL else name.removeprefix(_SLICE_PREFIX)
        row = f"{label:<14}{bleu:>8.2f}{chrf:>8.2f}{sentences:>12,.0f}"
        rows.append(row + (f"{models[BASELINE]['bleu']:>12.2f}" if verdict.has_baseline else ""))
    return rows


def _checks(summary: Summary) -> list[str]:
    lines = []
    if sentence := describe_difference(summary.verdict):
        lines += [f"beside the live model: {sentence}", ""]
    for check in summary.verdict.checks:
        decimals = 4 if check.metric.endswith("p_value") else 2
        # Adding 0 turns a negative zero into a plain one.
        value = "missing" if check.value is None else f"{check.value + 0.0:.{decimals}f}"
        mark = "pass" if check.passed else "FAIL"
        place = "all" if check.slice == OVERALL else check.slice.removeprefix(_SLICE_PREFIX)
        lines.append(
            f"{mark}  {check.metric} ({place}) {value}, must be {check.rule} {check.bound:g}"
        )
    if summary.is_servable:
        lines += [f"FAIL  {problem}" for problem in summary.verdict.problems]
        lines.append("pass  a clean process loads the export and answers requests")
    lines += [f"FAIL  serving: {problem}" for problem in summary.serving_problems]
    return lines


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
