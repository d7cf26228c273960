"""Multi-head attention (Vaswani et al., 2017)."""

import numpy as np
import tensorflow as tf

from trainer.attention import Memory, masked_softmax, target_count
from trainer.layers import Projection
from trainer.settings import ModelSettings


class MultiHeadAttention(tf.Module):
    """Scaled dot products in several projections (Vaswani et al., 2017, section 3.2.2).

    head_j = softmax(Q_j K_j^T / sqrt(d)) V_j, and the context is their concatenation times W_O. The
    returned attention weights are the mean over the heads.
    """

    projects_values = True

    def __init__(
        self, rng: np.random.Generator, query_units: int, state_units: int, units: int, heads: int
    ):
        super().__init__()
        self._heads = heads
        self.W_q = Projection(rng, query_units, units, bounded=True)
        self.W_k = Projection(rng, state_units, units)
        self.W_v = Projection(rng, state_units, units)
        self.W_O = Projection(rng, units, state_units)

    @classmethod
    def make(
        cls, settings: ModelSettings, rng: np.random.Generator, query_units: int, state_units: int
    ) -> "MultiHeadAttention":
        """See `Attention`."""
        return cls(
            rng, query_units, state_units, settings.attention_units, settings.attention_heads
        )

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """See `Attention`."""
        return Memory(self.W_k(states), self.W_v(states), mask)

    def __call__(self, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Attention`."""
        q, k, v = (self._split(x) for x in (self.W_q(queries), memory.keys, memory.values))
        scores = tf.matmul(q, k, transpose_b=True) * q.shape[-1] ** -0.5
        weights = masked_softmax(tf.cast(scores, tf.float32), memory.mask[:, None, None])
        heads = tf.matmul(tf.cast(weights, v.dtype), v)
        shape = [tf.shape(queries)[0], target_count(queries), self.W_O.kernel.shape[0]]
        joined = tf.reshape(tf.transpose(heads, [0, 2, 1, 3]), shape)
        return self.W_O(joined), tf.reduce_mean(weights, axis=1, keepdims=True)[:, 0]

    def _split(self, x: tf.Tensor) -> tf.Tensor:
        """[batch, positions, units] -> [batch, heads, positions, units / heads]."""
        shape = tf.shape(x)
        parts = tf.reshape(x, [shape[0], shape[1], self._heads, x.shape[-1] // self._heads])
        return tf.transpose(parts, [0, 2, 1, 3])
