"""Joins the translations of a text's sentences to one translation of the text."""

import dataclasses
import itertools
import statistics
from collections.abc import Sequence

import numpy as np

from serving.contract.signatures import END_SYMBOL
from serving.contract.translation import Sentence, Translation
from serving.doubt.warnings import warnings_of
from text.sentences import Span


def join_sentences(
    text: str, spans: Sequence[Span], translations: Sequence[Translation], space: str
) -> Translation:
    """Joins the translations of a text's sentences.

    The attention of the whole text has a block for each sentence. Only the last end symbol stays:
    its column has the weights of all end symbols, so each row still sums to 1. The score is the
    mean of the sentences' scores. The hypotheses of the whole text are the best combinations of the
    sentences' hypotheses.

    Args:
      text: the whole source.
      spans: the place of each sentence in the source, at least one.
      translations: the translation of each sentence.
      space: written between two translations of one line.

    Returns:
      The translation of the text, with its sentences and its warnings.
    """
    sources = [text[start:end] for start, end in spans]
    sentences = tuple(map(Sentence, sources, translations))
    warnings = warnings_of(sentences)
    if len(sentences) == 1:
        return dataclasses.replace(translations[0], sentences=sentences, warnings=warnings)
    between = [
        _separator(text[end:start], space) for (_, end), (start, _) in itertools.pairwise(spans)
    ]
    hypotheses = tuple(
        _join(combination, between) for combination in _best_combinations(translations)
    )
    best = hypotheses[0] if hypotheses else _join(translations, between)
    return dataclasses.replace(best, sentences=sentences, n_best=hypotheses, warnings=warnings)


def _separator(written: str, space: str) -> str:
    """Returns line breaks between two sentences as they were written, else the usual space."""
    return written if len(f"{written}.".splitlines()) > 1 else space


def _best_combinations(translations: Sequence[Translation]) -> list[tuple[Translation, ...]]:
    """Returns the combinations of hypotheses with the largest sums of scores, best first.

    There are as many as a sentence has hypotheses, or none if they were not requested. A truncated
    hypothesis comes after those that ended, for any score.
    """
    most = max(len(each.n_best) for each in translations)
    combinations: list[tuple[float, tuple[Translation, ...]]] = [(0.0, ())] if most else []
    for translation in translations:
        hypotheses = translation.n_best or (translation,)
        losses = itertools.accumulate((-each.score for each in hypotheses), max)
        longer = [
            (loss_before + loss, (*before, hypothesis))
            for hypothesis, loss in zip(hypotheses, losses, strict=True)
            for loss_before, before in combinations
        ]
        # Sorted by the sum so far, the best of all are among the best of each step.
        combinations = sorted(longer, key=lambda each: each[0])[:most]
    return [each for _, each in combinations]


def _join(translations: Sequence[Translation], between: Sequence[str]) -> Translation:
    texts = [each.text for each in translations]
    *before, last = translations
    sources = [*(_without_end(each.source_tokens) for each in before), last.source_tokens]
    targets = [*(_without_end(each.target_tokens) for each in before), last.target_tokens]
    attention = np.zeros([sum(map(len, targets)), sum(map(len, sources))], np.float32)
    row = column = 0
    for each, source, target in zip(translations, sources, targets, strict=True):
        rows = slice(row, row + len(target))
        weights = each.attention[: len(target)]
        attention[rows, column : column + len(source)] = weights[:, : len(source)]
        if each is not last:
            attention[rows, -1] = weights[:, len(source) :].sum(axis=1)
        row, column = row + len(target), column + len(source)
    return Translation(
        text="".join(itertools.chain(*zip(texts, [*between, ""], strict=True))),
        score=statistics.fmean(each.score for each in translations),
        source_tokens=tuple(itertools.chain(*sources)),
        target_tokens=tuple(itertools.chain(*targets)),
        attention=attention,
        truncated=any(each.truncated for each in translations),
    )


def _without_end(tokens: tuple[str, ...]) -> tuple[str, ...]:
    return tokens[:-1] if tokens[-1:] == (END_SYMBOL,) else tokens
