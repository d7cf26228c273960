import numpy as np
import pytest
import tensorflow as tf

from trainer.layers import Dropout, DropoutPlace, Part, Projection, glorot

ONES = tf.ones([50, 40])


def drop(step, place=DropoutPlace.ENCODER_STATES, rate=0.5, depth=0):
    return Dropout(rate, tf.constant([1, step]))(ONES, place, depth).numpy()


def drop_in_loop(time, step=3):
    place = DropoutPlace.ENCODER_STATES
    return Dropout(0.5, tf.constant([1, step])).at_step(tf.constant(time))(ONES, place).numpy()


def test_the_same_step_drops_the_same():
    np.testing.assert_array_equal(drop(3), drop(3))


def test_other_steps_places_and_depths_drop_something_else():
    assert not np.array_equal(drop(3), drop(4))
    assert not np.array_equal(drop(3), drop(3, DropoutPlace.DECODER_STATES))
    assert not np.array_equal(drop(3), drop(3, depth=1))


def test_each_step_of_a_loop_drops_something_else_and_always_the_same():
    np.testing.assert_array_equal(drop_in_loop(0), drop_in_loop(0))
    assert not np.array_equal(drop_in_loop(0), drop_in_loop(1))
    assert not np.array_equal(drop_in_loop(0), drop_in_loop(0, step=4))
    assert not np.array_equal(drop_in_loop(0), drop(3))


def test_the_rate_is_dropped_and_the_mean_is_kept():
    dropped = drop(1, rate=0.25)
    assert abs((dropped == 0).mean() - 0.25) < 0.05
    assert abs(dropped.mean() - 1) < 0.05


def test_nothing_is_dropped_outside_training():
    for dropout in (Dropout(0.5, None), Dropout(0.5, None).at_step(tf.constant(1))):
        assert dropout(ONES, DropoutPlace.ENCODER_STATES) is ONES


def test_a_projection_maps_the_last_axis():
    layer = Projection(np.random.default_rng(1), 4, 3, bias=True)
    layer.bias.assign([1.0, 2.0, 3.0])
    x = np.random.default_rng(2).normal(size=[2, 5, 4]).astype(np.float32)
    expected = x @ layer.kernel.numpy() + [1.0, 2.0, 3.0]
    np.testing.assert_allclose(layer(tf.constant(x)), expected, rtol=1e-4, atol=1e-5)


def test_a_rounded_projection_multiplies_in_bfloat16():
    layer = Projection(np.random.default_rng(1), 40, 3, bias=True)
    x = tf.constant(np.random.default_rng(2).normal(size=[2, 5, 40]).astype(np.float32))
    kernel, exact = layer.kernel.numpy(), layer(x).numpy()
    layer.round(tf.bfloat16)
    found = layer(x)
    assert found.dtype == tf.float32
    assert not np.array_equal(found, exact)
    as_bfloat16 = [tf.cast(tf.cast(each, tf.bfloat16), tf.float32) for each in (x, kernel)]
    expected = tf.cast(tf.tensordot(*as_bfloat16, axes=1), tf.bfloat16)
    # A sum in another order may round to the neighbouring number: 8 bits are one in 256.
    np.testing.assert_allclose(found, tf.cast(expected, tf.float32), rtol=1 / 128, atol=1e-3)
    np.testing.assert_array_equal(layer.kernel, kernel)


@pytest.mark.parametrize(
    "precision", [tf.float32, tf.bfloat16, tf.int8], ids=lambda kind: kind.name
)
def test_the_parts_of_a_projection_sum_up_to_the_whole(precision):
    layer = Projection(np.random.default_rng(1), 40, 3, parts=[Part(30, False), Part(10, True)])
    x = np.random.default_rng(2).uniform(-1, 1, [2, 5, 40]).astype(np.float32)
    expected = x @ layer.kernel.numpy()
    if precision != tf.float32:
        layer.round(precision)

    @tf.function(autograph=False)
    def parts(x):
        return [layer.of_part(x[..., :30], 0), layer.of_part(x[..., 30:], 1)]

    np.testing.assert_allclose(sum(parts(x)), expected, atol=1e-5 if precision.size > 2 else 0.05)


def test_initial_weights_keep_the_bounds_of_glorot():
    weight = glorot(np.random.default_rng(1), 30, 70).numpy()
    assert np.abs(weight).max() <= (6 / 100) ** 0.5
    assert weight.std() > 0.9 * (6 / 100) ** 0.5 / 3**0.5


def test_the_rate_is_met_up_to_the_next_byte_and_the_mean_is_kept():
    dropped = drop(3, rate=0.3)
    assert abs(np.mean(dropped == 0) - 77 / 256) < 0.04
    assert set(np.unique(dropped)) == {np.float32(0), np.float32(256 / 179)}


def test_the_highest_and_the_lowest_rates_drop_some_and_keep_some():
    ones = tf.ones([400, 100])
    for rate in (0.0001, 0.999):
        found = Dropout(rate, tf.constant([1, 3]))(ones, DropoutPlace.ENCODER_STATES).numpy()
        assert 0 < np.mean(found == 0) < 1
