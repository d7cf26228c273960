import numpy as np
import pytest
import tensorflow as tf

from trainer.layers import NO_DROPOUT, DropoutPlace
from trainer.self_attention import (
    FeedForward,
    LayerNorm,
    SelfAttention,
    attend_by_heads,
    join_heads,
    position_waves,
    split_heads,
)

UNITS, HEADS = 8, 2


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def vectors(rng, *shape):
    return tf.constant(rng.normal(size=shape), tf.float32)


def test_each_position_has_waves_of_all_lengths():
    waves = position_waves(0, 50, UNITS).numpy()
    speeds = 10_000.0 ** (-np.arange(4) / 4)
    np.testing.assert_allclose(waves[7], [*np.sin(7 * speeds), *np.cos(7 * speeds)], rtol=1e-4)
    assert len(np.unique(waves.round(4), axis=0)) == 50


def test_waves_may_begin_at_any_position():
    np.testing.assert_allclose(position_waves(5, 3, UNITS), position_waves(0, 8, UNITS)[5:])


def test_an_odd_width_has_one_wave_less():
    assert position_waves(0, 3, 7).shape == (3, 7)


def test_a_normalised_vector_has_mean_0_and_variance_1(rng):
    normalised = LayerNorm(UNITS)(10 * vectors(rng, 2, 3, UNITS) + 4).numpy()
    np.testing.assert_allclose(normalised.mean(-1), 0, atol=1e-5)
    np.testing.assert_allclose(normalised.std(-1), 1, rtol=1e-4)


def test_heads_are_split_and_joined(rng):
    x = vectors(rng, 2, 5, UNITS)
    heads = split_heads(x, HEADS)
    assert heads.shape == (2, HEADS, 5, UNITS // HEADS)
    np.testing.assert_array_equal(heads[:, 1], x[:, :, UNITS // HEADS :])
    np.testing.assert_array_equal(join_heads(heads), x)


def test_weights_sum_to_1_over_what_may_be_seen(rng):
    q, k, v = (vectors(rng, 1, HEADS, 4, 3) for _ in range(3))
    mask = tf.constant([[True, True, False, True]])
    result, weights = attend_by_heads(
        q, k, v, mask, NO_DROPOUT, DropoutPlace.SELF_ATTENTION_WEIGHTS
    )
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=-1), 1, rtol=1e-5)
    assert not np.any(weights[..., 2])
    scores = np.exp(q.numpy()[0, 1, 2] @ k.numpy()[0, 1].T / 3**0.5) * [1, 1, 0, 1]
    expected = scores / scores.sum() @ v.numpy()[0, 1]
    np.testing.assert_allclose(result[0, 1, 2], expected, rtol=1e-4)


def test_no_position_sees_later_ones(rng):
    layer = SelfAttention(rng, UNITS, HEADS)
    x = vectors(rng, 1, 6, UNITS)
    is_earlier = tf.linalg.band_part(tf.ones([6, 6], tf.bool), -1, 0)
    whole, _ = layer(x, is_earlier, NO_DROPOUT, 0)
    first, _ = layer(x[:, :4], is_earlier[:4, :4], NO_DROPOUT, 0)
    np.testing.assert_allclose(whole[:, :4], first, rtol=1e-4, atol=1e-5)


def test_steps_give_what_all_positions_at_once_give(rng):
    layer = SelfAttention(rng, UNITS, HEADS)
    x = vectors(rng, 3, 4, UNITS)
    is_earlier = tf.linalg.band_part(tf.ones([4, 4], tf.bool), -1, 0)
    expected, _ = layer(x, is_earlier, NO_DROPOUT, 0)
    past = tf.zeros([3, 1, 0, 2 * UNITS])
    for position in range(4):
        found, past = layer.step(x[:, None, position], past)
        np.testing.assert_allclose(found[:, 0], expected[:, position], rtol=1e-4, atol=1e-5)
    assert past.shape == (3, 1, 4, 2 * UNITS)


def test_the_feed_forward_part_reads_each_position_alone(rng):
    layer = FeedForward(rng, UNITS, 16)
    x = vectors(rng, 1, 3, UNITS)
    np.testing.assert_allclose(
        layer(x, NO_DROPOUT, 0)[:, 1:2], layer(x[:, 1:2], NO_DROPOUT, 0), rtol=1e-5
    )
