"""An artificial language with known word alignments, for testing attention.

Source words are in random order, so a model cannot guess them from their neighbours. Each word has
one translation (ba is ab), and some words ("adjectives") change places with the next word in the
target. Target position t comes from source position `alignment[t]`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from trainer.batching import Pairs, Sequences
from trainer.model import TranslationModel
from trainer.settings import DecodingSettings
from trainer.subwords import END, vocabulary_lines
from trainer.translation import force, search

_SYLLABLES = [consonant + vowel for consonant in "bdfgkl" for vowel in "aeiou"]
WORDS, ADJECTIVES = len(_SYLLABLES), 10
VOCABULARY = vocabulary_lines(
    [f"▁{word}" for word in (*_SYLLABLES, *(syllable[::-1] for syllable in _SYLLABLES))]
)
"""Each word is one subword. Translations are spelled backwards so a reader sees which words belong
together; a model gets only ids."""
_FIRST_WORD = VOCABULARY.index(f"▁{_SYLLABLES[0]}")


class AlignedText(NamedTuple):
    """Encoded sentence pairs."""

    pairs: Pairs
    alignments: list[np.ndarray]
    """For each sentence, the source position of each target position."""


def aligned_text(
    rng: np.random.Generator, sentences: int, shortest: int = 3, longest: int = 20
) -> AlignedText:
    """Makes sentences of random words.

    Args:
      rng: draws lengths and words.
      sentences: number of sentences.
      shortest: smallest number of words in a sentence.
      longest: largest number of words in a sentence.
    """
    sources, targets, alignments = [], [], []
    for length in rng.integers(shortest, longest + 1, sentences):
        words = rng.integers(0, WORDS, length)
        alignment = np.arange(length)
        position = 0
        while position < length - 1:
            if words[position] < ADJECTIVES:
                alignment[[position, position + 1]] = position + 1, position
                position += 1
            position += 1
        sources.append(_FIRST_WORD + words)
        targets.append(_FIRST_WORD + WORDS + words[alignment])
        alignments.append(alignment)
    return AlignedText(Pairs(Sequences.of(sources), Sequences.of(targets)), alignments)


def spelled(ids: Sequence[int]) -> str:
    """Returns the words of a sentence, separated by spaces."""
    return " ".join(VOCABULARY[number].removeprefix("▁") for number in ids)


def alignment_error_rate(model: TranslationModel, text: AlignedText) -> float:
    """Computes 1 - 2 |A and S| / (|A| + |S|) (Och and Ney, 2003).

    All links of S are sure. A links each target word with the source position of its largest
    attention weight.
    """
    rows = np.arange(len(text.alignments))
    _, attention = force(
        model,
        tf.constant(text.pairs.source.padded(rows)),
        tf.constant(text.pairs.target.padded(rows)),
    )
    found = attention.numpy().argmax(axis=-1)
    right = sum(
        np.count_nonzero(found[row, : len(gold)] == gold)
        for row, gold in enumerate(text.alignments)
    )
    words = sum(len(gold) for gold in text.alignments)
    return 1 - 2 * right / (words + words)


def share_of_right_words(
    model: TranslationModel, text: AlignedText, longer_than: int = 0, up_to: int = 1000
) -> float:
    """Returns the share of target words at the right position in the model's translations.

    Args:
      model: the model.
      text: the sentence pairs.
      longer_than: sentences up to this number of source words are left out.
      up_to: longer sentences are left out.
    """
    lengths = text.pairs.source.lengths
    rows = np.flatnonzero((lengths > longer_than) & (lengths <= up_to))
    expected = text.pairs.target.padded(rows)
    sources = tf.constant(text.pairs.source.padded(rows))
    found = search(model, sources, DecodingSettings(), beam_size=1).ids[:, 0].numpy()
    width = expected.shape[1]
    found = np.pad(found[:, :width], [(0, 0), (0, max(0, width - found.shape[1]))])
    is_word = expected > END
    return float(np.mean((found == expected)[is_word]))
