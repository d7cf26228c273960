"""Recurrent layers: GRU and LSTM, with a gradient written by hand.

The gated recurrent unit (Cho et al., 2014), with its reset gate after the matrix product:

    z_t = sigmoid(W_z x_t + b_z + U_z h_{t-1} + c_z)
    r_t = sigmoid(W_r x_t + b_r + U_r h_{t-1} + c_r)
    n_t = tanh(W_n x_t + b_n + r_t * (U_n h_{t-1} + c_n))
    h_t = z_t * h_{t-1} + (1 - z_t) * n_t

The long short-term memory (Hochreiter and Schmidhuber, 1997) with a forget gate (Gers et al.,
2000):

    i_t = sigmoid(W_i x_t + b_i + U_i h_{t-1} + c_i)      input gate; f_t and o_t likewise
    g_t = tanh(W_g x_t + b_g + U_g h_{t-1} + c_g)
    m_t = f_t * m_{t-1} + i_t * g_t                       the cell
    h_t = o_t * tanh(m_t)

The products with the inputs are computed for all time steps at once, before the loop. So are the
derivatives of the gates, before the gradient's loop. The gradient of U is a single product after
it.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from trainer.layers import Projection

Gates = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""(W x + b, U h + c, state) -> the new state; the last axis is the width of each."""


