"""Gathers the content of the report: both models translate the sample, and the rest is added."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from components.gate.verdict import Verdict
from components.report.coverage import measure_coverage
from components.report.facts import CorpusFacts, ReportFacts, score_interval
from components.report.sample import Sample
from components.report.sentences import read_sentences
from serving.export.report import ExportReport
from serving.local.sample_translation import Answers, NoAnswerError, ask_about_sample

LOGGER = logging.getLogger(__name__)
_SECONDS_TO_START = 300
_SECONDS_PER_SENTENCE = 2.0
"""A beam search of a long sentence on a busy processor takes a few tenths of a second."""


@dataclass(frozen=True)
class Gathered:
    """The content of a run's artifacts."""

    card: str | None
    """The text of the candidate's model card."""
    live_card: str | None
    history: str | None
    """The text of the training history."""
    verdict: Verdict
    serving: ExportReport
    corpus: CorpusFacts
    sample: Sample
    export: str
    """The folder of the candidate's SavedModel, loaded only if `serving` passed."""
    live_export: str | None
    """The live model's folder; None if no model was live."""
    resamples: int
    """Number of bootstrap resamples."""


def gather(found: Gathered) -> ReportFacts:
    """Translates the sample and combines everything for the report.

    If a model fails there is still a report; its notes name the missing parts.

    Raises:
      OutsideCauseError: a translating process was killed; TFX would cache a report without it.
    """
    notes: list[str] = []
    ours = theirs = None
    if not found.serving.passed:
        notes.append("Nothing was translated for this report, because the export cannot be served.")
    else:
        ours = _translate(found.export, "This model", found.sample, notes)
    if ours is not None and found.live_export is not None:
        theirs = _translate(found.live_export, "The live model", found.sample, notes)
    facts = ReportFacts(
        card=_mapping(found.card),
        live_card=_mapping(found.live_card),
        verdict=found.verdict,
        serving=found.serving,
        history=[] if found.history is None else json.loads(found.history),
        corpus=found.corpus,
        sample=found.sample,
        notes=notes,
    )
    if ours is None:
        return facts
    pairs = found.sample.pairs
    return replace(
        facts,
        sentences=read_sentences(pairs, ours.translations, theirs.translations if theirs else None),
        coverage={
            "source": measure_coverage(each.source_tokens for each in ours.references),
            "target": measure_coverage(each.target_tokens for each in ours.references),
        },
        interval=score_interval(
            found.verdict,
            [translation.text for translation in ours.translations],
            [reference for _, reference in pairs],
            resamples=found.resamples,
            seed=found.sample.seed,
        ),
    )


def _translate(folder: str, name: str, sample: Sample, notes: list[str]) -> Answers | None:
    """Translates the sample with a model; if this fails, adds a note and returns None."""
    texts = [source for source, _ in sample.pairs]
    references = [reference for _, reference in sample.pairs]
    seconds = _SECONDS_TO_START + _SECONDS_PER_SENTENCE * len(texts)
    try:
        return ask_about_sample(folder, texts, references, max_seconds=seconds)
    except NoAnswerError as error:
        LOGGER.warning("%s did not translate the report's sample: %s", name, error)
        notes.append(f"{name} did not translate the sample of this report: {error}.")
        return None


def _mapping(text: str | None) -> Mapping[str, Any]:
    """Reads a model card; empty if it is missing or damaged."""
    try:
        card = json.loads(text or "{}")
    except ValueError:
        return {}
    return card if isinstance(card, dict) else {}
