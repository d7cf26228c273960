"""The gated recurrent unit (Cho et al., 2014), in the form whose reset gate acts after the matrix
product.

    z_t = sigmoid(W_z x_t + b_z + U_z h_{t-1} + c_z)
    r_t = sigmoid(W_r x_t + b_r + U_r h_{t-1} + c_r)
    n_t = tanh(W_n x_t + b_n + r_t * (U_n h_{t-1} + c_n))
    h_t = z_t * h_{t-1} + (1 - z_t) * n_t

What depends on the inputs alone is computed for all time steps at once, before the loop.
"""

import numpy as np
import tensorflow as tf

from trainer.layers import Projection


class GRU(tf.Module):
    """One layer in one direction."""

    def __init__(self, rng: np.random.Generator, inputs: int, units: int):
        super().__init__()
        self.units = units
        self.from_inputs = Projection(rng, inputs, 3 * units, bias=True)
        self.from_state = Projection(rng, units, 3 * units, bias=True)

    def __call__(
        self,
        inputs: tf.Tensor,
        mask: tf.Tensor,
        initial_state: tf.Tensor,
        *,
        backwards: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs over a sequence; where the mask is false the state stays as it is.

        Args:
          inputs: [batch, time, inputs].
          mask: bool [batch, time], true on real positions.
          initial_state: [batch, units].
          backwards: from the last position to the first.

        Returns:
          The states [batch, time, units], in the order of the inputs, and the state after the last
          step [batch, units].
        """
        time = tf.shape(inputs)[1]
        projected = tf.transpose(self.from_inputs(inputs), [1, 0, 2])
        keep = tf.transpose(mask)[:, :, None]
        kernel = tf.cast(self.from_state.kernel, inputs.dtype)
        bias = tf.cast(self.from_state.bias, inputs.dtype)
        states = tf.TensorArray(inputs.dtype, time, element_shape=[None, self.units])

        def advance(step: tf.Tensor, state: tf.Tensor, states: tf.TensorArray) -> tuple:
            position = time - 1 - step if backwards else step
            new = _gates(projected[position], tf.matmul(state, kernel) + bias, state)
            state = tf.where(keep[position], new, state)
            return step + 1, state, states.write(position, state)

        _, last, states = tf.while_loop(
            lambda step, *_: step < time, advance, [0, initial_state, states]
        )
        return tf.transpose(states.stack(), [1, 0, 2]), last

    def step(self, inputs: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        """Takes one step: inputs [..., inputs] and state [..., units] to the new state [...,
        units]."""
        return _gates(self.from_inputs(inputs), self.from_state(state), state)


def _gates(from_inputs: tf.Tensor, from_state: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
    """The equations above, given W x + b and U h + c, each [..., 3 * units] in the order z, r,
    n."""
    update_x, reset_x, new_x = tf.split(from_inputs, 3, axis=-1)
    update_h, reset_h, new_h = tf.split(from_state, 3, axis=-1)
    update = tf.sigmoid(update_x + update_h)
    candidate = tf.tanh(new_x + tf.sigmoid(reset_x + reset_h) * new_h)
    return update * state + (1 - update) * candidate
