"""Finds the most probable continuations of the hypotheses at a step of beam search."""

from typing import NamedTuple

import tensorflow as tf

from trainer.subwords import END

IMPOSSIBLE = -1e9
"""Replaces the logarithm of 0, to keep sums finite."""

_WIDEST_GROUP = 64
"""Largest number of tokens in a group."""


class Candidates(NamedTuple):
    """The best continuations of a sentence's hypotheses, best first; each [rows, count]."""

    tokens: tf.Tensor
    parents: tf.Tensor
    log_probs: tf.Tensor


def best_continuations(
    log_probs: tf.Tensor, following: tf.Tensor, count: int, penalties: tf.Tensor | None = None
) -> Candidates:
    """Extends hypotheses by every token except padding, unknown and start, and keeps the best.

    `tf.math.top_k` sorts while reading, and a maximum is several times faster. So the tokens are
    divided into groups; the best continuations are in the groups with the largest maxima. A few
    hundred tokens, of which the number is not known in advance, are read at once.

    Args:
      log_probs: log-probabilities of the hypotheses, [rows, beam].
      following: log-probabilities of the next tokens, float32 [rows, beam, vocabulary].
      count: number of continuations to keep. If there are fewer, the others are `IMPOSSIBLE`.
      penalties: added to the log-probabilities of the tokens, float32 [rows, beam, vocabulary]:
        `IMPOSSIBLE` for tokens not to write.
    """
    beam_size, vocabulary = following.shape[1:]
    if penalties is not None:
        following += penalties
    if vocabulary is None:
        return _best_of_few(log_probs, following, count)
    width = _width_of_groups(vocabulary)
    if filler := -vocabulary % width:
        never = following.dtype.min
        following = tf.pad(following, [[0, 0], [0, 0], [0, filler]], constant_values=never)
    groups = following.shape[2] // width
    following = tf.reshape(following, [-1, beam_size, groups, width])
    # The first group begins with the tokens never written.
    first = tf.reduce_max(following[:, :, :1, END:], axis=3)
    largest = tf.concat([first, tf.reduce_max(following, axis=3)[:, :, 1:]], axis=2)
    largest = tf.reshape(log_probs[:, :, None] + largest, [-1, beam_size * groups])
    chosen = tf.math.top_k(largest, min(count, beam_size * groups)).indices
    chosen = tf.sort(chosen)  # so the first of equal values are kept
    parents = chosen // groups
    totals = tf.gather(tf.reshape(following, [-1, beam_size * groups, width]), chosen, batch_dims=1)
    totals += tf.gather(log_probs, parents, batch_dims=1)[:, :, None]
    tokens = (chosen % groups)[:, :, None] * width + tf.range(width)
    totals = tf.where(tokens < END, IMPOSSIBLE, totals)
    size = chosen.shape[1] * width
    best, place = tf.math.top_k(tf.reshape(totals, [-1, size]), min(count, size))
    missing = [[0, 0], [0, count - min(count, size)]]
    return Candidates(
        tokens=tf.pad(tf.gather(tf.reshape(tokens, [-1, size]), place, batch_dims=1), missing),
        parents=tf.pad(tf.gather(parents, place // width, batch_dims=1), missing),
        log_probs=tf.pad(best, missing, constant_values=IMPOSSIBLE),
    )


def _best_of_few(log_probs: tf.Tensor, following: tf.Tensor, count: int) -> Candidates:
    beam_size, size = following.shape[1], tf.shape(following)[2]
    totals = log_probs[:, :, None] + following[:, :, END:]
    best, place = tf.math.top_k(tf.reshape(totals, [-1, beam_size * (size - END)]), count)
    return Candidates(place % (size - END) + END, place // (size - END), best)


def _width_of_groups(vocabulary: int) -> int:
    """Returns the number of tokens in a group.

    If it divides the size of the vocabulary, padding the last group, a copy, is not necessary.
    """
    if vocabulary <= _WIDEST_GROUP:
        return vocabulary
    widths = range(_WIDEST_GROUP // 2, _WIDEST_GROUP + 1)
    return max((each for each in widths if vocabulary % each == 0), default=_WIDEST_GROUP)
