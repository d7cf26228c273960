"""The basic parts of the network: weights, projections, dropout.

Weights are float32 variables. Each is cast to the computing type at its use, so the same weights
can train in bfloat16 and serve in float32. A model serving in bfloat16 or int8 has a rounded copy
of each matrix: rounding at each step of a search would take longer than the faster product saves.
"""

import enum
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from trainer.int8 import Int8Matrix


def glorot(rng: np.random.Generator, *shape: int) -> tf.Variable:
    """Draws a weight uniformly as in Glorot and Bengio (2010), equation 16.

    The last axis is the fan-out.
    """
    limit = math.sqrt(6.0 / (math.prod(shape[:-1]) + shape[-1]))
    return tf.Variable(rng.uniform(-limit, limit, shape).astype(np.float32))


def zeros(*shape: int) -> tf.Variable:
    """Makes a bias of zeros."""
    return tf.Variable(tf.zeros(shape))


def served_copy(weights: tf.Variable | tf.Tensor, precision: tf.DType) -> tf.Variable:
    """Makes a copy in float32 or bfloat16 for serving; it is not trained."""
    return tf.Variable(tf.cast(weights, precision), trainable=False)


def product(
    x: tf.Tensor,
    weights: tf.Variable | tf.Tensor | Int8Matrix,
    bias: tf.Variable | None = None,
    *,
    transpose: bool = False,
    result_type: tf.DType | None = None,
) -> tf.Tensor:
    """Multiplies the last axis of x with a matrix, and adds a bias.

    With a matrix in bfloat16, the vectors and the products are rounded to bfloat16 too.

    Args:
      x: [..., n].
      weights: [n, m]. A matrix in int8 has its bias itself.
      bias: [m], or None.
      transpose: whether the weights are [m, n] instead.
      result_type: type of the result; by default the type of x. The bias is added in this type.

    Returns:
      [..., m].
    """
    x = tf.convert_to_tensor(x)
    if isinstance(weights, Int8Matrix):
        return _with_leading_axes(weights(tf.reshape(x, [-1, x.shape[-1]])), x)
    result_type = result_type or x.dtype
    dtype = tf.bfloat16 if weights.dtype == tf.bfloat16 else x.dtype
    # TensorFlow runs a plain matrix product with its bias as a single operation.
    rows = tf.reshape(tf.cast(x, dtype), [-1, x.shape[-1]])
    y = tf.matmul(rows, tf.cast(weights, dtype), transpose_b=transpose)
    y = tf.cast(y, result_type)
    if bias is not None:
        y = tf.nn.bias_add(y, tf.cast(bias, result_type))
    return _with_leading_axes(y, x)


