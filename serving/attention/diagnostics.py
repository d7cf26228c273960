"""Classifies the attention of a translation by its pattern, and finds suspicious source words.

There are four patterns, each defined by the measures below:

    diagonal    each target word attends to few source words, one after the other
    spread      target words attend to many source words at once
    reordering  target words attend to few source words, in another order or far from their place
    spurious    target words attend to no word, but to punctuation or the end, or all to one word

Here punctuation before and after a word counts as a separate word: attention to the full stop
differs from attention to the word before it.

The bounds were set on the 1,014 validation pairs of Multi30k, English to German, with a model of
38.6 BLEU. The results on this data are given with each bound, for comparison with other models.
"""

import enum
from dataclasses import dataclass

import numpy as np

from serving.attention.words import attention_of_words, is_punctuation
from serving.contract.translation import Translation

SPREAD_FROM = 0.5
"""Bound of the normalised entropy. A value of 0.5 for n words equals even weights on the square
root of n words: 3 of 9, 5 of 25. The median is 0.38 for our own translations, 0.42 for the
references, and 0.59 for references of other sentences, where attention has no meaning."""
MONOTONE_FROM = 0.9
"""Bound of the monotonicity. Of the references below it, 65 of 100 are also below it by the word
alignment of an independent aligner (eflomal). Of the references below it by eflomal, 69 of 100 are
below it here."""
LOCAL_UP_TO = 0.25
"""Bound of the distance from the diagonal, as a share of the sentence. Constant attention to one
place gives 0.25 on average, attention to random places 0.33, and a swap of both halves of a
sentence 0.5; 98 of 100 translations are below 0.21."""
ASTRAY_FROM = 0.5
"""A target word is astray if its weight on punctuation and the end exceeds this bound, and so its
weight on all words together."""
SPURIOUS_ABOVE = 0.25
"""Bound of the share of astray target words. In 74 of 100 sentences the first target word is
astray, as it has little context; so a spurious pattern needs at least two astray words. 99 of 100
sentences have a share of at most 0.2."""
SPURIOUS_AT_LEAST = 2
CONCENTRATED_ABOVE = 0.5
"""Bound of the share of one source word in all weight of a sentence. In a good translation of three
words or more, the weight is spread over all words; the highest share found was 0.36."""
CONCENTRATED_AT_LEAST = 3
"""Words on each side; with fewer, one word may well have half of all weight."""
LOOKED_AT_FROM = 0.1
"""A source word counts as looked at if one target word or more give it at least this weight. Of the
longer words (4 letters or more, no function words) below it, eflomal also left 52 of 100 without a
counterpart; of all such words, 7 of 100."""
LOOKED_AT_MOST_FROM = 0.5
"""As much as the weight of all other words together. A source word with this weight in two places
of the translation may have been translated twice. Of the sentences with such a word, 55 of 100
repeat a long word not repeated in their source; of all sentences, 16 of 100."""


class Pattern(enum.StrEnum):
    """The four patterns, from the best to the worst."""

    DIAGONAL = "diagonal"
    SPREAD = "spread"
    REORDERING = "reordering"
    SPURIOUS = "spurious"


@dataclass(frozen=True)
class Measures:
    """The measures used to choose the pattern: 0 to 1, and independent of the weights' scale."""

    entropy: float
    """Mean over target words of the entropy of their weights, divided by the entropy of even
    weights: 0 for attention to one word only, 1 for equal attention to all."""
    monotonicity: float
    """1 less Kendall's tau distance, the share of pairs of target words with their most attended
    source words in opposite order. Each pair is weighted by the product of its two weights."""
    distance: float
    """Mean distance from the diagonal, as a share of the sentence: the position of the most
    attended source word less the position of the target word, weighted by the attention weight."""
    astray: float
    """Share of the target words with more weight on punctuation and the end than on words."""
    concentration: float
    """The largest share of one source word in all weight."""
    targets: int
    """Number of measured target words."""
    sources: int
    """Number of source words."""


@dataclass(frozen=True)
class Diagnosis:
    """The diagnosis of one translation."""

    pattern: Pattern
    measures: Measures
    never_looked_at: tuple[str, ...]
    """Source words maybe left out of the translation, in their order."""
    looked_at_again: tuple[str, ...]
    """Source words maybe translated twice, in their order."""


def diagnose_translation(source: str, translation: Translation) -> Diagnosis | None:
    """Diagnoses a translation by its attention.

    Args:
      source: the source text, exactly as given.
      translation: its translation, from the model or given.

    Returns:
      The diagnosis; None if a side has no words.
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
    """Computes the measures of attention weights.

    Args:
      on_words: [target words, source words], in the order of the sentence. Rows may have any sum.
        Rows of zeros, from words after the point where a text was cut, are left out.
      elsewhere: [target words, other places], the weights on punctuation and on the end symbol.
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
    """Returns the pattern: the first of spurious, spread and reordering beyond its bounds, else
    diagonal. Spurious comes first, since without attention to words there is no order."""
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
    """Finds the source words with weights below `LOOKED_AT_FROM` from all target words.

    Args:
      on_words: [target words, source words].

    Returns:
      Their numbers, from 0.
    """
    return np.flatnonzero(on_words.max(axis=0, initial=0) < LOOKED_AT_FROM)


def looked_at_again(on_words: np.ndarray) -> np.ndarray:
    """Finds the source words with a weight of `LOOKED_AT_MOST_FROM` or more in two separate places.

    The two places are target words with at least one other target word between them.

    Args:
      on_words: [target words, source words].

    Returns:
      Their numbers, from 0.
    """
    is_on = on_words >= LOOKED_AT_MOST_FROM
    starts = is_on & ~np.vstack([np.zeros_like(is_on[:1]), is_on[:-1]])
    return np.flatnonzero(starts.sum(axis=0) > 1)


def _entropy(weights: np.ndarray) -> float:
    """Returns the mean entropy of rows with sum 1, divided by the largest possible entropy."""
    columns = weights.shape[1]
    if columns < 2:
        return 0.0
    logarithms = np.log(weights, out=np.zeros_like(weights, float), where=weights > 0)
    return float(-(weights * logarithms).sum(axis=1).mean() / np.log(columns))


def _inversions(looked_at: np.ndarray, weight: np.ndarray) -> float:
    """Returns the weighted share of pairs in the wrong order; 0 if all weights are 0."""
    earlier, later = np.triu_indices(len(looked_at), k=1)
    products = weight[earlier] * weight[later]
    if not products.sum():
        return 0.0
    return float(products[looked_at[earlier] > looked_at[later]].sum() / products.sum())


def _distance(looked_at: np.ndarray, weight: np.ndarray, sources: int) -> float:
    """Returns the weighted mean distance from the diagonal, 0 to 1."""
    if not weight.sum():
        return 0.0
    theirs = (looked_at + 0.5) / sources
    own = (np.arange(len(looked_at)) + 0.5) / len(looked_at)
    return float((weight * np.abs(theirs - own)).sum() / weight.sum())
