"""Copying: the decoder may write a source subword it attends to (a pointer-generator network).

    g_t      = sigmoid(w^T o_t + b)
    p(y_t)   = g_t p_vocabulary(y_t) + (1 - g_t) sum over i with x_i = y_t of alpha_ti

(See, Liu and Manning, 2017, equations 8 and 9; here the gate gets context and state through the
output vector o_t.) Source and target share their subwords, so the decoder can copy a name unseen in
training piece by piece.
"""

import numpy as np
import tensorflow as tf

from trainer.layers import Projection

SMALLEST = 1e-30
"""Replaces an attention weight of 0, to keep its logarithm finite."""


class Pointer(tf.Module):
    """Mixes the distribution over the vocabulary with the one over the source."""

    def __init__(self, rng: np.random.Generator, units: int):
        """Makes the gate, for output vectors of this width."""
        super().__init__()
        self.gate = Projection(rng, units, 1, bias=True)

    def mix(self, outputs: tf.Tensor, generated: tf.Tensor, copied: tf.Tensor) -> tf.Tensor:
        """Returns log p.

        Args:
          outputs: o, [..., units].
          generated: log p_vocabulary, float32 [..., n] for n subwords.
          copied: the attention on these subwords, float32 [..., n].

        Returns:
          float32 [..., n].
        """
        gate = tf.cast(self.gate(outputs), tf.float32)
        generated += tf.math.log_sigmoid(gate)
        copied = tf.math.log(tf.maximum(copied, SMALLEST)) + tf.math.log_sigmoid(-gate)
        return generated + tf.nn.softplus(copied - generated)


def attention_on_targets(
    weights: tf.Tensor, source_ids: tf.Tensor, target_ids: tf.Tensor
) -> tf.Tensor:
    """Sums each target position's attention on the source subwords equal to its own.

    Args:
      weights: attention, float32 [batch, target, source].
      source_ids: int32 [batch, source].
      target_ids: int32 [batch, target].

    Returns:
      float32 [batch, target].
    """
    is_same = tf.equal(target_ids[:, :, None], source_ids[:, None])
    return tf.reduce_sum(tf.where(is_same, weights, 0.0), axis=-1, keepdims=True)[..., 0]


def attention_on_vocabulary(
    weights: tf.Tensor, source_ids: tf.Tensor, vocabulary_size: int
) -> tf.Tensor:
    """Sums each position's attention on each subword of the vocabulary.

    Args:
      weights: attention, float32 [batch, positions, source].
      source_ids: int32 [batch, source].
      vocabulary_size: number of subwords in the vocabulary.

    Returns:
      float32 [batch, positions, vocabulary]; rows sum to 1.
    """
    shape = tf.shape(weights)
    rows = tf.reshape(tf.range(shape[0] * shape[1]) * vocabulary_size, [shape[0], shape[1], 1])
    totals = tf.math.unsorted_segment_sum(
        tf.reshape(weights, [-1]),
        tf.reshape(rows + source_ids[:, None], [-1]),
        shape[0] * shape[1] * vocabulary_size,
    )
    return tf.reshape(totals, [shape[0], shape[1], vocabulary_size])
