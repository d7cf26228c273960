"""All that a report tells, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from components.gate.paired_bootstrap import paired_bootstrap
from components.gate.translation_statistics import resampled_statistics
from components.gate.verdict import Verdict
from components.ingestion_report import SplitCounts
from components.report.coverage import Coverage
from components.report.sample import Sample
from components.report.sentences import Sentence
from serving.export.report import ExportReport


@dataclass(frozen=True)
class SideStatistics:
    """What StatisticsGen counted of one side of one split."""

    split: str
    side: str
    distinct: int
    """Different texts."""
    most_frequent: str
    times: int
    """How often that one occurs."""


@dataclass(frozen=True)
class CorpusFacts:
    """What became of the corpus."""

    splits: Mapping[str, SplitCounts]
    sides: Sequence[SideStatistics]

    @property
    def total(self) -> SplitCounts:
        """The counts of all splits together."""
        return SplitCounts.sum(self.splits.values())


@dataclass(frozen=True)
class Interval:
    """BLEU of the candidate on the sample, with its 95 % percentile bootstrap interval."""

    bleu: float
    low: float
    high: float
    resamples: int


@dataclass(frozen=True)
class ReportFacts:
    """A run, for its report."""

    card: Mapping[str, Any]
    """The candidate's `model_card.json`."""
    live_card: Mapping[str, Any]
    """The live model's; empty without one."""
    verdict: Verdict
    serving: ExportReport
    history: Sequence[Mapping[str, float]]
    """Of the training, an entry for each epoch (`trainer.training`)."""
    corpus: CorpusFacts
    sample: Sample
    notes: Sequence[str]
    """Sentences that say what is missing, and why."""
    sentences: Sequence[Sentence] = ()
    """The sample, translated; empty where it could not be."""
    coverage: Mapping[str, Coverage] = field(default_factory=dict)
    """By side, `source` and `target`; of the sample."""
    interval: Interval | None = None

    @property
    def languages(self) -> tuple[str | None, str | None]:
        """The codes of both languages, if the card tells."""
        codes = [self.card.get(f"{side}_language") for side in ("source", "target")]
        source, target = (code if isinstance(code, str) else None for code in codes)
        return source, target


def read_corpus_facts(ingestion: str, sides: Sequence[SideStatistics]) -> CorpusFacts:
    """Reads ExampleGen's report.

    Args:
      ingestion: the text of `ingestion.json`.
      sides: from StatisticsGen.
    """
    splits = json.loads(ingestion)["splits"]
    return CorpusFacts(
        {name: SplitCounts.from_json(json.dumps(counts)) for name, counts in splits.items()}, sides
    )


def bleu_interval(
    hypotheses: Sequence[str], references: Sequence[str], *, resamples: int, seed: int
) -> Interval:
    """Resamples a test set to see how far its BLEU depends on the choice of its sentences.

    Args:
      hypotheses: translations [n], at least one.
      references: of each [n].
      resamples: how many test sets are drawn.
      seed: of the drawing.
    """
    statistics = resampled_statistics("bleu")
    rows = np.array(
        [statistics.row(*pair) for pair in zip(hypotheses, references, strict=True)], np.int64
    )
    # A baseline that says nothing has BLEU 0 on every test set, so the difference is the score.
    nothing = np.zeros_like(rows)
    found = paired_bootstrap(rows, nothing, statistics.scores, resamples, seed)
    return Interval(found.difference, found.low, found.high, resamples)
