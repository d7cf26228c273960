import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.cudnn_reference import operation
from trainer import cudnn
from trainer.recurrent import CELLS, GRUCell, run, take_step

BATCH, TIME, INPUTS, UNITS = 3, 5, 4, 6
LENGTHS = [5, 2, 4]
MASK = tf.sequence_mask(LENGTHS, TIME)
EVERYTHING = tf.ones([BATCH, TIME], tf.bool)
both_directions = pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])


@pytest.fixture(params=sorted(CELLS))
def cell(request):
    rng = np.random.default_rng(1)
    cell = CELLS[request.param](rng, INPUTS, UNITS)
    for projection in (cell.from_inputs, cell.from_state):
        projection.bias.assign(rng.normal(size=projection.bias.shape))
    return cell


@pytest.fixture
def inputs():
    return random([BATCH, TIME, INPUTS], seed=2)


@pytest.fixture
def start(cell):
    return random([BATCH, cell.state_size], seed=3)


def random(shape, seed):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def of_keras(cell):
    """Returns the layer of Keras with the weights of a cell.

    Keras has the gates in the same order, z, r, n and i, f, g, o, and one bias for the LSTM.
    """
    biases = np.stack([cell.from_inputs.bias.numpy(), cell.from_state.bias.numpy()])
    if isinstance(cell, GRUCell):
        layer = keras.layers.GRU(UNITS, return_sequences=True, return_state=True, reset_after=True)
    else:
        layer = keras.layers.LSTM(UNITS, return_sequences=True, return_state=True)
        biases = biases.sum(axis=0)
    layer.build([BATCH, TIME, INPUTS])
    layer.set_weights([cell.from_inputs.kernel.numpy(), cell.from_state.kernel.numpy(), biases])
    return layer


def unrolled(cell, inputs, mask, state, *, backwards):
    """Computes the same as `run`, with a plain loop."""
    outputs = [None] * TIME
    for t in reversed(range(TIME)) if backwards else range(TIME):
        state = tf.where(mask[:, t, None], take_step(cell, inputs[:, t], state), state)
        outputs[t] = state[:, :UNITS]
    return tf.stack(outputs, axis=1), state


def gradients(layer, cell, inputs, start, *, backwards):
    """Returns gradients for the inputs, the initial state and all weights.

    The loss depends on every output and on the whole last state.
    """
    with tf.GradientTape() as tape:
        tape.watch([inputs, start])
        outputs, last = layer(cell, inputs, MASK, start, backwards=backwards)
        d_outputs, d_last = random([BATCH, TIME, UNITS], seed=4), random(start.shape, seed=5)
        loss = tf.reduce_sum(outputs * tf.cast(d_outputs, outputs.dtype))
        loss += tf.reduce_sum(last * tf.cast(d_last, last.dtype))
    return tape.gradient(loss, [inputs, start, *cell.trainable_variables])


