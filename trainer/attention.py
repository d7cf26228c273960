"""Attention: which source positions the decoder looks at.

    alignment score    e_ti = score(s_t, h_i)
    attention weight   alpha_ti = softmax_i(e_ti)
    context vector     c_t = sum_i alpha_ti h_i

with the decoder's states s_t as queries and the encoder's states h_i as keys and values.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from trainer.layers import Projection, glorot


class Memory(NamedTuple):
    """What the encoder leaves for the decoder, computed once for each source."""

    states: tf.Tensor
    """h: [batch, source, units]."""
    keys: tf.Tensor
    """W_k h: [batch, source, attention units]."""
    mask: tf.Tensor
    """bool [batch, source], true on real source positions."""


class BahdanauAttention(tf.Module):
    """Additive attention (Bahdanau, Cho and Bengio, 2015, appendix A.1.2): score = v^T tanh(W_q s +
    W_k h).

    All target positions are attended from at once, so the same code serves teacher forcing (one
    query for each target step) and beam search (one for each hypothesis).
    """

    def __init__(self, rng: np.random.Generator, query_units: int, state_units: int, units: int):
        super().__init__()
        self.W_q = Projection(rng, query_units, units)
        self.W_k = Projection(rng, state_units, units)
        self.v = glorot(rng, units, 1)

    def remember(self, states: tf.Tensor, mask: tf.Tensor) -> Memory:
        """Prepares encoder states [batch, source, state units] with their mask [batch, source]."""
        return Memory(states, self.W_k(states), mask)

    def __call__(self, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
        """Attends.

        Args:
          queries: decoder states [batch, target, query units].
          memory: from `remember`.

        Returns:
          The context vectors [batch, target, state units] and the attention weights, float32
          [batch, target, source]: each row sums to 1 over the real source positions and is exactly
          0 on padding.
        """
        hidden = tf.tanh(self.W_q(queries)[:, :, None] + memory.keys[:, None])
        scores = tf.tensordot(hidden, tf.cast(self.v[:, 0], hidden.dtype), axes=1)
        weights = masked_softmax(tf.cast(scores, tf.float32), memory.mask[:, None])
        return tf.matmul(tf.cast(weights, memory.states.dtype), memory.states), weights


def masked_softmax(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Softmax over the last axis, exactly 0 where the mask is false.

    Args:
      scores: float32 [..., source].
      mask: bool, broadcast to the scores; at least one position of each row is true.

    Returns:
      float32, of the scores' shape.
    """
    return tf.nn.softmax(tf.where(mask, scores, scores.dtype.min))
