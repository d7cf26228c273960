import numpy as np
import pytest
import tensorflow as tf

from trainer.attention import masked_softmax
from trainer.attention_kinds import ATTENTION_KINDS, make_attention
from trainer.settings import ModelSettings

BATCH, TARGET, SOURCE, STATE_UNITS, UNITS, HEADS = 3, 4, 6, 7, 8, 2
LENGTHS = [6, 3, 1]
MASK = tf.sequence_mask(LENGTHS, SOURCE)
every_kind = pytest.mark.parametrize("kind", ATTENTION_KINDS)


def random(*shape, seed):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


STATES = random(BATCH, SOURCE, STATE_UNITS, seed=2)
SUMMARY = random(BATCH, STATE_UNITS, seed=3)


def make(kind, bidirectional=True):
    """Returns one kind of attention, and queries for it."""
    settings = ModelSettings.model_construct(
        attention=kind, attention_units=UNITS, attention_heads=HEADS, bidirectional=bidirectional
    )
    query_units = STATE_UNITS if kind == "luong_dot" else 5
    attention = make_attention(settings, np.random.default_rng(1), query_units, STATE_UNITS)
    return attention, random(BATCH, TARGET, query_units, seed=4)


def bahdanau(attention, s, h):
    W_q, W_k, v = (w.numpy() for w in (attention.W_q.kernel, attention.W_k.kernel, attention.v))
    alpha = softmax(np.tanh(s @ W_q + h @ W_k) @ v[:, 0])
    return alpha @ h, alpha


def luong_dot(attention, s, h):
    alpha = softmax(h @ s)
    return alpha @ h, alpha


def luong_general(attention, s, h):
    alpha = softmax(h @ attention.W_a.kernel.numpy() @ s / np.sqrt(len(s)))
    return alpha @ h, alpha


def multi_head(attention, s, h):
    projections = (attention.W_q, attention.W_k, attention.W_v)
    W_q, W_k, W_v = (np.split(w.kernel.numpy(), HEADS, axis=1) for w in projections)
    scale = np.sqrt(UNITS / HEADS)
    alphas = [softmax((h @ W_k[j]) @ (s @ W_q[j]) / scale) for j in range(HEADS)]
    heads = [alpha @ (h @ W) for alpha, W in zip(alphas, W_v, strict=True)]
    return np.concatenate(heads) @ attention.W_O.kernel.numpy(), np.mean(alphas, axis=0)


def softmax(scores):
    return np.exp(scores) / np.exp(scores).sum()


@pytest.mark.parametrize(
    "equations", [bahdanau, luong_dot, luong_general, multi_head], ids=lambda f: f.__name__
)
def test_weights_and_context_are_those_of_the_equations(equations):
    attention, queries = make(equations.__name__)
    context, weights = attention(queries, attention.remember(STATES, SUMMARY, MASK))
    for b, length in enumerate(LENGTHS):
        for t in range(TARGET):
            c, alpha = equations(attention, queries[b, t].numpy(), STATES[b, :length].numpy())
            np.testing.assert_allclose(weights[b, t, :length], alpha, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(context[b, t], c, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_fixed_context_is_the_summary_and_comes_from_where_the_directions_end(bidirectional):
    attention, queries = make("none", bidirectional)
    context, weights = attention(queries, attention.remember(STATES, SUMMARY, MASK))
    ends = np.eye(SOURCE)[[5, 2, 0]]
    if bidirectional:
        ends = (ends + np.eye(SOURCE)[[0, 0, 0]]) / 2
    for t in range(TARGET):
        np.testing.assert_array_equal(context[:, t], SUMMARY)
        np.testing.assert_array_equal(weights[:, t], ends)


def test_every_kind_that_can_be_chosen_is_made():
    for name, kind in ATTENTION_KINDS.items():
        assert type(make(name)[0]).__name__ == kind.layer.partition(":")[2]
        assert kind.citation


@every_kind
def test_rows_sum_to_one_over_real_positions_and_are_zero_on_padding(kind):
    attention, queries = make(kind)
    context, weights = attention(queries, attention.remember(STATES, SUMMARY, MASK))
    assert context.shape == [BATCH, TARGET, STATE_UNITS]
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=-1), np.ones([BATCH, TARGET]), rtol=1e-6)
    padding = tf.boolean_mask(tf.transpose(weights, [0, 2, 1]), ~MASK)
    assert not np.any(padding.numpy())


@every_kind
def test_what_lies_on_padding_does_not_matter(kind):
    attention, queries = make(kind)
    noisy = tf.where(MASK[:, :, None], STATES, 1e3)
    clean = attention(queries, attention.remember(STATES, SUMMARY, MASK))
    for expected, found in zip(
        clean, attention(queries, attention.remember(noisy, SUMMARY, MASK)), strict=True
    ):
        np.testing.assert_allclose(expected, found, rtol=1e-5, atol=1e-6)


@every_kind
def test_bfloat16_attention_still_gives_float32_rows_that_sum_to_one(kind):
    attention, *inputs = make(kind)
    queries, states, summary = (tf.cast(x, tf.bfloat16) for x in (*inputs, STATES, SUMMARY))
    context, weights = attention(queries, attention.remember(states, summary, MASK))
    assert (context.dtype, weights.dtype) == (tf.bfloat16, tf.float32)
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=-1), np.ones([BATCH, TARGET]), rtol=1e-6)


def test_a_single_real_position_gets_all_weight():
    weights = masked_softmax(tf.constant([[5.0, -5.0, 9.0]]), tf.constant([[False, True, False]]))
    assert weights.numpy().tolist() == [[0.0, 1.0, 0.0]]


@every_kind
def test_a_number_of_queries_that_is_known_stays_known(kind):
    attention, queries = make(kind)

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None, TARGET, queries.shape[2]]),
            tf.TensorSpec([None, None, STATE_UNITS]),
            tf.TensorSpec([None, STATE_UNITS]),
            tf.TensorSpec([None, None], tf.bool),
        ],
    )
    def attend(queries, states, summary, mask):
        return attention(queries, attention.remember(states, summary, mask))

    # The search needs the size of its beam at tracing time.
    assert [part.shape[1] for part in attend.get_concrete_function().structured_outputs] == [
        TARGET,
        TARGET,
    ]
