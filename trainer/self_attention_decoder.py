"""A decoder of self-attention layers (Vaswani et al., 2017, section 3.1).

    x_t = E y_{t-1} + waves of position t
    each layer: self-attention to the positions up to t, attention to the source, feed-forward
    o_t = LayerNorm of the last layer

With teacher forcing all positions are computed at once. A search keeps the keys and values of the
earlier positions of each hypothesis as its state, so a step computes only the new position.

The attention returned is that of one layer to the source (`model.attention_layer`): of one of its
heads (`model.attention_head`), or the mean of all.
"""

import numpy as np
import tensorflow as tf

from trainer.attention import Memory
from trainer.layers import NO_DROPOUT, Dropout, DropoutPlace, Projection
from trainer.self_attention import (
    FeedForward,
    LayerNorm,
    SelfAttention,
    attend_by_heads,
    join_heads,
    position_waves,
    split_heads,
)
from trainer.settings import ModelSettings

_FIRST_NUMBER = 16
"""Of the layers for dropout; an encoder has at most as many."""


class SelfAttentionDecoder(tf.Module):
    """Turns embedded target words and the encoder's memory into output vectors.

    The state of a hypothesis is a vector for each earlier position: the keys and values of all
    layers, bottom first.
    """

    def __init__(self, settings: ModelSettings, rng: np.random.Generator, state_units: int):
        """Makes the weights, for encoder states of this width."""
        super().__init__()
        self.units, self._heads = settings.decoder_units, settings.attention_heads
        depths = range(settings.decoder_layers)
        self.layers = [
            (
                SelfAttention(rng, self.units, self._heads),
                _CrossAttention(rng, self.units, self._heads),
                FeedForward(rng, self.units, settings.feed_forward_units),
            )
            for _ in depths
        ]
        # One product makes the keys of all layers, and one their values.
        self.W_k = Projection(rng, state_units, len(depths) * self.units)
        self.W_v = Projection(rng, state_units, len(depths) * self.units)
        self.norm = LayerNorm(self.units)
        self._shown = (settings.attention_layer or settings.decoder_layers) - 1
        self._shown_head = settings.attention_head

    def remember(
        self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor
    ) -> tuple[Memory, ...]:
        """Computes the memory for attention of each layer, bottom first.

        Args:
          states: of the encoder, [batch, source, state units].
          summary: not used.
          mask: bool [batch, source].
        """
        del summary
        keys, values = (
            [split_heads(part, self._heads) for part in tf.split(all_layers, len(self.layers), -1)]
            for all_layers in (self.W_k(states), self.W_v(states))
        )
        return tuple(Memory(*each, mask) for each in zip(keys, values, strict=True))

    def initial_state(self, summary: tf.Tensor) -> tf.Tensor:
        """Returns the state before the first word, [batch, 0, state size].

        Args:
          summary: of the encoder, [batch, summary units].
        """
        size = 2 * self.units * len(self.layers)
        # The number of positions must not be known, since it grows.
        none = tf.minimum(tf.shape(summary)[0], 0)
        return tf.zeros([tf.shape(summary)[0], none, size], summary.dtype)

    def force(
        self,
        embedded: tf.Tensor,
        mask: tf.Tensor,
        initial_state: tf.Tensor,
        memory: tuple[Memory, ...],
        dropout: Dropout = NO_DROPOUT,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Processes a known target (teacher forcing).

        Args:
          embedded: the target shifted right by one, [batch, target, units].
          mask: bool [batch, target].
          initial_state: not used.
          memory: memory of the source for each layer.
          dropout: dropout for training.

        Returns:
          o, [batch, target, units], and the attention weights [batch, target, source].
        """
        del mask, initial_state  # padding comes last, and no position sees later ones
        length = tf.shape(embedded)[1]
        is_earlier = tf.linalg.band_part(tf.ones([length, length], tf.bool), -1, 0)
        x, shown = self._placed(embedded, 0, length), None
        for depth, (attention, cross, feed_forward) in enumerate(self.layers):
            number = _FIRST_NUMBER + depth
            x, _ = attention(x, is_earlier, dropout, number)
            x, weights = cross(x, memory[depth], dropout, number)
            x = feed_forward(x, dropout, number)
            shown = weights if depth == self._shown else shown
        return dropout(self.norm(x), DropoutPlace.DECODER_OUTPUTS), self._of_heads(shown)

    def step(
        self, embedded: tf.Tensor, state: tf.Tensor, memory: tuple[Memory, ...]
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Takes one step of several hypotheses of each source.

        Args:
          embedded: the last word of each hypothesis, [batch, beam, units].
          state: state of each hypothesis, [batch, beam, earlier positions, state size].
          memory: memory of the source for each layer.

        Returns:
          o, [batch, beam, units]; the new state; the attention weights [batch, beam, source].
        """
        x, shown = self._placed(embedded, tf.shape(state)[2], 1), None
        states = []
        pasts = tf.split(state, len(self.layers), axis=-1)
        for depth, (attention, cross, feed_forward) in enumerate(self.layers):
            x, past = attention.step(x, pasts[depth])
            x, weights = cross(x, memory[depth], NO_DROPOUT, depth)
            x = feed_forward(x, NO_DROPOUT, depth)
            states.append(past)
            shown = weights if depth == self._shown else shown
        return self.norm(x), tf.concat(states, axis=-1), self._of_heads(shown)

    def _placed(
        self, embedded: tf.Tensor, first: tf.Tensor | int, count: tf.Tensor | int
    ) -> tf.Tensor:
        """Adds the waves of positions to [batch, `count` positions or beam, units]."""
        waves = position_waves(first, count, self.units)
        return embedded + tf.cast(waves, embedded.dtype)

    def _of_heads(self, weights: tf.Tensor) -> tf.Tensor:
        """float32 [batch, heads, target, source] -> [batch, target, source]."""
        if self._shown_head is None:
            return tf.reduce_mean(weights, axis=1)
        return weights[:, self._shown_head - 1]


class _CrossAttention(tf.Module):
    """Multi-head attention to the source."""

    def __init__(self, rng: np.random.Generator, units: int, heads: int):
        super().__init__()
        self._heads = heads
        self.norm = LayerNorm(units)
        self.W_q = Projection(rng, units, units)
        self.W_O = Projection(rng, units, units)

    def __call__(
        self, x: tf.Tensor, memory: Memory, dropout: Dropout, depth: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Adds to x, [batch, target, units]; also returns the weights of all heads."""
        q = split_heads(self.W_q(self.norm(x)), self._heads)
        place = DropoutPlace.CROSS_ATTENTION_WEIGHTS
        heads, weights = attend_by_heads(
            q, memory.keys, memory.values, memory.mask[:, None, None], dropout, place, depth
        )
        added = self.W_O(join_heads(heads))
        return x + dropout(added, DropoutPlace.CROSS_ATTENTION, depth), weights
