"""Attention: the interface of all kinds, and their common equations.

    alignment score    e_ti = score(s_t, h_i)
    attention weight   alpha_ti = softmax_i(e_ti)
    context vector     c_t = sum_i alpha_ti h_i

The decoder's states s_t are the queries, the encoder's states h_i the keys and values. The kinds
differ in the score; each has its own file (`trainer.attention_kinds`).

All target positions attend at once. So the same code is used for teacher forcing (one query for
each target step) and for beam search (one for each hypothesis).
"""

from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from trainer.settings import ModelSettings


class Memory(NamedTuple):
    """The encoder's result for the decoder, computed once for each source."""

    keys: tf.Tensor
    """Keys, to compare with the queries: [batch, source, key units]."""
    values: tf.Tensor
    """Values, summed to the context: [batch, source, value units]. A fixed context has one value,
    the context itself: [batch, 1, value units]."""
    mask: tf.Tensor
    """bool [batch, source], true on real source positions."""


class Attention(Protocol):
    """One kind of attention."""

    projects_values: bool
    """Whether the context is computed from projected values instead of the values themselves."""

    @classmethod
    def make(
        cls, settings: ModelSettings, rng: np.random.Generator, query_units: int, state_units: int
    ) -> "Attention":
        """Makes the weights, for queries and encoder states of these widths."""

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """Computes the memory from encoder states.

        Args:
          states: [batch, source, state units].
          summary: of the states, [batch, summary units].
          mask: bool [batch, source], true on real source positions.
        """

    def __call__(self, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes context vectors and attention weights.

        Args:
          queries: decoder states [batch, target, query units].
          memory: from `remember`.

        Returns:
          The context vectors [batch, target, value units] and the attention weights, float32
          [batch, target, source]: each row sums to 1 over the real source positions and is exactly
          0 on padding.
        """


def target_count(queries: tf.Tensor) -> int | tf.Tensor:
    """Returns the number of queries per source; an int if known in advance, like a beam size."""
    return queries.shape[1] if queries.shape[1] is not None else tf.shape(queries)[1]


def attend(scores: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes context vectors and attention weights from scores [batch, target, source]."""
    weights = masked_softmax(tf.cast(scores, tf.float32), memory.mask[:, None])
    return tf.matmul(tf.cast(weights, memory.values.dtype), memory.values), weights


def masked_softmax(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Computes a softmax over the last axis, exactly 0 where the mask is false.

    Args:
      scores: float32 [..., source].
      mask: bool, broadcast to the scores; at least one position of each row is true.

    Returns:
      float32, in the shape of the scores.
    """
    # For so few numbers TensorFlow's softmax takes several times as long.
    return tf.exp(tf.nn.log_softmax(tf.where(mask, scores, scores.dtype.min)))