class Cell(Protocol):
    """One layer's step. The first `units` numbers of a state are the output h."""

    units: int
    state_size: int
    from_inputs: Projection
    from_state: Projection

    def gates(self, from_inputs: tf.Tensor, from_state: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        """Computes the new state.

        Args:
          from_inputs: W x + b, [..., gates * units].
          from_state: U h + c, [..., gates * units].
          state: [..., state size].
        """


class GRUCell(tf.Module):
    """Gated recurrent unit; its state is h."""

    def __init__(self, rng: np.random.Generator, inputs: int, units: int):
        super().__init__()
        self.units = self.state_size = units
        self.from_inputs = Projection(rng, inputs, 3 * units, bias=True)
        self.from_state = Projection(rng, units, 3 * units, bias=True, bounded=True)

    def gates(self, from_inputs: tf.Tensor, from_state: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        """See `Cell`; the order of the gates is z, r, n."""
        update_x, reset_x, new_x = tf.split(from_inputs, 3, axis=-1)
        update_h, reset_h, new_h = tf.split(from_state, 3, axis=-1)
        update = tf.sigmoid(update_x + update_h)
        candidate = tf.tanh(new_x + tf.sigmoid(reset_x + reset_h) * new_h)
        return candidate + update * (state - candidate)


class LSTMCell(tf.Module):
    """Long short-term memory; its state is [h ; m]."""

    def __init__(self, rng: np.random.Generator, inputs: int, units: int):
        super().__init__()
        self.units, self.state_size = units, 2 * units
        self.from_inputs = Projection(rng, inputs, 4 * units, bias=True)
        self.from_state = Projection(rng, units, 4 * units, bias=True, bounded=True)
        # A bias of 1 for the forget gate (Jozefowicz et al., 2015, section 2.2).
        self.from_inputs.bias = tf.Variable(np.repeat(np.eye(4, dtype=np.float32)[1], units))

    def gates(self, from_inputs: tf.Tensor, from_state: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        """See `Cell`; the order of the gates is i, f, g, o."""
        write, keep, new, show = tf.split(from_inputs + from_state, 4, axis=-1)
        memory = tf.sigmoid(keep) * state[..., self.units :] + tf.sigmoid(write) * tf.tanh(new)
        return tf.concat([tf.sigmoid(show) * tf.tanh(memory), memory], axis=-1)


class Recurrence(Protocol):
    """Runs a layer over a sequence: `run` below, or `trainer.cudnn.run` for training on a GPU."""

    def __call__(
        self,
        cell: Cell,
        inputs: tf.Tensor,
        mask: tf.Tensor,
        initial_state: tf.Tensor,
        *,
        backwards: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """See `run`; outputs on padding may have any finite value."""


CELLS: dict[str, Callable[[np.random.Generator, int, int], Cell]] = {
    "gru": GRUCell,
    "lstm": LSTMCell,
}


def take_step(cell: Cell, inputs: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
    """Computes the new state from inputs [..., inputs] and state [..., state size]."""
    from_state = cell.from_state(output_of(cell, state))
    return cell.gates(cell.from_inputs(inputs), from_state, state)


def output_of(cell: Cell, state: tf.Tensor) -> tf.Tensor:
    """Returns the output h of a state, [..., state size] -> [..., units]."""
    return state[..., : cell.units] if cell.state_size > cell.units else state


def run(
    cell: Cell,
    inputs: tf.Tensor,
    mask: tf.Tensor,
    initial_state: tf.Tensor,
    *,
    backwards: bool = False,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs a layer over a sequence; positions with a false mask do not change the state.

    Args:
      cell: the layer.
      inputs: [batch, time, inputs].
      mask: bool [batch, time], true on real positions.
      initial_state: [batch, state size].
      backwards: from the last position to the first.

    Returns:
      The outputs h [batch, time, units], in the order of the inputs, and the state after the last
      step [batch, state size].
    """
    projected = tf.transpose(cell.from_inputs(inputs), [1, 0, 2])
    keep = tf.transpose(mask)[:, :, None]
    if backwards:
        projected, keep = tf.reverse(projected, [0]), tf.reverse(keep, [0])
    if cell.from_state.rounded is not None:
        states, _ = _forward(
            cell.gates,
            lambda state: cell.from_state(output_of(cell, state)),
            projected,
            keep,
            initial_state,
        )
    else:
        kernel, bias = (
            tf.cast(weight, inputs.dtype)
            for weight in (cell.from_state.kernel, cell.from_state.bias)
        )
        states = _states(cell.gates, projected, keep, initial_state, kernel, bias)
    last = states[-1]
    states = tf.reverse(states, [0]) if backwards else states
    return tf.transpose(output_of(cell, states), [1, 0, 2]), last


def _states(
    gates: Gates,
    projected: tf.Tensor,
    keep: tf.Tensor,
    initial_state: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
) -> tf.Tensor:
    """Computes the states of all time steps.

    Args:
      gates: equations of the cell.
      projected: W x + b, [time, batch, gates].
      keep: bool [time, batch, 1]; where it is false the state does not change.
      initial_state: [batch, state size].
      kernel: U, [units, gates].
      bias: c, [gates].

    Returns:
      [time, batch, state size].
    """
    units = kernel.shape[0]

    def forward(
        projected: tf.Tensor, initial_state: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        def multiply(state: tf.Tensor) -> tf.Tensor:
            return tf.nn.bias_add(tf.matmul(state[:, :units], kernel), bias)

        return _forward(gates, multiply, projected, keep, initial_state)

    def backward(
        states: tf.Tensor, from_states: tf.Tensor, d_states: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Computes the gradient.

        The gates treat each unit alone. So their derivatives are computed for all steps at once,
        and the loop only multiplies with them and with U.
        """
        time = tf.shape(projected)[0]
        previous = tf.concat([initial_state[None], states[:-1]], axis=0)
        partials = _derivatives(gates, projected, from_states, previous, keep, units)

        def retreat(step: tf.Tensor, d_state: tf.Tensor, d_all: tf.TensorArray) -> tuple:
            d_state += d_states[step]
            d_from_state, d_previous = (
                _chain(d_state, [each[step] for each in by], units)
                for by in (partials.by_state_product, partials.by_state)
            )
            d_h = tf.matmul(d_from_state, kernel, transpose_b=True)
            d_previous += tf.pad(d_h, [[0, 0], [0, initial_state.shape[1] - units]])
            return step - 1, d_previous, d_all.write(step, d_state)

        d_all = tf.TensorArray(projected.dtype, time, element_shape=initial_state.shape)
        _, d_initial, d_all = tf.while_loop(
            lambda step, *_: step >= 0, retreat, [time - 1, tf.zeros_like(initial_state), d_all]
        )
        d_all = d_all.stack()
        d_projected = _chain(d_all, partials.by_inputs, units)
        d_from = _chain(d_all, partials.by_state_product, units)
        d_kernel = tf.tensordot(previous[:, :, :units], d_from, axes=[[0, 1], [0, 1]])
        return d_projected, d_initial, d_kernel, tf.reduce_sum(d_from, axis=[0, 1])

    @tf.custom_gradient
    def differentiable(*arguments: tf.Tensor) -> tuple:
        states, from_states = forward(*arguments)
        return states, lambda d_states: backward(states, from_states, d_states)

    return differentiable(projected, initial_state, kernel, bias)


def _forward(
    gates: Gates,
    multiply: Callable[[tf.Tensor], tf.Tensor],
    projected: tf.Tensor,
    keep: tf.Tensor,
    initial_state: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the states, and U h + c, which the gradient reads.

    Args:
      gates: see `_states`, as for the following ones.
      multiply: computes U h + c, [batch, state size] -> [batch, gates].
      projected: [time, batch, gates].
      keep: [time, batch, 1].
      initial_state: [batch, state size].

    Returns:
      [time, batch, state size] and [time, batch, gates].
    """
    time = tf.shape(projected)[0]

    def advance(step: tf.Tensor, state: tf.Tensor, *arrays: tf.TensorArray) -> tuple:
        from_state = multiply(state)
        new = gates(projected[step], from_state, state)
        state = tf.where(keep[step], new, state)
        states, from_states = arrays
        return step + 1, state, states.write(step, state), from_states.write(step, from_state)

    arrays = [
        tf.TensorArray(projected.dtype, time, element_shape=[initial_state.shape[0], width])
        for width in (initial_state.shape[1], projected.shape[2])
    ]
    _, _, states, from_states = tf.while_loop(
        lambda step, *_: step < time, advance, [0, initial_state, *arrays]
    )
    return states.stack(), from_states.stack()


class _Partials(NamedTuple):
    """Derivatives of a cell's new state: a tensor for each of the state's parts, as h and m.

    A tensor is [..., widths], and its element of a unit is the derivative of that unit's part.
    """

    by_inputs: list[tf.Tensor]
    """By W x + b."""
    by_state_product: list[tf.Tensor]
    """By U h + c."""
    by_state: list[tf.Tensor]
    """By the state itself, without the way through U."""


def _derivatives(
    gates: Gates,
    projected: tf.Tensor,
    from_states: tf.Tensor,
    previous: tf.Tensor,
    keep: tf.Tensor,
    units: int,
) -> _Partials:
    """Computes the derivatives of all steps; see `_states` for the shapes."""
    arguments = projected, from_states, previous
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(arguments)
        parts = tf.split(gates(*arguments), previous.shape[-1] // units, axis=-1)
    by_inputs, by_product, by_state = [], [], []
    for number, part in enumerate(parts):
        d_inputs, d_product, d_previous = tape.gradient(part, arguments)
        own = tf.cast(tf.one_hot(number, len(parts)), previous.dtype)
        unchanged = tf.repeat(own, units)
        by_inputs.append(tf.where(keep, d_inputs, 0))
        by_product.append(tf.where(keep, d_product, 0))
        by_state.append(tf.where(keep, d_previous, unchanged))
    return _Partials(by_inputs, by_product, by_state)


def _chain(d_state: tf.Tensor, partials: list[tf.Tensor], units: int) -> tf.Tensor:
    """Multiplies the gradient of a state, [..., parts * units], with its derivatives."""
    terms = []
    for part, partial in zip(tf.split(d_state, len(partials), axis=-1), partials, strict=True):
        shape = tf.shape(partial)
        by_unit = tf.reshape(
            partial, tf.concat([shape[:-1], [partial.shape[-1] // units, units]], 0)
        )
        terms.append(tf.reshape(part[..., None, :] * by_unit, shape))
    return tf.add_n(terms) if len(terms) > 1 else terms[0]
