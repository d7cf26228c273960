"""Multi-head attention (Vaswani et al., 2017)."""

import numpy as np
import tensorflow as tf

from trainer.attention import Memory
from trainer.layers import NO_DROPOUT, DropoutPlace, Projection
from trainer.self_attention import attend_by_heads, join_heads, split_heads
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
        parts = (self.W_q(queries), memory.keys, memory.values)
        q, k, v = (split_heads(each, self._heads) for each in parts)
        mask, place = memory.mask[:, None, None], DropoutPlace.CROSS_ATTENTION_WEIGHTS
        heads, weights = attend_by_heads(q, k, v, mask, NO_DROPOUT, place)
        return self.W_O(join_heads(heads)), tf.reduce_mean(weights, axis=1, keepdims=True)[:, 0]
