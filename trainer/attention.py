"""Attention: which source positions the decoder looks at.

    alignment score    e_ti = score(s_t, h_i)
    attention weight   alpha_ti = softmax_i(e_ti)
    context vector     c_t = sum_i alpha_ti h_i

with the decoder's states s_t as queries and the encoder's states h_i as keys and values. The kinds
differ in the score, and have a file each (`trainer.attention_kinds`).

All target positions attend at once, so the same code serves teacher forcing (one query for each
target step) and beam search (one for each hypothesis).
"""

from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from trainer.settings import ModelSettings


class Memory(NamedTuple):
    """What the encoder leaves for the decoder, computed once for each source."""

    keys: tf.Tensor
    """What queries are compared with: [batch, source, key units]."""
    values: tf.Tensor
    """What the context is made of: [batch, source, value units]; where it is fixed, all that it is:
    [batch, 1, value units]."""
    mask: tf.Tensor
    """bool [batch, source], true on real source positions."""


class Attention(Protocol):
    """One kind of attention."""

    projects_values: bool
    """Whether the context is made of projections of its own, not of the values as they are."""

    @classmethod
    def make(
        cls, settings: ModelSettings, rng: np.random.Generator, query_units: int, state_units: int
    ) -> "Attention":
        """Makes the weights, for queries and encoder states of the widths given."""

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """Prepares encoder states [batch, source, state units], their summary [batch,
        summary units] and their mask, bool [batch, source]."""

    def __call__(self, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
        """Attends.

        Args:
          queries: decoder states [batch, target, query units].
          memory: from `remember`.

        Returns:
          The context vectors [batch, target, value units] and the attention weights, float32
          [batch, target, source]: each row sums to 1 over the real source positions and is exactly
          0 on padding.
        """


def target_count(queries: tf.Tensor) -> int | tf.Tensor:
    """How many queries each source has; a number where it is known, as a beam's size is."""
    return queries.shape[1] if queries.shape[1] is not None else tf.shape(queries)[1]


def attend(scores: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
    """Scores [batch, target, source] to context vectors and attention weights."""
    weights = masked_softmax(tf.cast(scores, tf.float32), memory.mask[:, None])
    return tf.matmul(tf.cast(weights, memory.values.dtype), memory.values), weights


def masked_softmax(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Softmax over the last axis, exactly 0 where the mask is false.

    Args:
      scores: float32 [..., source].
      mask: bool, broadcast to the scores; at least one position of each row is true.

    Returns:
      float32, of the scores' shape.
    """
    # Of so few numbers TensorFlow's own softmax takes several times as long.
    return tf.exp(tf.nn.log_softmax(tf.where(mask, scores, scores.dtype.min)))
