"""What the attention of a translation looks like, and what in it is suspicious.

Four patterns, each defined by numbers that the functions below return:

    diagonal    each target word looks at few source words, one after the other
    spread      target words look at many source words at once
    reordering  target words look at few source words, in another order or far from their own place
    spurious    target words look where no word is, at punctuation or the end, or all at one word

The punctuation before and after a word is taken for itself here, because to look at the full stop
is another thing than to look at the word before it.

The bounds were set on the 1,014 validation pairs of Multi30k, English to German, with a model of
38.6 BLEU. What they find there is said beside each, so that another model's figures have something
to be compared with.
"""

import enum
from dataclasses import dataclass

import numpy as np

from serving.attention.words import attention_of_words, is_punctuation
from serving.contract.translation import Translation

SPREAD_FROM = 0.5
"""Normalised entropy. At 0.5 of n words as many are looked at as the square root of n, if alike: 3
of 9, 5 of 25. The median is 0.38 for our own translations, 0.42 for the references, and 0.59 for
references of other sentences, about which attention has nothing to say."""
MONOTONE_FROM = 0.9
"""Of the references below it, 65 of 100 are below it by the word alignment of an independent
aligner (eflomal) too; and of those that are so by that, 69 of 100."""
LOCAL_UP_TO = 0.25
"""Share of a sentence. To look at one place all the time is 0.25 from the diagonal on the average,
to look anywhere is 0.33, to swap both halves of a sentence 0.5; 98 of 100 translations stay below
0.21."""
ASTRAY_FROM = 0.5
"""A target word looks astray if more than this lies on punctuation and the end: more than on all
words together."""
SPURIOUS_ABOVE = 0.25
"""Share of the target words that look astray. One of them is often the first word, which has not
much to go by (74 of 100 sentences), so it takes two of them, and 99 of 100 sentences have a share
of at most 0.2."""
SPURIOUS_AT_LEAST = 2
CONCENTRATED_ABOVE = 0.5
"""Share of all weight of a sentence that lies on one source word. A good translation of three words
or more gives each about its share; the highest share in any was 0.36."""
CONCENTRATED_AT_LEAST = 3
"""Words on each side, below which one word may well have half of all weight."""
LOOKED_AT_FROM = 0.1
"""A source word was looked at if some target word put at least this on it. Of the longer words
(4 letters and more, without function words) below it, 52 of 100 were also left without a
counterpart by eflomal; of all such words 7 of 100."""
LOOKED_AT_MOST_FROM = 0.5
"""More than on all other words together. A source word that is looked at so in two places of the
translation may have been translated twice: 55 of 100 such sentences repeat a long word that their
source does not; of all sentences 16 of 100."""


class Pattern(enum.StrEnum):
    """The four kinds, from what is hoped for to what is feared."""

    DIAGONAL = "diagonal"
    SPREAD = "spread"
    REORDERING = "reordering"
    SPURIOUS = "spurious"


@dataclass(frozen=True)
class Measures:
    """What the pattern follows from. None depends on the scale of the weights; all are 0 to 1."""

    entropy: float
    """Mean over target words of the entropy of their weights, over that of even weights: 0 if each
    looks at one word, 1 if each looks at all of them alike."""
    monotonicity: float
    """1 less Kendall's tau distance (the share of pairs of target words that look at their source
    words in opposite order), each pair counting by the product of the two weights."""
    distance: float
    """Mean distance from the diagonal, as a share of the sentence: where a target word looks most,
    less where it stands itself, counting by that weight."""
    astray: float
    """The share of the target words that look at punctuation and the end more than at words."""
    concentration: float
    """The largest share of all weight that lies on one source word."""
    targets: int
    """Target words that were measured."""
    sources: int
    """Source words."""


@dataclass(frozen=True)
class Diagnosis:
    """What is to be said about one translation."""

    pattern: Pattern
    measures: Measures
    never_looked_at: tuple[str, ...]
    """Source words that may have been left out, in their order."""
    looked_at_again: tuple[str, ...]
    """Source words that may have been translated twice, in their order."""


def diagnose_translation(source: str, translation: Translation) -> Diagnosis | None:
    """Judges a translation by its attention.

    Args:
      source: the text that was translated, as it was given.
      translation: of it, found or given.

    Returns:
      The diagnosis; None where a side has no words, so that there is nothing to judge.
    """
    words = attention_of_words(source, translation, split_punctuation=True)
    is_word = np.array([not is_punctuation(word) for word in words.source_words], bool)
    is_row = np.array([not is_punctuation(word) for word in words.target_words], bool)
    on_words = words.attention[np.ix_(is_row, is_word)]
    elsewhere = np.column_stack([words.attention[is_row][:, ~is_word], words.on_end[is_row]])
    if not on_words.size:
        return None
    measures = measure(on_words, elsewhere)
    names = np.array(words.source_words, object)[is_word]
    return Diagnosis(
        pattern=classify(measures),
        measures=measures,
        never_looked_at=tuple(names[never_looked_at(on_words)]),
        looked_at_again=tuple(names[looked_at_again(on_words)]),
    )


