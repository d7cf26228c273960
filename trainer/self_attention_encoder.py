"""An encoder of self-attention layers (Vaswani et al., 2017, section 3.1).

    x_i = E w_i + waves of position i
    h = LayerNorm of the last layer

All positions see each other, and all are computed at once.
"""

import numpy as np
import tensorflow as tf

from trainer.layers import NO_DROPOUT, Dropout
from trainer.self_attention import FeedForward, LayerNorm, SelfAttention, position_waves
from trainer.settings import ModelSettings


class SelfAttentionEncoder(tf.Module):
    """Encodes the embedded source."""

    def __init__(self, settings: ModelSettings, rng: np.random.Generator):
        super().__init__()
        self.output_units = self.summary_units = units = settings.encoder_units
        self.layers = [
            (
                SelfAttention(rng, units, settings.attention_heads),
                FeedForward(rng, units, settings.feed_forward_units),
            )
            for _ in range(settings.encoder_layers)
        ]
        self.norm = LayerNorm(units)

    def __call__(
        self, embedded: tf.Tensor, mask: tf.Tensor, dropout: Dropout
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes the annotations of the source, and its summary.

        Args:
          embedded: [batch, source, units].
          mask: bool [batch, source], true on real positions.
          dropout: dropout in every layer, for training.

        Returns:
          The annotations [batch, source, units], and their mean, [batch, units].
        """
        states, _ = self.layers_applied(embedded, mask, dropout)
        is_real = tf.cast(mask, states.dtype)[:, :, None]
        count = tf.reduce_sum(is_real, axis=1)
        return states, tf.reduce_sum(states * is_real, axis=1) / count

    def layers_applied(
        self, embedded: tf.Tensor, mask: tf.Tensor, dropout: Dropout = NO_DROPOUT
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Computes the annotations, and where each position of the source looks.

        Args:
          embedded: [batch, source, units].
          mask: bool [batch, source], true on real positions.
          dropout: dropout in every layer, for training.

        Returns:
          The annotations [batch, source, units], and the weights of each layer, bottom first,
          float32 [batch, heads, source, source]; a row is of the position that looks.
        """
        waves = position_waves(0, tf.shape(embedded)[1], embedded.shape[2])
        x, all_weights = embedded + tf.cast(waves, embedded.dtype), []
        for depth, (attention, feed_forward) in enumerate(self.layers):
            x, weights = attention(x, mask[:, None, None], dropout, depth)
            x = feed_forward(x, dropout, depth)
            all_weights.append(weights)
        return self.norm(x), all_weights
