"""Matrix products in 8-bit integers, for exports (`decoding.precision: int8`).

    x W + b  is about  a_x a_w Q(x) Q(W) + b,   with Q(x) = round(x / a_x) in -127 to 127

Each column of W has its own scale a_w, the largest of its absolute values divided by 127. Each
vector x has a scale too, known in advance for those within -1 and 1, as states of recurrent layers
are. So the product of a vector never depends on the other ones of its batch.

The operation is part of TensorFlow with oneDNN, for processors of the x86 family alone. The Python
interface has no function for it. At its first call it arranges W for the processor and keeps it.
"""

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.attr_value_pb2 import AttrValue

OPERATION = "_QuantizedMatMul"
_LARGEST = 127
_SMALLEST_SCALE = 1e-12
"""Keeps the scale of a vector of zeros positive."""


class Int8Matrix(tf.Module):
    """A matrix rounded to 8-bit integers, and a bias in float32."""

    def __init__(self, weights: np.ndarray, bias: np.ndarray | None = None, *, bounded: bool):
        """Rounds a matrix.

        Args:
          weights: W, [n, m].
          bias: b, [m], or None.
          bounded: whether all vectors to multiply are within -1 and 1.
        """
        super().__init__()
        largest = np.maximum(np.abs(weights).max(axis=0), _SMALLEST_SCALE).astype(np.float32)
        rounded = np.rint(weights / largest * _LARGEST).astype(np.int8)
        self._rounded = tf.Variable(rounded, trainable=False)
        self._largest = tf.Variable(largest, trainable=False)
        self._bias = tf.Variable(np.zeros_like(largest) if bias is None else bias, trainable=False)
        self._bounded = bounded

    def __call__(self, rows: tf.Tensor) -> tf.Tensor:
        """Maps float32 [rows, n] to float32 [rows, m]."""
        if self._bounded:
            return self._multiply(rows, tf.convert_to_tensor(self._bias))
        largest = tf.reduce_max(tf.abs(rows), axis=1, keepdims=True)
        largest = tf.maximum(largest, _SMALLEST_SCALE)
        products = self._multiply(rows / largest, tf.zeros_like(self._largest))
        return products * largest + self._bias

    def _multiply(self, rows: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        if tf.executing_eagerly():  # the operation is made in a graph only
            return tf.function(self._multiply, autograph=False)(rows, bias)
        x = tf.raw_ops.QuantizeV2(
            input=rows, min_range=-1.0, max_range=1.0, T=tf.qint8, mode="SCALED"
        )
        largest = tf.convert_to_tensor(self._largest)
        weights = tf.bitcast(self._rounded, tf.qint8)
        inputs = [x.output, weights, bias, x.output_min, x.output_max, -largest, largest]
        attributes = {
            "Tdevice_inputs": _types([each.dtype for each in inputs]),
            "Thost_inputs": _types([]),
            "Tdevice_outputs": _types([tf.float32]),
            "Thost_outputs": _types([]),
            **{name: _type(tf.qint8) for name in ("T1", "T2")},
            **{name: _type(tf.float32) for name in ("Tbias", "U", "Tout")},
            "is_weight_const": AttrValue(b=True),
            "is_bias_const": AttrValue(b=True),
            "fused_ops": AttrValue(list=AttrValue.ListValue(s=[b"BiasAdd", b"Dequantize"])),
            "input_quant_mode": AttrValue(s=b"SCALED"),
            "output_quant_mode": AttrValue(s=b"SCALED"),
        }
        graph = tf.compat.v1.get_default_graph()
        operation = graph.create_op(
            OPERATION, inputs, [tf.float32], name="int8_product", attrs=attributes
        )
        products = operation.outputs[0]
        products.set_shape([rows.shape[0], self._largest.shape[0]])
        return products


def _type(dtype: tf.DType) -> AttrValue:
    return AttrValue(type=dtype.as_datatype_enum)


def _types(dtypes: list[tf.DType]) -> AttrValue:
    enums = [dtype.as_datatype_enum for dtype in dtypes]
    return AttrValue(list=AttrValue.ListValue(type=enums))
