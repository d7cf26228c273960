"""Aligns the subwords of training pairs by statistics, for the training of attention.

The model is IBM's second with one parameter for positions (Dyer, Chahuneau and Smith, 2013): target
subword f_j has one source subword e_i, or none, with probability

    p(i, f_j) = (1 - p_0) d(i, j) t(f_j | e_i),    d(i, j) ~ exp(-lambda |i / m - j / n|)
    p(0, f_j) = p_0 t(f_j | none)

t comes from a few rounds of expectation maximisation with a sparse prior (variational Bayes). It is
learned in both directions, and a link is kept if both directions choose it. So links are few and
mostly right.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from trainer.batching import Pairs
from trainer.subwords import END

NO_LINK = -1
"""In the place of a source position."""
_ROUNDS = 5
_MOST_CELLS = 8_000_000
"""Pairs of a source and a target subword to learn from, about 200 bytes of memory each."""
_NONE = 0.08
"""p_0."""
_STEEPNESS = 4.0
"""lambda."""
_LARGEST = np.iinfo(np.int64).max
_SPARSITY = 0.01
"""Dirichlet prior of t."""


class LexicalAligner:
    """Links target positions with source positions."""

    def __init__(self, pairs: Pairs, vocabulary_size: int):
        """Learns from pairs, or from evenly spread ones if there are very many.

        Args:
          pairs: encoded parallel text.
          vocabulary_size: number of subwords.
        """
        cells = pairs.source.lengths.astype(np.int64) * pairs.target.lengths
        every = max(1, -(-int(cells.sum()) // _MOST_CELLS))
        chosen = [row for row in range(0, len(cells), every) if cells[row]]
        sources, targets = ([side[row] for row in chosen] for side in pairs)
        self._forward = _learn(sources, targets, vocabulary_size)
        self._backward = _learn(targets, sources, vocabulary_size)

    def __call__(self, source_ids: np.ndarray, target_ids: np.ndarray) -> np.ndarray:
        """Links the subwords of a batch.

        Args:
          source_ids: int32 [rows, source], with end symbols, padded with 0.
          target_ids: int32 [rows, target], likewise.

        Returns:
          The source position of each target position, or `NO_LINK`, int32 [rows, target].
        """
        forward = _choose(self._forward, source_ids, target_ids)
        backward = _choose(self._backward, target_ids, source_ids)
        back = np.take_along_axis(backward, np.maximum(forward, 0), axis=1)
        is_mutual = (forward != NO_LINK) & (back == np.arange(target_ids.shape[1]))
        return np.where(is_mutual, forward, NO_LINK).astype(np.int32)


class _Table(NamedTuple):
    """t(f | e), for all pairs of subwords that occur together."""

    keys: np.ndarray
    """e * vocabulary + f, int64, sorted, and a larger one; e is the size of the vocabulary for
    none."""
    values: np.ndarray
    vocabulary_size: int

    def look_up(self, given: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Returns t of the words given others, in the shape that both broadcast to."""
        keys = given.astype(np.int64) * self.vocabulary_size + words
        places = np.searchsorted(self.keys, keys)
        return np.where(self.keys[places] == keys, self.values[places], 0.0)


def _learn(given: list[np.ndarray], words: list[np.ndarray], vocabulary_size: int) -> _Table:
    """Learns t(word | given), one chosen among the given for each word of a sentence."""
    keys, priors, choices = [np.zeros(0, np.int64)], [np.zeros(0)], list[int]()
    for ours, theirs in zip(given, words, strict=True):
        with_none = np.append(ours, vocabulary_size).astype(np.int64) * vocabulary_size
        keys.append((theirs[:, None] + with_none).ravel())
        priors.append(_priors(len(ours), len(theirs)))
        choices += [len(with_none)] * len(theirs)
    distinct, cells = np.unique(np.concatenate(keys), return_inverse=True)
    prior = np.concatenate(priors)
    starts = (np.cumsum(choices) - choices).astype(np.intp)
    givens = distinct // vocabulary_size
    values = np.ones(len(distinct))
    for _ in range(_ROUNDS if len(cells) else 0):
        posterior = values[cells] * prior
        posterior /= np.repeat(np.add.reduceat(posterior, starts), choices)
        counts = np.bincount(cells, posterior, len(distinct))
        totals = np.bincount(givens, counts)
        digamma = tf.math.digamma(np.concatenate([counts, totals]) + _SPARSITY).numpy()
        of_counts, of_totals = np.split(digamma, [len(counts)])
        values = np.exp(of_counts - of_totals[givens])
    return _Table(np.append(distinct, _LARGEST), np.append(values, 0.0), vocabulary_size)


@lru_cache(maxsize=4096)
def _priors(given: int, words: int) -> np.ndarray:
    """Returns the probabilities of positions, flattened from [words, given and none]."""
    near = _nearness(np.array([given]), np.array([words]), given, words)[0]
    none = np.full([words, 1], _NONE)
    return np.concatenate([(1 - _NONE) * near, none], axis=1).ravel()


def _nearness(given: np.ndarray, words: np.ndarray, longest: int, longest_words: int) -> np.ndarray:
    """Returns d for sentences of these lengths, [rows, longest words, longest given]."""
    ours = (np.arange(longest) + 0.5) / np.maximum(given, 1)[:, None]
    theirs = (np.arange(longest_words) + 0.5) / np.maximum(words, 1)[:, None]
    near = np.exp(-_STEEPNESS * np.abs(ours[:, None] - theirs[:, :, None]))
    near *= (np.arange(longest) < given[:, None])[:, None]
    return near / np.maximum(near.sum(axis=2, keepdims=True), 1e-30)


def _choose(table: _Table, given: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Returns the most probable position among the given for each word, or `NO_LINK`."""
    is_given, is_word = given > END, words > END
    near = _nearness(is_given.sum(axis=1), is_word.sum(axis=1), given.shape[1], words.shape[1])
    scores = (1 - _NONE) * near * table.look_up(given[:, None], words[:, :, None])
    none = _NONE * table.look_up(np.array(table.vocabulary_size), words)
    best = scores.argmax(axis=2)
    return np.where(is_word & (scores.max(axis=2) > none), best, NO_LINK)
