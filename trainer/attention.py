"""Attention: which source positions the decoder looks at.

    alignment score    e_ti = score(s_t, h_i)
    attention weight   alpha_ti = softmax_i(e_ti)
    context vector     c_t = sum_i alpha_ti h_i

with the decoder's states s_t as queries and the encoder's states h_i as keys and values. The kinds
differ in the score; `none` is the basic sequence-to-sequence model, whose context never changes.

All target positions attend at once, so the same code serves teacher forcing (one query for each
target step) and beam search (one for each hypothesis).
"""

from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from trainer.layers import Projection, glorot, product
from trainer.settings import ModelSettings


class Memory(NamedTuple):
    """What the encoder leaves for the decoder, computed once for each source."""

    keys: tf.Tensor
    """What queries are compared with: [batch, source, key units]."""
    values: tf.Tensor
    """What the context is made of: [batch, source, value units]; where it is fixed, all that it is:
    [batch, 1, value units]."""
    mask: tf.Tensor
    """bool [batch, source], true on real source positions."""


class Attention(Protocol):
    """One kind of attention."""

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """Prepares encoder states [batch, source, state units], their summary [batch,
        summary units] and their mask, bool [batch, source]."""

    def __call__(self, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
        """Attends.

        Args:
          queries: decoder states [batch, target, query units].
          memory: from `remember`.

        Returns:
          The context vectors [batch, target, value units] and the attention weights, float32
          [batch, target, source]: each row sums to 1 over the real source positions and is exactly
          0 on padding.
        """


class BahdanauAttention(tf.Module):
    """Additive attention (Bahdanau, Cho and Bengio, 2015, appendix A.1.2): score = v^T tanh(W_q s +
    W_k h)."""

    def __init__(self, rng: np.random.Generator, query_units: int, state_units: int, units: int):
        super().__init__()
        self.W_q = Projection(rng, query_units, units)
        self.W_k = Projection(rng, state_units, units)
        self.v = glorot(rng, units, 1)

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """See `Attention`."""
        return Memory(self.W_k(states), states, mask)

    def __call__(self, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Attention`."""
        hidden = tf.tanh(self.W_q(queries)[:, :, None] + memory.keys[:, None])
        return _attend(product(hidden, self.v)[..., 0], memory)


class LuongDotAttention(tf.Module):
    """Multiplicative attention (Luong, Pham and Manning, 2015, equation 8, `dot`): score = s^T h.

    Query units and state units must be equal.
    """

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """See `Attention`."""
        return Memory(states, states, mask)

    def __call__(self, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Attention`."""
        return _attend(tf.matmul(queries, memory.keys, transpose_b=True), memory)


class LuongGeneralAttention(LuongDotAttention):
    """Multiplicative attention with a learned matrix (Luong et al., 2015, equation 8, `general`):
    score = s^T W_a h / sqrt(query units).

    The paper does not divide. The functions are the same, since W_a is learned, but not how they
    are learned: each step of Adam moves all elements of W_a by about the learning rate, which would
    add up to so large a change of the scores that attention is hardly learned.
    """

    def __init__(self, rng: np.random.Generator, query_units: int, state_units: int):
        super().__init__()
        self.W_a = Projection(rng, state_units, query_units)

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """See `Attention`."""
        keys = self.W_a(states)
        return Memory(keys * keys.shape[-1] ** -0.5, states, mask)


class MultiHeadAttention(tf.Module):
    """Scaled dot products in several projections (Vaswani et al., 2017, section 3.2.2):
    head_j = softmax(Q_j K_j^T / sqrt(d)) V_j, and the context is their concatenation times W_O.

    The attention weights that are returned are the mean over the heads.
    """

    def __init__(
        self, rng: np.random.Generator, query_units: int, state_units: int, units: int, heads: int
    ):
        super().__init__()
        self._heads = heads
        self.W_q = Projection(rng, query_units, units)
        self.W_k = Projection(rng, state_units, units)
        self.W_v = Projection(rng, state_units, units)
        self.W_O = Projection(rng, units, state_units)

    def remember(self, states: tf.Tensor, summary: tf.Tensor, mask: tf.Tensor) -> Memory:
        """See `Attention`."""
        return Memory(self.W_k(states), self.W_v(states), mask)

    def __call__(self, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Attention`."""
        q, k, v = (self._split(x) for x in (self.W_q(queries), memory.keys, memory.values))
        scores = tf.matmul(q, k, transpose_b=True) * q.shape[-1] ** -0.5
        weights = masked_softmax(tf.cast(scores, tf.float32), memory.mask[:, None, None])
        heads = tf.matmul(tf.cast(weights, v.dtype), v)
        shape = [tf.shape(queries)[0], _targets(queries), self.W_O.kernel.shape[0]]
        joined = tf.reshape(tf.transpose(heads, [0, 2, 1, 3]), shape)
        return self.W_O(joined), tf.reduce_mean(weights, axis=1, keepdims=True)[:, 0]

    def _split(self, x: tf.Tensor) -> tf.Tensor:
        """[batch, positions, units] -> [batch, heads, positions, units / heads]."""
        shape = tf.shape(x)
        parts = tf.reshape(x, [shape[0], shape[1], self._heads, x.shape[-1] // self._heads])
        return tf.transpose(parts, [0, 2, 1, 3])


class FixedContext(tf.Module):
    """No attention: the context of every target position is the encoder's summary, the same vector
    (Cho et al., 2014; Sutskever et al., 2014).

    The weights say where that vector comes from: the last real position, where the forward
    direction ends, and, with equal weight, the first, where the backward direction ends.
    """

    def __init__(self, bidirectional: bool):
        super().__init__()
        self._bidirectional = bidirectional

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
        targets = _targets(queries)
        context = tf.broadcast_to(memory.values, [batch, targets, memory.values.shape[2]])
        return context, tf.broadcast_to(weights[:, None], [batch, targets, source])


def make_attention(
    settings: ModelSettings, rng: np.random.Generator, query_units: int, state_units: int
) -> Attention:
    """Makes the kind of attention that `model.attention` names."""
    units = settings.attention_units
    match settings.attention:
        case "none":
            return FixedContext(settings.bidirectional)
        case "bahdanau":
            return BahdanauAttention(rng, query_units, state_units, units)
        case "luong_dot":
            return LuongDotAttention()
        case "luong_general":
            return LuongGeneralAttention(rng, query_units, state_units)
        case "multi_head":
            return MultiHeadAttention(
                rng, query_units, state_units, units, settings.attention_heads
            )


def _targets(queries: tf.Tensor) -> int | tf.Tensor:
    """How many queries each source has; a number where it is known, as a beam's size is."""
    return queries.shape[1] if queries.shape[1] is not None else tf.shape(queries)[1]


def _attend(scores: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
    """Scores [batch, target, source] to context vectors and attention weights."""
    weights = masked_softmax(tf.cast(scores, tf.float32), memory.mask[:, None])
    return tf.matmul(tf.cast(weights, memory.values.dtype), memory.values), weights


def masked_softmax(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Softmax over the last axis, exactly 0 where the mask is false.

    Args:
      scores: float32 [..., source].
      mask: bool, broadcast to the scores; at least one position of each row is true.

    Returns:
      float32, of the scores' shape.
    """
    # Of so few numbers TensorFlow's own softmax takes several times as long.
    return tf.exp(tf.nn.log_softmax(tf.where(mask, scores, scores.dtype.min)))
