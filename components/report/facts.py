"""The content of a report, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from components.gate.paired_bootstrap import paired_bootstrap
from components.gate.verdict import Verdict
from components.ingestion_report import SplitCounts
from components.report.coverage import Coverage
from components.report.sample import Sample
from components.report.sentences import Sentence
from serving.export.report import ExportReport
from trainer.translation_statistics import resampled_statistics


@dataclass(frozen=True)
class SideStatistics:
    """StatisticsGen's counts of one side of one split."""

    split: str
    side: str
    distinct: int
    """Number of different texts."""
    most_frequent: str
    times: int
    """Number of times the most frequent text occurs."""


@dataclass(frozen=True)
class CorpusFacts:
    """Counts and statistics of the corpus."""

    splits: Mapping[str, SplitCounts]
    sides: Sequence[SideStatistics]

    @property
    def total(self) -> SplitCounts:
        """The counts of all splits together."""
        return SplitCounts.sum(self.splits.values())


@dataclass(frozen=True)
class Interval:
    """A score of the candidate on the sample, with its 95 % percentile bootstrap interval."""

    score: float
    low: float
    high: float
    resamples: int


@dataclass(frozen=True)
class ReportFacts:
    """The content of a run's report."""

    card: Mapping[str, Any]
    """The candidate's `model_card.json`."""
    live_card: Mapping[str, Any]
    """The live model's card; empty without a live model."""
    verdict: Verdict
    serving: ExportReport
    history: Sequence[Mapping[str, float]]
    """History of the training, an entry for each epoch (`trainer.training`)."""
    corpus: CorpusFacts
    sample: Sample
    notes: Sequence[str]
    """Sentences about the missing parts, with the reasons."""
    sentences: Sequence[Sentence] = ()
    """The translated sample; empty if the translation failed."""
    coverage: Mapping[str, Coverage] = field(default_factory=dict)
    """Coverage of the sample by side, `source` and `target`."""
    interval: Interval | None = None

    @property
    def languages(self) -> tuple[str | None, str | None]:
        """The codes of both languages, or None if the card lacks them."""
        codes = [self.card.get(f"{side}_language") for side in ("source", "target")]
        source, target = (code if isinstance(code, str) else None for code in codes)
        return source, target


def read_corpus_facts(ingestion: str, sides: Sequence[SideStatistics]) -> CorpusFacts:
    """Reads ExampleGen's report.

    Args:
      ingestion: the text of `ingestion.json`.
      sides: counts from StatisticsGen.
    """
    splits = json.loads(ingestion)["splits"]
    return CorpusFacts(
        {name: SplitCounts.from_json(json.dumps(counts)) for name, counts in splits.items()}, sides
    )


def score_interval(
    verdict: Verdict,
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    resamples: int,
    seed: int,
) -> Interval:
    """Computes the score that judged with its interval, by resampling the test set.

    Args:
      verdict: names the metric and the tokeniser.
      hypotheses: translations [n], at least one.
      references: reference of each translation [n].
      resamples: number of test sets to draw.
      seed: seed of the resampling.
    """
    statistics = resampled_statistics(verdict.metric, verdict.tokeniser)
    rows = np.array(
        [statistics.row(*pair) for pair in zip(hypotheses, references, strict=True)], np.int64
    )
    # An empty baseline has the score 0 on every test set, so the difference is the score itself.
    nothing = np.zeros_like(rows)
    found = paired_bootstrap(rows, nothing, statistics.scores, resamples, seed)
    return Interval(found.difference, found.low, found.high, resamples)
