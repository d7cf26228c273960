"""The parts of self-attention layers (Vaswani et al., 2017, section 3).

Each part of a layer reads a normalised input and adds to it (pre-norm: Xiong et al., 2020):

    x <- x + SelfAttention(LayerNorm(x))
    x <- x + CrossAttention(LayerNorm(x), h)       in the decoder
    x <- x + W_2 relu(W_1 LayerNorm(x) + b_1) + b_2

Words have no order in these equations, so their embeddings get the sines of their positions.
"""

import numpy as np
import tensorflow as tf

from trainer.attention import masked_softmax, target_count
from trainer.layers import Dropout, DropoutPlace, Projection, zeros

_LONGEST_WAVE = 10_000.0
_EPSILON = 1e-6


def position_waves(first: tf.Tensor | int, count: tf.Tensor | int, width: int) -> tf.Tensor:
    """Returns sines and cosines of positions (Vaswani et al., 2017, section 3.5).

    Args:
      first: the first position.
      count: number of positions.
      width: size of an embedding.

    Returns:
      float32 [count, width]: the sines of all wave lengths, then the cosines.
    """
    half = (width + 1) // 2
    speeds = _LONGEST_WAVE ** (-np.arange(half, dtype=np.float32) / half)
    positions = tf.cast(first + tf.range(count), tf.float32)
    angles = positions[:, None] * speeds
    return tf.concat([tf.sin(angles), tf.cos(angles)], axis=1)[:, :width]


class LayerNorm(tf.Module):
    """Layer normalisation (Ba et al., 2016), computed in float32."""

    def __init__(self, units: int):
        super().__init__()
        self.gain = tf.Variable(tf.ones(units))
        self.bias = zeros(units)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Maps [..., units] to the same shape."""
        mean, variance = tf.nn.moments(tf.cast(x, tf.float32), axes=[-1], keepdims=True)
        normalised = (tf.cast(x, tf.float32) - mean) * tf.math.rsqrt(variance + _EPSILON)
        return tf.cast(normalised * self.gain + self.bias, x.dtype)


class FeedForward(tf.Module):
    """Two projections with a rectifier between them (Vaswani et al., 2017, equation 2)."""

    def __init__(self, rng: np.random.Generator, units: int, inner_units: int):
        super().__init__()
        self.norm = LayerNorm(units)
        self.W_1 = Projection(rng, units, inner_units, bias=True)
        self.W_2 = Projection(rng, inner_units, units, bias=True)

    def __call__(self, x: tf.Tensor, dropout: Dropout, depth: int) -> tf.Tensor:
        """Adds to x, [..., units]; `depth` tells the layers of a network apart."""
        inner = tf.nn.relu(self.W_1(self.norm(x)))
        inner = dropout(inner, DropoutPlace.FEED_FORWARD_INNER, depth)
        return x + dropout(self.W_2(inner), DropoutPlace.FEED_FORWARD, depth)


class SelfAttention(tf.Module):
    """Multi-head attention of a sequence to itself.

    One product makes queries, keys and values.
    """

    def __init__(self, rng: np.random.Generator, units: int, heads: int):
        super().__init__()
        self._heads, self.units = heads, units
        self.norm = LayerNorm(units)
        self.W_qkv = Projection(rng, units, 3 * units)
        self.W_O = Projection(rng, units, units)

    def __call__(
        self, x: tf.Tensor, mask: tf.Tensor, dropout: Dropout, depth: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Adds to all positions of a sequence.

        Args:
          x: [batch, positions, units].
          mask: bool, true where a position may be seen; broadcast to [batch, heads, positions,
            positions].
          dropout: dropout for training.
          depth: tells the layers of a network apart.

        Returns:
          [batch, positions, units], and the weights, float32 [batch, heads, positions, positions].
        """
        q, k, v = (
            split_heads(part, self._heads)
            for part in tf.split(self.W_qkv(self.norm(x)), 3, axis=-1)
        )
        place = DropoutPlace.SELF_ATTENTION_WEIGHTS
        heads, weights = attend_by_heads(q, k, v, mask, dropout, place, depth)
        added = self.W_O(join_heads(heads))
        return x + dropout(added, DropoutPlace.SELF_ATTENTION, depth), weights

    def step(self, x: tf.Tensor, past: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Adds to the last position of several hypotheses.

        Args:
          x: [batch, beam, units].
          past: keys and values of earlier positions, [batch, beam, positions, 2 * units].

        Returns:
          [batch, beam, units], and `past` with one more position.
        """
        q, new = tf.split(self.W_qkv(self.norm(x)), [self.units, 2 * self.units], axis=-1)
        past = tf.concat([past, new[:, :, None]], axis=2)
        shape = tf.shape(past)
        size = self.units // self._heads
        split = [shape[0], x.shape[1], shape[2], self._heads, size]
        k, v = (tf.reshape(part, split) for part in tf.split(past, 2, axis=-1))
        q = tf.reshape(q, [shape[0], x.shape[1], 1, self._heads, size])
        # There is one query for each hypothesis: sums are faster than so many small products.
        scores = tf.reduce_sum(q * k, axis=-1) * size**-0.5
        weights = tf.nn.softmax(tf.cast(scores, tf.float32), axis=2)
        heads = tf.reduce_sum(tf.cast(weights, v.dtype)[..., None] * v, axis=2)
        return x + self.W_O(tf.reshape(heads, [shape[0], x.shape[1], self.units])), past


def split_heads(x: tf.Tensor, heads: int) -> tf.Tensor:
    """[batch, positions, units] -> [batch, heads, positions, units / heads]."""
    shape = [tf.shape(x)[0], target_count(x), heads, x.shape[-1] // heads]
    return tf.transpose(tf.reshape(x, shape), [0, 2, 1, 3])


def join_heads(x: tf.Tensor) -> tf.Tensor:
    """[batch, heads, positions, size] -> [batch, positions, heads * size]."""
    heads, size = x.shape[1], x.shape[3]
    joined = tf.transpose(x, [0, 2, 1, 3])
    return tf.reshape(joined, [tf.shape(x)[0], target_count(joined), heads * size])


def attend_by_heads(
    q: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
    mask: tf.Tensor,
    dropout: Dropout,
    place: DropoutPlace,
    depth: int = 0,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes softmax(Q K^T / sqrt(size)) V (Vaswani et al., 2017, equation 1).

    Args:
      q: queries, [batch, heads, targets, size].
      k: keys, [batch, heads, sources, size].
      v: values of the same shape.
      mask: bool, broadcast to [batch, heads, targets, sources].
      dropout: drops weights, for training.
      place: place of the dropout in the network.
      depth: number of the layer.

    Returns:
      [batch, heads, targets, size], and the weights before dropout, float32 [batch, heads, targets,
      sources].
    """
    scores = tf.matmul(q, k, transpose_b=True) * q.shape[-1] ** -0.5
    weights = masked_softmax(tf.cast(scores, tf.float32), mask)
    kept = dropout(tf.cast(weights, v.dtype), place, depth)
    return tf.matmul(kept, v), weights
