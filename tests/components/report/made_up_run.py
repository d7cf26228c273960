"""A made-up run: facts for tests of the report, with attention of every pattern."""

import numpy as np

from components.gate.verdict import Check, Difference, Verdict
from components.ingestion_report import RejectedLine, SplitCounts
from components.parallel_text import Pair, Reason, Rejection
from components.report.coverage import measure_coverage
from components.report.facts import CorpusFacts, Interval, ReportFacts, SideStatistics
from components.report.sample import Sample
from components.report.sentences import read_sentences
from serving.attention.diagnostics import Pattern
from serving.contract.translation import Translation
from serving.export.report import ExportReport, Problem, RequestRecord

WORDS = ["eins", "zwei", "drei", "vier", "fünf", "sechs"]
HOSTILE = "<script>alert('&')</script>"


def translation(text: str, source: str, pattern: Pattern = Pattern.DIAGONAL, **changes):
    """Returns a translation with one subword per word, and attention with a pattern."""
    targets, sources = len(text.split()) + 1, len(source.split()) + 1
    weights = np.zeros((targets, sources), np.float32)
    for row in range(targets):
        column = min(row, sources - 1)
        if pattern is Pattern.SPREAD:
            weights[row] = 1 / sources
        elif pattern is Pattern.REORDERING:
            weights[row, max(sources - 2 - row, 0)] = 1
        elif pattern is Pattern.SPURIOUS:
            weights[row, -1] = 1
        else:
            weights[row, column] = 1
    values = {
        "text": text,
        "score": -1.0,
        "source_tokens": (*(f"▁{word}" for word in source.split()), "</s>"),
        "target_tokens": (*(f"▁{word}" for word in text.split()), "</s>"),
        "attention": weights,
        "truncated": False,
    }
    return Translation(**(values | changes))


def sentences(with_live: bool = False):
    """Returns five sentences of each pattern; the live model does better on every other one."""
    pairs, ours, theirs = [], [], []
    for pattern in Pattern:
        for number in range(5):
            source = f"one two three four {pattern} {number}"
            reference = f"eins zwei drei vier fünf {number}"
            pairs.append((source, reference))
            worse = f"eins zwei drei acht neun {number}"
            ours.append(translation(worse if number % 2 else reference, source, pattern))
            theirs.append(translation(reference if number % 2 else worse, source))
    return pairs, read_sentences(pairs, ours, theirs if with_live else None)


def verdict(*, blessed: bool = True, with_live: bool = False) -> Verdict:
    """Returns a verdict over all and in two buckets; one of these is too small."""
    numbers = {"sentence_count": 20.0, "bleu": 31.25, "chrf": 55.5, "a_metric_of_tomorrow": 0.125}
    live = {"sentence_count": 20.0, "bleu": 30.0, "chrf": 55.0}
    against = {"bleu_drop": -1.25, "bleu_difference_low": -0.5, "bleu_difference_high": 3.0}
    models = {"candidate": numbers}
    if with_live:
        models = {"candidate": numbers | against, "baseline": live}
    floor = Check(
        metric="bleu",
        slice="overall",
        value=31.25,
        rule="at least",
        bound=15 if blessed else 50,
        passed=blessed,
    )
    return Verdict(
        blessed=blessed,
        has_baseline=with_live,
        live_version="17" if with_live else None,
        checks=(floor,),
        unjudged={"length_bucket=11-20": 3},
        problems=(),
        metrics={
            "overall": models,
            "length_bucket=01-10": models,
            "length_bucket=11-20": models,
        },
        signatures={"bleu": "nrefs:1|case:mixed", "chrf": "nrefs:1|nc:6"},
        difference=Difference(points=1.25, low=-0.5, high=3.0) if with_live else None,
    )


def serving(*problems: str) -> ExportReport:
    """Returns a report of ServingValidator."""
    return ExportReport(
        model="model",
        problems=tuple(Problem("load", problem) for problem in problems),
        requests=(RequestRecord("one sentence", "serving_default", 1, 0.25),),
    )


def corpus() -> CorpusFacts:
    """Returns the facts of a corpus with one rejected line."""
    splits = {}
    for split in ("train", "validation", "test"):
        counts = SplitCounts(shards=1)
        counts.add_pair(Pair(b"a b", b"c d e", 2, 3, 3, 5))
        splits[split] = counts
    rejection = Rejection(Reason.WRONG_COLUMNS, "3 columns")
    splits["train"].add_rejected(
        RejectedLine.of("train-0.tsv", 7, f"{HOSTILE}\tx\ty".encode(), rejection)
    )
    return CorpusFacts(splits, [SideStatistics("train", "source", 1, HOSTILE, 2)])


def facts(*, blessed: bool = True, with_live: bool = False, **changes) -> ReportFacts:
    """Returns the facts of a whole run."""
    pairs, translated = sentences(with_live)
    history = [
        {
            "epoch": epoch,
            "step": 10 * epoch,
            "seconds": 2.0,
            "train_loss": 5 / epoch,
            "validation_loss": 4 / epoch,
            "validation_bleu": 10.0 * epoch,
        }
        for epoch in (1, 2, 3)
    ]
    values = {
        "card": {"name": "captions", "source_language": "en", "target_language": "de"},
        "live_card": {"history": history[:2]} if with_live else {},
        "verdict": verdict(blessed=blessed, with_live=with_live),
        "serving": serving(),
        "history": history,
        "corpus": corpus(),
        "sample": Sample(pairs, 50, seed=3),
        "notes": [],
        "sentences": translated,
        "coverage": {
            "source": measure_coverage(each.candidate.source_tokens for each in translated),
            "target": measure_coverage(each.candidate.target_tokens for each in translated),
        },
        "interval": Interval(31.0, 29.5, 33.0, 1000),
    }
    return ReportFacts(**(values | changes))
