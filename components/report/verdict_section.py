"""What the gate decided, on which scores, and the scores by sentence length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.gate.verdict import (
    BASELINE,
    CANDIDATE,
    OVERALL,
    Check,
    Verdict,
    describe_difference,
)
from components.report.charts import Series, groups_axis, line_chart
from components.report.facts import ReportFacts
from components.report.markup import Content, Html, details, join, table, tag
from components.report.wording import (
    counted,
    is_length_bucket,
    metric_name,
    number,
    short,
    signed,
    slice_name,
)

_SENTENCES = "sentence_count"


def decision(facts: ReportFacts) -> Html:
    """Writes the decision in a few words, with its reasons."""
    verdict, serving = facts.verdict, facts.serving
    passed = verdict.blessed and serving.passed
    reasons = [_reason(check) for check in verdict.failures]
    reasons += [*verdict.problems, *(f"The export: {problem}" for problem in serving.problems)]
    if passed:
        said = "Blessed: every check passed, so the model may be pushed."
    elif verdict.blessed:
        said = "Blocked: the export cannot be served. What was live stays live."
    else:
        said = "Blocked by the gate. What was live stays live."
    return tag(
        "div",
        tag("p", tag("b", "✓ " if passed else "✗ ", aria_hidden="true"), said),
        tag("ul", [tag("li", reason) for reason in reasons]) if reasons else None,
        tag("p", _compared_with(verdict), class_="note"),
        class_=f"decision {'passed' if passed else 'failed'}",
    )


def tiles(facts: ReportFacts) -> Html:
    """Writes the few numbers that everybody asks for."""
    models = facts.verdict.metrics.get(OVERALL, {})
    ours, theirs = models.get(CANDIDATE, {}), models.get(BASELINE, {})
    shown: list[tuple[str, str, str]] = []
    for metric in ("bleu", "chrf"):
        if metric not in ours:
            continue
        beside = "no live model yet"
        if metric in theirs:
            beside = f"live {number(theirs[metric])}, {signed(ours[metric] - theirs[metric])}"
        shown.append((metric_name(metric), number(ours[metric]), beside))
    if _SENTENCES in ours:
        shown.append(("test sentences", number(ours[_SENTENCES], 0), "that training never saw"))
    if facts.history:
        best = max(entry["validation_bleu"] for entry in facts.history)
        shown.append(
            ("validation BLEU", number(best), f"best of {counted(len(facts.history), 'epoch')}")
        )
    return tag(
        "dl",
        [
            tag("div", tag("dt", name), tag("dd", tag("b", value), tag("span", beside)))
            for name, value, beside in shown
        ],
        class_="tiles",
    )


def verdict_section(facts: ReportFacts) -> Html:
    """Writes every check, and the trial of the export."""
    verdict = facts.verdict
    checks = table(
        "Every number that was held against a bound",
        ("check", "sentences", "value", "must be", "result"),
        [
            (
                metric_name(check.metric),
                slice_name(check.slice),
                short(check.value),
                f"{check.rule} {check.bound:g}",
                "pass" if check.passed else "FAIL",
            )
            for check in verdict.checks
        ],
        numbers=(2,),
        row_classes=["passed" if check.passed else "failed" for check in verdict.checks],
    )
    small = [
        f"{slice_name(name)}: {counted(count, 'sentence')}, too few to count."
        for name, count in verdict.unjudged.items()
    ]
    return join(checks, tag("p", " ".join(small), class_="note") if small else None, _trial(facts))


def scores_section(facts: ReportFacts) -> Html:
    """Writes scores with their signatures, and the length curve."""
    verdict = facts.verdict
    return join(
        _length_curve(verdict),
        _main_scores(verdict),
        _interval(facts),
        details("Every metric", _all_metrics(verdict)),
        tag(
            "dl",
            [
                (tag("dt", metric_name(name)), tag("dd", tag("code", how)))
                for name, how in verdict.signatures.items()
            ],
            class_="facts",
        ),
    )


def _reason(check: Check) -> str:
    return (
        f"{metric_name(check.metric)} ({slice_name(check.slice)}) is {short(check.value)}, "
        f"must be {check.rule} {check.bound:g}"
    )


def _compared_with(verdict: Verdict) -> str:
    if not verdict.has_baseline:
        return "It is the first model: none is live to compare with, so only the floor counts."
    version = f", version {verdict.live_version}" if verdict.live_version else ""
    said = f"It was compared with the model that was live then{version}."
    difference = describe_difference(verdict)
    return f"{said} Beside it this one is {difference}." if difference else said


def _trial(facts: ReportFacts) -> Html:
    """Writes what the clean process found."""
    report = facts.serving
    if report.passed:
        slowest = max(request.seconds for request in report.requests)
        said = (
            f"A clean process loaded the export and got {len(report.requests)} right answers, to "
            f"ordinary and odd texts; the slowest took {number(slowest)} s."
        )
        return tag("p", said)
    return join(
        tag("p", "A clean process that loaded the export found:"),
        tag("ul", [tag("li", str(problem)) for problem in report.problems]),
    )


def _length_curve(verdict: Verdict) -> Html | None:
    """BLEU by length of the source, of both models."""
    buckets = [name for name in verdict.metrics if is_length_bucket(name)]
    if not buckets:
        return None
    few = frozenset(place for place, name in enumerate(buckets) if name in verdict.unjudged)
    groups = [
        (slice_name(name), f"{short(verdict.metrics[name][CANDIDATE].get(_SENTENCES))} sent.")
        for name in buckets
    ]
    lines = [_bleu_line(verdict, buckets, CANDIDATE, "this model", few)]
    if verdict.has_baseline:
        lines.append(_bleu_line(verdict, buckets, BASELINE, "live model", few))
    chart = line_chart("BLEU by source length", groups_axis("", groups), lines)
    note = "Hollow points: too few sentences for the gate to count them." if few else None
    return join(chart, tag("p", note, class_="note") if note else None)


def _bleu_line(
    verdict: Verdict, buckets: Sequence[str], model: str, name: str, few: frozenset[int]
) -> Series:
    points = [
        (place, verdict.metrics[bucket].get(model, {}).get("bleu", float("nan")))
        for place, bucket in enumerate(buckets)
    ]
    return Series(name, "ours" if model == CANDIDATE else "theirs", points, few)


def _main_scores(verdict: Verdict) -> Html:
    head = ["slice", "sentences", "BLEU", "chrF"]
    if verdict.has_baseline:
        head += ["live BLEU", "live chrF", "difference of BLEU (95 % interval)"]
    rows = []
    for name, models in verdict.metrics.items():
        ours = models[CANDIDATE]
        row: list[Content] = [slice_name(name), short(ours.get(_SENTENCES))]
        row += [number(ours.get(metric)) for metric in ("bleu", "chrf")]
        if verdict.has_baseline:
            theirs = models.get(BASELINE, {})
            row += [number(theirs.get(metric)) for metric in ("bleu", "chrf")]
            row.append(_difference(ours))
        rows.append(row)
    caption = "Scores on the test split"
    return table(caption, head, rows, numbers=range(1, len(head)))


def _difference(metrics: Mapping[str, float]) -> str:
    drop = metrics.get("bleu_drop")
    if drop is None:
        return ""
    low, high = (metrics.get(f"bleu_difference_{side}") for side in ("low", "high"))
    if low is None or high is None:
        return signed(-drop)
    return f"{signed(-drop)} ({signed(low)} to {signed(high)})"


def _interval(facts: ReportFacts) -> Html | None:
    """How far the score depends on the choice of the test sentences."""
    found = facts.interval
    if found is None:
        return None
    where = "the test split" if facts.sample.is_whole else "this report's sample of the test split"
    return tag(
        "p",
        f"On {where} ({len(facts.sample.pairs):,} sentences) BLEU is {number(found.bleu)}, with a "
        f"95 % interval of {number(found.low)} to {number(found.high)}: percentiles over "
        f"{found.resamples:,} resampled test sets, seed {facts.sample.seed}.",
    )


def _all_metrics(verdict: Verdict) -> Html:
    """Whatever the Evaluator computed, under its own names."""
    columns = [(name, model) for name, models in verdict.metrics.items() for model in models]
    metrics = list(
        dict.fromkeys(metric for name, model in columns for metric in verdict.metrics[name][model])
    )
    kinds = {CANDIDATE: "this", BASELINE: "live"}
    head = [
        "metric",
        *(f"{slice_name(name)}, {kinds.get(model, model)}" for name, model in columns),
    ]
    rows = [
        (
            tag("code", metric),
            *(
                short(verdict.metrics[name][model][metric])
                if metric in verdict.metrics[name][model]
                else ""
                for name, model in columns
            ),
        )
        for metric in metrics
    ]
    caption = "Every metric, by slice and model"
    return table(caption, head, rows, numbers=range(1, len(head)))
