import keras
import numpy as np
import tensorflow as tf

from trainer.recurrent import GRU

BATCH, TIME, INPUTS, UNITS = 3, 5, 4, 6
MASK = tf.sequence_mask([5, 2, 4], TIME)


def make(seed=1):
    rng = np.random.default_rng(seed)
    layer = GRU(rng, INPUTS, UNITS)
    layer.from_inputs.bias.assign(rng.normal(size=[3 * UNITS]))
    layer.from_state.bias.assign(rng.normal(size=[3 * UNITS]))
    inputs = tf.constant(rng.normal(size=[BATCH, TIME, INPUTS]), tf.float32)
    return layer, inputs, tf.constant(rng.normal(size=[BATCH, UNITS]), tf.float32)


def test_states_equal_those_of_keras():
    layer, inputs, start = make()
    reference = keras.layers.GRU(UNITS, return_sequences=True, return_state=True, reset_after=True)
    reference.build([BATCH, TIME, INPUTS])
    reference.set_weights(
        [
            layer.from_inputs.kernel.numpy(),
            layer.from_state.kernel.numpy(),
            np.stack([layer.from_inputs.bias.numpy(), layer.from_state.bias.numpy()]),
        ]
    )
    everything = tf.ones([BATCH, TIME], tf.bool)
    for backwards, order in ((False, slice(None)), (True, slice(None, None, -1))):
        states, last = layer(inputs, everything, start, backwards=backwards)
        expected, expected_last = reference(inputs[:, order], initial_state=start)
        np.testing.assert_allclose(states[:, order], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(last, expected_last, rtol=1e-4, atol=1e-5)


def test_step_by_step_equals_the_whole_sequence():
    layer, inputs, state = make()
    states, _ = layer(inputs, tf.ones([BATCH, TIME], tf.bool), state)
    for t in range(TIME):
        state = layer.step(inputs[:, t], state)
        np.testing.assert_allclose(states[:, t], state, rtol=1e-5, atol=1e-6)


def test_padding_leaves_the_state_alone():
    layer, inputs, start = make()
    for backwards in (False, True):
        _, last = layer(inputs, MASK, start, backwards=backwards)
        for row, length in enumerate([5, 2, 4]):
            alone = tf.ones([1, length], tf.bool)
            _, expected = layer(
                inputs[row : row + 1, :length], alone, start[row : row + 1], backwards=backwards
            )
            np.testing.assert_allclose(last[row], expected[0], rtol=1e-5, atol=1e-6)
