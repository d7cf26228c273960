"""A recurrent layer as one operation of cuDNN for all time steps, for training on NVIDIA's GPUs.

cuDNN's equations (its API reference, `cudnnRNNMode_t`: CUDNN_GRU, and CUDNN_LSTM without a
projection, both with CUDNN_RNN_DOUBLE_BIAS) are the same as in `trainer.recurrent`: the reset gate
of the GRU acts after the product, and each gate has a bias on either side. So the weights are the
same. cuDNN needs them in one vector, made from them at each step.

Two problems were seen on an H200 with TensorFlow 2.21 and cuDNN 9.19:

- In bfloat16 the operation's outputs are right, but its gradients are wrong (1,000 times too large,
  or NaN). So layers compute in float32, with TF32 in their products.
- TensorFlow keeps the descriptor of the first batch for all later ones. If all rows of the first
  batch had full length, the descriptor rejects rows with padding (CUDNN_STATUS_BAD_PARAM). So one
  step of padding is added to every batch.
"""

from typing import Any

import tensorflow as tf

from trainer.recurrent import Cell, GRUCell

_GRU_GATES = (1, 0, 2)
"""Indices of cuDNN's gates r, z, n in the order of `trainer.recurrent`."""
_LSTM_GATES = (0, 1, 2, 3)


def run(
    cell: Cell,
    inputs: tf.Tensor,
    mask: tf.Tensor,
    initial_state: tf.Tensor,
    *,
    backwards: bool = False,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the same as `trainer.recurrent.run`, except on padding.

    Outputs on padding are 0, and padding must follow the real positions.

    Args:
      cell: the layer.
      inputs: [batch, time, inputs].
      mask: bool [batch, time], true on real positions, which come first.
      initial_state: [batch, state size].
      backwards: from the last position to the first.

    Returns:
      The outputs h [batch, time, units], in the order of the inputs, and the state after the last
      step [batch, state size].
    """
    # The operation needs the lengths on the host, the reversal needs them on the device.
    with tf.device("CPU:0"):
        lengths = tf.math.count_nonzero(mask, axis=1, dtype=tf.int32)
    steps = tf.cast(tf.transpose(inputs, [1, 0, 2]), tf.float32)
    if backwards:
        steps = tf.reverse_sequence(steps, lengths, seq_axis=0, batch_axis=1)
    steps = tf.pad(steps, [[0, 1], [0, 0], [0, 0]])
    initial_state = tf.cast(initial_state, tf.float32)
    is_gru = isinstance(cell, GRUCell)
    h, memory = initial_state[None, :, : cell.units], initial_state[None, :, cell.units :]
    outputs, last_h, last_memory = _operation(
        input=steps,
        input_h=h,
        input_c=tf.zeros([]) if is_gru else memory,
        params=parameters(cell),
        sequence_lengths=lengths,
        rnn_mode="gru" if is_gru else "lstm",
    )
    outputs = outputs[:-1]
    if backwards:
        outputs = tf.reverse_sequence(outputs, lengths, seq_axis=0, batch_axis=1)
    last = last_h[0] if is_gru else tf.concat([last_h[0], last_memory[0]], axis=-1)
    outputs = tf.transpose(outputs, [1, 0, 2])
    return tf.cast(outputs, inputs.dtype), tf.cast(last, inputs.dtype)


def parameters(cell: Cell) -> tf.Tensor:
    """Arranges the weights for cuDNN in one vector (`cudnnGetRNNWeightParams`).

    Returns:
      float32 vector: the matrices of all gates, [units, inputs] each, first W and then U; then
      their biases b and c.
    """
    gates = _GRU_GATES if isinstance(cell, GRUCell) else _LSTM_GATES
    matrices, biases = [], []
    for projection in (cell.from_inputs, cell.from_state):
        by_gate = tf.split(tf.transpose(projection.kernel), len(gates))
        matrices += [tf.reshape(by_gate[gate], [-1]) for gate in gates]
        by_gate = tf.split(projection.bias, len(gates))
        biases += [by_gate[gate] for gate in gates]
    return tf.concat([*matrices, *biases], axis=0)


def _operation(**arguments: Any) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Runs TensorFlow's operation for a unidirectional layer in float32; it needs a GPU.

    Returns:
      The outputs [time, batch, units], the last h and the last cell, [1, batch, units] each.
    """
    outputs, last_h, last_memory, *_ = tf.raw_ops.CudnnRNNV3(
        **arguments, direction="unidirectional", time_major=True, is_training=True
    )
    return outputs, last_h, last_memory
