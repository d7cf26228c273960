"""The operation of cuDNN, following its documentation, for machines without a GPU.

API reference of cuDNN 9, `cudnnRNNMode_t`, in its notation. Weights W and R and biases b_W and b_R
have the number of their gate (`cudnnGetRNNWeightParams`):

    CUDNN_GRU   i_t = sigmoid(W_1 x_t + R_1 h_{t-1} + b_W1 + b_R1)
                r_t = sigmoid(W_0 x_t + R_0 h_{t-1} + b_W0 + b_R0)
                h'_t = tanh(W_2 x_t + r_t * (R_2 h_{t-1} + b_R2) + b_W2)
                h_t = (1 - i_t) * h'_t + i_t * h_{t-1}
    CUDNN_LSTM  i_t, f_t, o_t = sigmoid(W_g x_t + R_g h_{t-1} + b_Wg + b_Rg) of gates 0, 1 and 3
                c'_t = tanh(W_2 x_t + R_2 h_{t-1} + b_W2 + b_R2)
                c_t = f_t * c_{t-1} + i_t * c'_t
                h_t = o_t * tanh(c_t)
"""

import tensorflow as tf

GATES = {"gru": 3, "lstm": 4}


def operation(
    input: tf.Tensor,
    input_h: tf.Tensor,
    input_c: tf.Tensor,
    params: tf.Tensor,
    sequence_lengths: tf.Tensor,
    rnn_mode: str,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Computes the same as tf.raw_ops.CudnnRNNV3 with `trainer.cudnn`'s arguments.

    Rows with fewer steps keep their last state, and their outputs after it are zeros. Fails for
    arguments that go wrong on a GPU.
    """
    assert input.dtype == tf.float32, "gradients in bfloat16 are wrong"
    behind = tf.debugging.assert_less(
        sequence_lengths, tf.shape(input)[0], "a descriptor without padding would be kept"
    )
    with tf.control_dependencies([behind] if behind is not None else []):
        input = tf.identity(input)
    gates, inputs, units = GATES[rnn_mode], input.shape[2], input_h.shape[2]
    sizes = [units * inputs] * gates + [units * units] * gates + [units] * 2 * gates
    parts = tf.split(params, sizes)
    W = [tf.reshape(part, [units, inputs]) for part in parts[:gates]]
    R = [tf.reshape(part, [units, units]) for part in parts[gates : 2 * gates]]
    b_W, b_R = parts[2 * gates : 3 * gates], parts[3 * gates :]

    def step(t: tf.Tensor, h: tf.Tensor, c: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x = [tf.matmul(input[t], w, transpose_b=True) + b for w, b in zip(W, b_W, strict=True)]
        r = [tf.matmul(h, w, transpose_b=True) + b for w, b in zip(R, b_R, strict=True)]
        if rnn_mode == "gru":
            i, reset = tf.sigmoid(x[1] + r[1]), tf.sigmoid(x[0] + r[0])
            return (1 - i) * tf.tanh(x[2] + reset * r[2]) + i * h, c
        i, f, o = (tf.sigmoid(x[gate] + r[gate]) for gate in (0, 1, 3))
        c = f * c + i * tf.tanh(x[2] + r[2])
        return o * tf.tanh(c), c

    def advance(t: tf.Tensor, h: tf.Tensor, c: tf.Tensor, outputs: tf.TensorArray) -> tuple:
        new_h, new_c = step(t, h, c)
        is_real = (t < sequence_lengths)[:, None]
        outputs = outputs.write(t, tf.where(is_real, new_h, 0))
        return t + 1, tf.where(is_real, new_h, h), tf.where(is_real, new_c, c), outputs

    h, c = input_h[0], input_c[0] if rnn_mode == "lstm" else tf.zeros_like(input_h[0])
    steps = tf.shape(input)[0]
    outputs = tf.TensorArray(input.dtype, steps, element_shape=h.shape)
    _, h, c, outputs = tf.while_loop(lambda t, *_: t < steps, advance, [0, h, c, outputs])
    return outputs.stack(), h[None], c[None]
