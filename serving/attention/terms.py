"""Writes the terms of a glossary into translations, where the attention says that they belong.

A term of the source that the translation lacks replaces the words that attended to it most. So any
model with attention and any server can use a glossary.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from serving.attention.alignment import align_words
from serving.attention.words import attention_of_words, is_punctuation, words_of_tokens
from serving.contract.translation import Translation
from text.characters import WORD_START, compose
from text.glossary import Glossary, Term, count_term

SMALLEST_WEIGHT = 0.1
"""Attention to a term that no word attended to most, for the word that it replaces. With a limit of
0.3 instead, three of a hundred terms of Multi30k are lost."""

Span = tuple[int, int]
"""First character and the one after the last."""


class _Place(NamedTuple):
    """The words of a translation that a term replaces."""

    first: int
    last: int
    target: str


def write_terms(source: str, translation: Translation, glossary: Glossary) -> Translation:
    """Writes the terms that a translation lacks.

    A form or a compound of a term counts as the term (`text.glossary.count_term`). The subwords of
    a replaced word become one, whose attention is their mean.

    Args:
      source: one sentence.
      translation: its translation.
      glossary: the terms.

    Returns:
      The translation. A term to which no word attended is still missing; see `missing_terms`.
    """
    source = compose(source)
    lacking = _lacking(glossary.find(source), translation.text)
    if not lacking:
        return translation
    words = attention_of_words(source, translation, split_punctuation=True)
    if not words.target_words:
        return translation
    source_spans = _spans(source, words.source_words)
    is_free = np.array([not is_punctuation(word) for word in words.target_words])
    links = [(column, row) for column, row in align_words(words) if is_free[row]]
    places = []
    for term in lacking:
        columns = [
            column
            for column, (start, end) in enumerate(source_spans)
            if start < term.end and end > term.start
        ]
        weights = words.attention[:, columns].sum(axis=1)
        rows = [row for column, row in links if column in columns and is_free[row]]
        if not rows:
            most = int(np.where(is_free, weights, 0).argmax())
            rows = [most] if is_free[most] and weights[most] >= SMALLEST_WEIGHT else []
        is_free[rows] = False
        if rows and not any(count_term(term.target, words.target_words[row]) for row in rows):
            places.append(_Place(*_heaviest_run(rows, weights), term.target))
    return _replaced(translation, words.target_words, places)


def missing_terms(source: str, text: str, glossary: Glossary) -> list[str]:
    """Returns the target terms that a translation of a sentence should have and lacks."""
    return [term.target for term in _lacking(glossary.find(compose(source)), text)]


def _lacking(terms: Sequence[Term], text: str) -> list[Term]:
    """Returns the terms of a source whose target stands in the translation less often."""
    needed: dict[str, int] = {}
    for term in terms:
        needed[term.target] = needed.get(term.target, 0) + 1
    return [term for term in terms if count_term(term.target, text) < needed[term.target]]


def _heaviest_run(rows: Sequence[int], weights: np.ndarray) -> Span:
    """Returns the first and the last of adjacent rows with the largest weight."""
    runs = [
        [row for _, row in group]
        for _, group in itertools.groupby(enumerate(rows), lambda each: each[1] - each[0])
    ]
    run = max(runs, key=lambda run: weights[run].max())
    return run[0], run[-1]


def _spans(text: str, words: Iterable[str]) -> list[Span]:
    """Finds words of a text in their order."""
    spans, place = [], 0
    for word in words:
        start = max(text.find(word, place), place)
        place = min(start + len(word), len(text))
        spans.append((start, place))
    return spans


def _replaced(
    translation: Translation, words: Sequence[str], places: Sequence[_Place]
) -> Translation:
    """Replaces words of a translation, with their subwords and rows of attention."""
    text, spans = translation.text, _spans(translation.text, words)
    tokens, attention = list(translation.target_tokens), translation.attention
    of_tokens = words_of_tokens(text, tokens)
    end_of_rest = len(tokens)
    for place in sorted(places, reverse=True):
        chosen = [
            number
            for number, own in enumerate(of_tokens)
            if any(place.first <= word <= place.last for word in own)
        ]
        if not chosen or chosen[-1] >= end_of_rest:  # a subword of both terms is replaced once
            continue
        own = [word for number in chosen for word in of_tokens[number]]
        start, end = spans[place.first][0], spans[place.last][1]
        target = _in_case_of(text[start:end], place.target, is_first=not text[:start].strip())
        before = text[spans[min(own)][0] : start]
        after = text[end : spans[max(own)][1]]
        space = WORD_START if tokens[chosen[0]].startswith(WORD_START) else ""
        token = space + f"{before}{target}{after}".replace(" ", WORD_START)
        rows = slice(chosen[0], chosen[-1] + 1)
        end_of_rest = rows.start
        mean = attention[rows].mean(axis=0, keepdims=True)
        attention = np.concatenate([attention[: rows.start], mean, attention[rows.stop :]])
        tokens[rows] = [token]
        text = text[:start] + target + text[end:]
    return dataclasses.replace(
        translation, text=text, target_tokens=tuple(tokens), attention=attention
    )


def _in_case_of(replaced: str, target: str, *, is_first: bool) -> str:
    """Returns a term in capitals for a word in capitals, or as the first word of a sentence."""
    if len(replaced) > 1 and replaced.isupper() and not target.isupper():
        return target.upper()
    if is_first and replaced[:1].isupper():
        return target[:1].upper() + target[1:]
    return target
