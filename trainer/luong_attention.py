"""Multiplicative attention (Luong, Pham and Manning, 2015), without and with a learned matrix."""

import numpy as np
import tensorflow as tf

from trainer.attention import Memory, attend
from trainer.layers import Projection
from trainer.settings import ModelSettings


class LuongDotAttention(tf.Module):
    """Multiplicative attention (Luong, Pham and Manning, 2015, equation 8, `dot`): score = s^T h.

    Query units and state units must be equal.
    """

    projects_values = False

    @classmethod
    def make(
        cls, settings: ModelSettings, rng: np.random.Generator, query_units: int, state_units: int
    ) -> "LuongDotAttention":
        """See `Attention`."""
        return cls()

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """See `Attention`."""
        return Memory(states, states, mask)

    def __call__(self, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Attention`."""
        return attend(tf.matmul(queries, memory.keys, transpose_b=True), memory)


class LuongGeneralAttention(LuongDotAttention):
    """Multiplicative attention with a learned matrix (Luong et al., 2015, equation 8, `general`).

    score = s^T W_a h / sqrt(query units)

    The paper does not divide. Since W_a is learned, both forms can represent the same functions,
    but they learn differently. Each step of Adam moves all elements of W_a by about the learning
    rate. Without the division, these changes add up in the scores, and attention is hardly learned.
    """

    def __init__(self, rng: np.random.Generator, query_units: int, state_units: int):
        super().__init__()
        self.W_a = Projection(rng, state_units, query_units)

    @classmethod
    def make(
        cls, settings: ModelSettings, rng: np.random.Generator, query_units: int, state_units: int
    ) -> "LuongGeneralAttention":
        """See `Attention`."""
        return cls(rng, query_units, state_units)

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """See `Attention`."""
        keys = self.W_a(states)
        return Memory(keys * keys.shape[-1] ** -0.5, states, mask)
