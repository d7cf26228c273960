"""The sentences of a sample with the translations of both models, and the choice of examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np

from serving.attention.corpus_diagnostics import CorpusDiagnostics, Judged
from serving.attention.diagnostics import Diagnosis, Pattern, diagnose_translation
from serving.contract.translation import Translation
from text.words import split_text
from trainer.translation_statistics import corpus_score

HEATMAPS = 12
_PER_PATTERN = HEATMAPS // len(Pattern)
MOST_SHOWN_WORDS = 12
"""Limit for either side, since a larger heatmap is hard to read beside others."""
LEAST_SHOWN_WORDS = 3


@dataclass(frozen=True, eq=False)
class Sentence:
    """A sentence of the test split."""

    source: str
    reference: str
    candidate: Translation
    chrf: float
    """chrF of the candidate's translation, 0 to 100."""
    diagnosis: Diagnosis | None
    """Diagnosis of the candidate's attention; None if there is no attention between words."""
    live: Translation | None = None
    live_chrf: float | None = None
    findings: tuple[str, ...] = ()
    """Reasons to doubt the candidate's translation."""

    @property
    def is_unchanged(self) -> bool:
        """Whether the live model's translation is identical."""
        return self.live is not None and self.live.text == self.candidate.text

    @property
    def change(self) -> float:
        """chrF of the candidate minus chrF of the live model; 0 without a live model."""
        return 0.0 if self.live_chrf is None else self.chrf - self.live_chrf


@dataclass(frozen=True)
class Example:
    """A sentence chosen to show its pattern."""

    pattern: Pattern
    sentence: Sentence


def read_sentences(
    pairs: Sequence[tuple[str, str]],
    candidate: Sequence[Translation],
    live: Sequence[Translation] | None,
) -> list[Sentence]:
    """Joins texts with their translations, and scores each translation.

    Args:
      pairs: (source, reference) of each sentence.
      candidate: the candidate's translation of each sentence.
      live: the live model's translations; None without a live model.
    """
    return [
        Sentence(
            source=source,
            reference=reference,
            candidate=translation,
            chrf=_chrf(translation, reference),
            diagnosis=_diagnose(source, translation),
            live=theirs,
            live_chrf=None if theirs is None else _chrf(theirs, reference),
        )
        for (source, reference), translation, theirs in zip(
            pairs, candidate, repeat(None, len(pairs)) if live is None else live, strict=True
        )
    ]


def worst(sentences: Iterable[Sentence], most: int) -> list[Sentence]:
    """Lists the translations with the lowest chrF, the worst first."""
    return sorted(sentences, key=lambda sentence: (sentence.chrf, sentence.source))[:most]


def typical(sentences: Sequence[Sentence], most: int) -> list[Sentence]:
    """Lists the translations whose chrF is nearest to the median of all, the nearest first."""
    median = np.median([sentence.chrf for sentence in sentences]) if sentences else 0.0
    return sorted(sentences, key=lambda each: (abs(each.chrf - median), each.source))[:most]


def most_improved(sentences: Iterable[Sentence], most: int) -> list[Sentence]:
    """Lists the sentences with the largest gains in chrF over the live model, largest first."""
    return [
        sentence
        for sentence in sorted(sentences, key=lambda each: (-each.change, each.source))[:most]
        if sentence.change > 0
    ]


def most_worsened(sentences: Iterable[Sentence], most: int) -> list[Sentence]:
    """Lists the sentences with the largest losses in chrF to the live model, largest first."""
    return [
        sentence
        for sentence in sorted(sentences, key=lambda each: (each.change, each.source))[:most]
        if sentence.change < 0
    ]


def doubtful(sentences: Iterable[Sentence], most: int) -> list[Sentence]:
    """Lists the sentences `nmt diagnose` would list; this does not use the references."""
    found = CorpusDiagnostics()
    by_line = dict(enumerate(sentences, 1))
    for line, sentence in by_line.items():
        if sentence.diagnosis is not None:
            found.add(
                Judged(
                    line=line,
                    source=sentence.source,
                    translation=sentence.candidate.text,
                    score=sentence.candidate.score,
                    truncated=sentence.candidate.truncated,
                    diagnosis=sentence.diagnosis,
                )
            )
    return [
        replace(by_line[judged.line], findings=judged.findings)
        for judged in found.worth_reading(most)
    ]


def choose_examples(sentences: Sequence[Sentence]) -> list[Example]:
    """Chooses the sentences for the heatmaps.

    These are the three clearest examples of each pattern, among sentences short enough to read. If
    a pattern has fewer, further examples of the other patterns take their places, in order.

    Returns:
      At most `HEATMAPS` sentences by pattern, the clearest of each first.
    """
    ranked = {pattern: _clearest(sentences, pattern) for pattern in Pattern}
    shown = {pattern: min(_PER_PATTERN, len(found)) for pattern, found in ranked.items()}
    while sum(shown.values()) < HEATMAPS:
        more = [pattern for pattern, found in ranked.items() if shown[pattern] < len(found)]
        if not more:
            break
        shown[min(more, key=lambda pattern: shown[pattern])] += 1
    return [
        Example(pattern, sentence)
        for pattern, found in ranked.items()
        for sentence in found[: shown[pattern]]
    ]


def _clearest(sentences: Sequence[Sentence], pattern: Pattern) -> list[Sentence]:
    """Lists a pattern's sentences of readable length, the clearest first."""
    found: dict[str, tuple[float, Sentence]] = {}
    for sentence in sentences:
        diagnosis = sentence.diagnosis
        if diagnosis is None or diagnosis.pattern is not pattern or not _is_readable(sentence):
            continue
        found.setdefault(sentence.source, (_clarity(diagnosis), sentence))
    return [
        sentence
        for _, sentence in sorted(found.values(), key=lambda each: (-each[0], each[1].source))
    ]


def _clarity(diagnosis: Diagnosis) -> float:
    """Measures how clearly a sentence shows its pattern, by the measure defining the pattern."""
    measures = diagnosis.measures
    match diagnosis.pattern:
        case Pattern.DIAGONAL:
            # Longer ones first: two words can form a diagonal by chance.
            return (measures.monotonicity - measures.entropy) * np.sqrt(measures.targets)
        case Pattern.SPREAD:
            return measures.entropy
        case Pattern.REORDERING:
            return max(1 - measures.monotonicity, measures.distance)
        case Pattern.SPURIOUS:
            return max(measures.astray, measures.concentration)


def _is_readable(sentence: Sentence) -> bool:
    sizes = [len(split_text(text)) for text in (sentence.source, sentence.candidate.text)]
    return min(sizes) >= LEAST_SHOWN_WORDS and max(sizes) <= MOST_SHOWN_WORDS


def _chrf(translation: Translation, reference: str) -> float:
    return corpus_score("chrf", [translation.text], [reference])


def _diagnose(source: str, translation: Translation) -> Diagnosis | None:
    """Diagnoses the attention of a translation; None if a weight is not finite."""
    if not np.isfinite(translation.attention).all():
        return None
    return diagnose_translation(source, translation)
