import numpy as np
import pytest
import tensorflow as tf

from trainer.attention import BahdanauAttention, masked_softmax

BATCH, TARGET, SOURCE = 3, 4, 6


@pytest.fixture(scope="module")
def attention():
    return BahdanauAttention(np.random.default_rng(1), query_units=5, state_units=7, units=8)


@pytest.fixture(scope="module")
def inputs():
    rng = np.random.default_rng(2)
    queries = tf.constant(rng.normal(size=[BATCH, TARGET, 5]), tf.float32)
    states = tf.constant(rng.normal(size=[BATCH, SOURCE, 7]), tf.float32)
    return queries, states, tf.sequence_mask([6, 3, 1], SOURCE)


def test_rows_sum_to_one_over_real_positions_and_are_zero_on_padding(attention, inputs):
    queries, states, mask = inputs
    _, weights = attention(queries, attention.remember(states, mask))
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=-1), np.ones([BATCH, TARGET]), rtol=1e-6)
    padding = tf.boolean_mask(tf.transpose(weights, [0, 2, 1]), ~mask)
    assert not np.any(padding.numpy())


def test_scores_are_those_of_the_equations(attention, inputs):
    queries, states, mask = inputs
    context, weights = attention(queries, attention.remember(states, mask))
    W_q, W_k, v = (w.numpy() for w in (attention.W_q.kernel, attention.W_k.kernel, attention.v))
    for b, length in enumerate([6, 3, 1]):
        h = states[b].numpy()[:length]
        for t in range(TARGET):
            e = np.tanh(queries[b, t].numpy() @ W_q + h @ W_k) @ v[:, 0]
            alpha = np.exp(e) / np.exp(e).sum()
            np.testing.assert_allclose(weights[b, t, :length], alpha, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(context[b, t], alpha @ h, rtol=1e-4, atol=1e-5)


def test_what_lies_on_padding_does_not_matter(attention, inputs):
    queries, states, mask = inputs
    noisy = tf.where(mask[:, :, None], states, 1e3)
    clean = attention(queries, attention.remember(states, mask))
    for expected, found in zip(
        clean, attention(queries, attention.remember(noisy, mask)), strict=True
    ):
        np.testing.assert_allclose(expected, found, rtol=1e-5, atol=1e-6)


def test_bfloat16_attention_still_gives_float32_rows_that_sum_to_one(attention, inputs):
    queries, states, mask = inputs
    memory = attention.remember(tf.cast(states, tf.bfloat16), mask)
    context, weights = attention(tf.cast(queries, tf.bfloat16), memory)
    assert (context.dtype, weights.dtype) == (tf.bfloat16, tf.float32)
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=-1), np.ones([BATCH, TARGET]), rtol=1e-6)


def test_a_single_real_position_gets_all_weight():
    weights = masked_softmax(tf.constant([[5.0, -5.0, 9.0]]), tf.constant([[False, True, False]]))
    assert weights.numpy().tolist() == [[0.0, 1.0, 0.0]]
