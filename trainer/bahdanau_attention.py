"""Additive attention (Bahdanau, Cho and Bengio, 2015)."""

import numpy as np
import tensorflow as tf

from trainer.attention import Memory, attend
from trainer.layers import Projection, glorot, product
from trainer.settings import ModelSettings


class BahdanauAttention(tf.Module):
    """Additive attention (Bahdanau, Cho and Bengio, 2015, appendix A.1.2).

    score = v^T tanh(W_q s + W_k h)
    """

    projects_values = False

    def __init__(self, rng: np.random.Generator, query_units: int, state_units: int, units: int):
        super().__init__()
        self.W_q = Projection(rng, query_units, units, bounded=True)
        self.W_k = Projection(rng, state_units, units)
        self.v = glorot(rng, units, 1)

    @classmethod
    def make(
        cls, settings: ModelSettings, rng: np.random.Generator, query_units: int, state_units: int
    ) -> "BahdanauAttention":
        """See `Attention`."""
        return cls(rng, query_units, state_units, settings.attention_units)

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """See `Attention`."""
        return Memory(self.W_k(states), states, mask)

    def __call__(self, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Attention`."""
        hidden = tf.tanh(self.W_q(queries)[:, :, None] + memory.keys[:, None])
        return attend(product(hidden, self.v)[..., 0], memory)