def measure(on_words: np.ndarray, elsewhere: np.ndarray) -> Measures:
    """Measures attention.

    Args:
      on_words: [target words, source words], in the order of the sentence. Rows may have any sum;
        those of zeros, of words beyond the point where a text was cut, are left out.
      elsewhere: [target words, other places], the weights on punctuation and on the end symbol.

    Returns:
      The measures.
    """
    totals = on_words.sum(axis=1) + elsewhere.sum(axis=1)
    is_read = totals > 0
    totals = totals[is_read, np.newaxis]
    on_words, elsewhere = on_words[is_read] / totals, elsewhere[is_read] / totals
    targets, sources = on_words.shape
    if not targets:
        return Measures(0, 1, 0, 0, 0, 0, sources)
    looked_at, weight = on_words.argmax(axis=1), on_words.max(axis=1)
    return Measures(
        entropy=_entropy(np.column_stack([on_words, elsewhere])),
        monotonicity=1 - _inversions(looked_at, weight),
        distance=_distance(looked_at, weight, sources),
        astray=float(np.mean(elsewhere.sum(axis=1) > ASTRAY_FROM)),
        concentration=float(on_words.sum(axis=0).max() / targets),
        targets=targets,
        sources=sources,
    )


def classify(measures: Measures) -> Pattern:
    """Names the pattern: the first of spurious, spread and reordering whose bounds are passed, else
    diagonal. What looks at no words has no order, so that is asked first."""
    astray = round(measures.astray * measures.targets)
    is_concentrated = min(measures.targets, measures.sources) >= CONCENTRATED_AT_LEAST
    if (
        measures.astray > SPURIOUS_ABOVE and astray >= min(SPURIOUS_AT_LEAST, measures.targets)
    ) or (is_concentrated and measures.concentration > CONCENTRATED_ABOVE):
        return Pattern.SPURIOUS
    if measures.entropy >= SPREAD_FROM:
        return Pattern.SPREAD
    if measures.monotonicity < MONOTONE_FROM or measures.distance > LOCAL_UP_TO:
        return Pattern.REORDERING
    return Pattern.DIAGONAL


def never_looked_at(on_words: np.ndarray) -> np.ndarray:
    """Finds source words that no target word put `LOOKED_AT_FROM` on.

    Args:
      on_words: [target words, source words].

    Returns:
      Their numbers, from 0.
    """
    return np.flatnonzero(on_words.max(axis=0, initial=0) < LOOKED_AT_FROM)


def looked_at_again(on_words: np.ndarray) -> np.ndarray:
    """Finds source words that target words in two places, with others in between, put
    `LOOKED_AT_MOST_FROM` on.

    Args:
      on_words: [target words, source words].

    Returns:
      Their numbers, from 0.
    """
    is_on = on_words >= LOOKED_AT_MOST_FROM
    starts = is_on & ~np.vstack([np.zeros_like(is_on[:1]), is_on[:-1]])
    return np.flatnonzero(starts.sum(axis=0) > 1)


def _entropy(weights: np.ndarray) -> float:
    """The mean entropy of rows that sum to 1, over the largest that is possible."""
    columns = weights.shape[1]
    if columns < 2:
        return 0.0
    logarithms = np.log(weights, out=np.zeros_like(weights, float), where=weights > 0)
    return float(-(weights * logarithms).sum(axis=1).mean() / np.log(columns))


def _inversions(looked_at: np.ndarray, weight: np.ndarray) -> float:
    """The share of pairs in the wrong order, by weight; 0 where no pair has any."""
    earlier, later = np.triu_indices(len(looked_at), k=1)
    products = weight[earlier] * weight[later]
    if not products.sum():
        return 0.0
    return float(products[looked_at[earlier] > looked_at[later]].sum() / products.sum())


def _distance(looked_at: np.ndarray, weight: np.ndarray, sources: int) -> float:
    """The mean distance from the diagonal, by weight: 0 to 1."""
    if not weight.sum():
        return 0.0
    theirs = (looked_at + 0.5) / sources
    own = (np.arange(len(looked_at)) + 0.5) / len(looked_at)
    return float((weight * np.abs(theirs - own)).sum() / weight.sum())