def _with_leading_axes(rows: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Replaces the first axis of [rows, m] by the axes of x except its last one."""
    sizes = x.shape[:-1].as_list()
    if sizes.count(None) > 1:
        return tf.reshape(rows, tf.concat([tf.shape(x)[:-1], [rows.shape[-1]]], axis=0))
    # With a constant shape, a search computes nothing for it at its steps.
    known = [-1 if size is None else size for size in sizes]
    return tf.reshape(rows, [*known, rows.shape[-1]])


class Part(NamedTuple):
    """Neighbouring elements of the vectors that a projection maps."""

    width: int
    bounded: bool
    """Whether they are always within -1 and 1."""


class Projection(tf.Module):
    """A linear map of the last axis: x W, or x W + b."""

    def __init__(
        self,
        rng: np.random.Generator,
        inputs: int,
        outputs: int,
        bias: bool = False,
        *,
        bounded: bool = False,
        parts: Sequence[Part] = (),
    ):
        """Makes the weights.

        Args:
          rng: draws them.
          inputs: width of x.
          outputs: width of the result.
          bias: whether there is a b.
          bounded: whether x is always within -1 and 1.
          parts: the parts of x, if they are mapped one by one (`of_part`).
        """
        super().__init__()
        self.kernel = glorot(rng, inputs, outputs)
        self.bias = zeros(outputs) if bias else None
        self._parts = parts or [Part(inputs, bounded)]
        # After `round`, the copies of each part.
        self.rounded: list[tf.Variable] | list[Int8Matrix] | None = None

    def round(self, precision: tf.DType) -> None:
        """Makes later calls multiply with W rounded to bfloat16 or int8; W does not change."""
        kernels = tf.split(self.kernel, [part.width for part in self._parts])
        if precision == tf.int8:
            bias = None if self.bias is None else self.bias.numpy()
            self.rounded = [
                Int8Matrix(kernel.numpy(), bias, bounded=part.bounded)
                for kernel, part in zip(kernels, self._parts, strict=True)
            ]
        else:
            self.rounded = [served_copy(kernel, precision) for kernel in kernels]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Maps [..., inputs] to [..., outputs]."""
        return product(x, self.kernel if self.rounded is None else self.rounded[0], self.bias)

    def of_part(self, x: tf.Tensor, part: int) -> tf.Tensor:
        """Maps one of the parts of the inputs, without adding b.

        The result [..., outputs] is the contribution of x, [..., width of the part], to the whole
        output.
        """
        if self.rounded is not None:
            return product(x, self.rounded[part])
        start = sum(each.width for each in self._parts[:part])
        return product(x, self.kernel[start : start + self._parts[part].width])


class DropoutPlace(enum.IntEnum):
    """The places of dropout in the network, each with independent noise."""

    SOURCE_EMBEDDINGS = 1
    ENCODER_STATES = 2
    TARGET_EMBEDDINGS = 3
    DECODER_STATES = 4
    DECODER_OUTPUTS = 5
    SUMMARY = 6
    SELF_ATTENTION_WEIGHTS = 7
    SELF_ATTENTION = 8
    CROSS_ATTENTION_WEIGHTS = 9
    CROSS_ATTENTION = 10
    FEED_FORWARD_INNER = 11
    FEED_FORWARD = 12


class Dropout:
    """Dropout (Srivastava et al., 2014) with noise determined by a key.

    The key changes with the training step, so a training resumed from a checkpoint has the same
    dropout as one without the interruption.
    """

    def __init__(self, rate: float, key: tf.Tensor | None):
        """Makes the dropout.

        Args:
          rate: in [0, 1).
          key: int32 [2], or None outside training, for no dropout.
        """
        self._rate = rate
        self._key = key

    def at_step(self, time: tf.Tensor) -> "Dropout":
        """Returns the dropout of one step of a loop, independent of the other steps."""
        if self._key is None:
            return self
        with tf.device("CPU:0"):
            key = tf.random.experimental.stateless_fold_in(self._key, time)
        return Dropout(self._rate, key)

    def __call__(self, x: tf.Tensor, place: DropoutPlace, depth: int = 0) -> tf.Tensor:
        """Drops elements of a tensor of any shape.

        Args:
          x: the tensor.
          place: place in the network.
          depth: number of the layer, for stacked layers.
        """
        if self._key is None or self._rate == 0.0:
            return x
        seed = self._key
        with tf.device("CPU:0"):  # all devices read the seed from here
            for number in (place, depth):
                seed = tf.random.experimental.stateless_fold_in(seed, number)
        dropped = min(max(1, round(self._rate * _BYTES)), _BYTES - 1)
        kept = tf.greater_equal(_random_bytes(tf.shape(x), seed), np.uint8(dropped))
        return x * tf.where(kept, tf.constant(_BYTES / (_BYTES - dropped), x.dtype), 0)


NO_DROPOUT = Dropout(0.0, None)
_BYTES = 256
"""A random byte decides on each element, so rates are rounded to multiples of 1 / 256."""


def _random_bytes(shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws bytes, uint8 of a shape: four from each random number, which is what takes time."""
    size = tf.reduce_prod(shape)
    numbers = tf.random.stateless_uniform(
        [(size + 3) // 4], seed, minval=None, maxval=None, dtype=tf.uint32
    )
    return tf.reshape(tf.reshape(tf.bitcast(numbers, tf.uint8), [-1])[:size], shape)