@both_directions
def test_states_equal_those_of_keras(cell, inputs, start, backwards):
    order = slice(None, None, -1 if backwards else 1)
    outputs, last = run(cell, inputs, EVERYTHING, start, backwards=backwards)
    initial_state = tf.split(start, cell.state_size // UNITS, axis=1)
    expected, *expected_last = of_keras(cell)(inputs[:, order], initial_state=initial_state)
    np.testing.assert_allclose(outputs[:, order], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last, np.concatenate(expected_last, axis=1), rtol=1e-4, atol=1e-5)


def test_step_by_step_equals_the_whole_sequence(cell, inputs, start):
    outputs, last = run(cell, inputs, EVERYTHING, start)
    state = start
    for t in range(TIME):
        state = take_step(cell, inputs[:, t], state)
        np.testing.assert_allclose(outputs[:, t], state[:, :UNITS], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(last, state, rtol=1e-5, atol=1e-6)


@both_directions
def test_padding_leaves_the_state_alone(cell, inputs, start, backwards):
    outputs, last = run(cell, inputs, MASK, start, backwards=backwards)
    for row, length in enumerate(LENGTHS):
        real, alone = inputs[row : row + 1, :length], tf.ones([1, length], tf.bool)
        expected = run(cell, real, alone, start[row : row + 1], backwards=backwards)
        np.testing.assert_allclose(outputs[row, :length], expected[0][0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(last[row], expected[1][0], rtol=1e-5, atol=1e-6)


@both_directions
@pytest.mark.parametrize("is_compiled", [True, False], ids=["compiled", "eager"])
def test_the_gradient_is_that_of_an_unrolled_loop(cell, inputs, start, backwards, is_compiled):
    compute = tf.function(gradients, autograph=False) if is_compiled else gradients
    expected = gradients(unrolled, cell, inputs, start, backwards=backwards)
    found = compute(run, cell, inputs, start, backwards=backwards)
    for expected_part, found_part in zip(expected, found, strict=True):
        np.testing.assert_allclose(found_part, expected_part, rtol=1e-4, atol=1e-5)


@both_directions
@pytest.mark.parametrize("kind", [tf.float32, tf.bfloat16], ids=["float32", "bfloat16"])
def test_cudnn_computes_the_states_of_the_loop(cell, inputs, start, backwards, kind, monkeypatch):
    monkeypatch.setattr(cudnn, "_operation", operation)
    inputs, start = tf.cast(inputs, kind), tf.cast(start, kind)
    expected, expected_last = run(cell, inputs, MASK, start, backwards=backwards)
    found, found_last = cudnn.run(cell, inputs, MASK, start, backwards=backwards)
    assert found.dtype == found_last.dtype == kind
    tolerance = 1e-5 if kind == tf.float32 else 0.03  # bfloat16 keeps 8 bits of each number
    real = MASK.numpy()
    np.testing.assert_allclose(
        tf.cast(found, tf.float32).numpy()[real],
        tf.cast(expected, tf.float32).numpy()[real],
        atol=tolerance,
    )
    np.testing.assert_allclose(
        tf.cast(found_last, tf.float32), tf.cast(expected_last, tf.float32), atol=tolerance
    )
    np.testing.assert_array_equal(tf.cast(found, tf.float32).numpy()[~real], 0)


@both_directions
def test_cudnn_gives_the_gradient_of_the_loop(cell, inputs, start, backwards, monkeypatch):
    monkeypatch.setattr(cudnn, "_operation", operation)
    real = tf.cast(MASK, tf.float32)[:, :, None]

    def masked(layer):
        def run_masked(*arguments, **options):
            outputs, last = layer(*arguments, **options)
            return outputs * real, last  # attention and loss ignore padding

        return run_masked

    expected = gradients(masked(run), cell, inputs, start, backwards=backwards)
    compute = tf.function(gradients, autograph=False)
    found = compute(masked(cudnn.run), cell, inputs, start, backwards=backwards)
    for expected_part, found_part in zip(expected, found, strict=True):
        np.testing.assert_allclose(found_part, expected_part, rtol=1e-4, atol=1e-5)


@both_directions
def test_bfloat16_gives_nearly_the_gradient_of_float32(cell, inputs, start, backwards):
    compute = tf.function(gradients, autograph=False)
    expected = compute(run, cell, inputs, start, backwards=backwards)
    halves = (tf.cast(x, tf.bfloat16) for x in (inputs, start))
    found = compute(run, cell, *halves, backwards=backwards)
    assert [part.dtype for part in found] == [tf.bfloat16] * 2 + [tf.float32] * 4
    for a, b in zip(expected, (tf.cast(part, tf.float32) for part in found), strict=True):
        # bfloat16 keeps 8 bits of each number.
        assert tf.norm(a - b) < 0.03 * tf.norm(a)


def test_the_forget_gate_begins_open():
    bias = CELLS["lstm"](np.random.default_rng(1), INPUTS, UNITS).from_inputs.bias
    assert [part.numpy().tolist() for part in tf.split(bias, 4)] == [
        [gate] * UNITS for gate in (0.0, 1.0, 0.0, 0.0)
    ]
