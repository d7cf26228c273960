"""No attention: the basic sequence-to-sequence model with a constant context."""

import numpy as np
import tensorflow as tf

from trainer.attention import Memory, target_count
from trainer.settings import ModelSettings


class FixedContext(tf.Module):
    """No attention: the encoder's summary is the context of every target position.

    See Cho et al. (2014) and Sutskever et al. (2014). The weights show the origin of this vector:
    the last real position, where the forward direction ends, and with equal weight the first, where
    the backward direction ends.
    """

    projects_values = False

    def __init__(self, bidirectional: bool):
        super().__init__()
        self._bidirectional = bidirectional

    @classmethod
    def make(
        cls, settings: ModelSettings, rng: np.random.Generator, query_units: int, state_units: int
    ) -> "FixedContext":
        """See `Attention`."""
        return cls(settings.bidirectional)

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """See `Attention`."""
        return Memory(states, summary[:, None], mask)

    def __call__(self, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Attention`."""
        batch, source = tf.unstack(tf.shape(memory.mask))
        last = tf.math.count_nonzero(memory.mask, axis=1, dtype=tf.int32) - 1
        weights = tf.one_hot(last, source)
        if self._bidirectional:
            weights = (weights + tf.one_hot(tf.zeros_like(last), source)) / 2
        targets = target_count(queries)
        context = tf.broadcast_to(memory.values, [batch, targets, memory.values.shape[2]])
        return context, tf.broadcast_to(weights[:, None], [batch, targets, source])
