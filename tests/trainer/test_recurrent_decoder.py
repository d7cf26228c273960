import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.tiny import MODEL
from trainer.attention_kinds import ATTENTION_KINDS
from trainer.layers import Dropout
from trainer.recurrent_decoder import RecurrentDecoder

BATCH, TARGET, SOURCE = 3, 4, 5
STATE_UNITS = UNITS = MODEL.decoder_units
TARGET_MASK = tf.sequence_mask([4, 1, 3], TARGET)
SOURCE_MASK = tf.sequence_mask([5, 2, 4], SOURCE)
without_and_with_input_feeding = pytest.mark.parametrize("input_feeding", [False, True])
one_and_two_layers = pytest.mark.parametrize("layers", [1, 2])


def random(*shape, seed):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


EMBEDDED = random(BATCH, TARGET, MODEL.embedding_size, seed=2)
STATES = random(BATCH, SOURCE, STATE_UNITS, seed=3)
SUMMARY = random(BATCH, STATE_UNITS, seed=4)


def make(attention="bahdanau", cell="gru", layers=1, input_feeding=False):
    """Returns a decoder, its first state and its memory."""
    choice = {
        "attention": attention,
        "cell": cell,
        "decoder_layers": layers,
        "input_feeding": input_feeding,
    }
    settings = MODEL.model_copy(update=choice)
    decoder = RecurrentDecoder(settings, np.random.default_rng(1), STATE_UNITS, STATE_UNITS)
    memory = decoder.remember(STATES, SUMMARY, SOURCE_MASK)
    return decoder, decoder.initial_state(SUMMARY), memory


@pytest.mark.parametrize("attention", ATTENTION_KINDS)
@pytest.mark.parametrize("cell", ["gru", "lstm"])
@one_and_two_layers
@without_and_with_input_feeding
def test_forcing_a_target_gives_what_its_steps_give(attention, cell, layers, input_feeding):
    decoder, start, memory = make(attention, cell, layers, input_feeding)
    outputs, weights = decoder.force(EMBEDDED, TARGET_MASK, start, memory)
    assert outputs.shape == [BATCH, TARGET, UNITS]
    assert weights.shape == [BATCH, TARGET, SOURCE]
    state = start[:, None]
    for t in range(TARGET):
        is_real = TARGET_MASK[:, t]
        output, state, row = decoder.step(EMBEDDED[:, t, None], state, memory)
        for expected, found in ((outputs[:, t], output[:, 0]), (weights[:, t], row[:, 0])):
            np.testing.assert_allclose(found[is_real], expected[is_real], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("attention", ["none", "bahdanau", "luong_dot", "luong_general"])
def test_an_output_is_that_of_the_equation(attention):
    """o_t = tanh(W_c [c_t ; s_t]), even if parts are computed ahead for each source."""
    decoder, start, memory = make(attention)
    output, state, weights = decoder.step(EMBEDDED[:, :1], start[:, None], memory)
    context = SUMMARY[:, None] if attention == "none" else tf.matmul(weights, STATES)
    expected = tf.tanh(decoder.W_c(tf.concat([context, state], axis=-1)))
    np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-6)


@one_and_two_layers
@without_and_with_input_feeding
def test_hypotheses_of_a_beam_do_not_see_each_other(layers, input_feeding):
    decoder, start, memory = make(layers=layers, input_feeding=input_feeding)
    states = start[:, None] + random(BATCH, 3, start.shape[1], seed=5)
    words = random(BATCH, 3, MODEL.embedding_size, seed=6)
    together = decoder.step(words, states, memory)
    for beam in range(3):
        alone = decoder.step(words[:, beam, None], states[:, beam, None], memory)
        for expected, found in zip(alone, together, strict=True):
            np.testing.assert_allclose(found[:, beam], expected[:, 0], rtol=1e-4, atol=1e-6)


@one_and_two_layers
def test_input_feeding_makes_an_output_depend_on_the_one_before(layers):
    decoder, start, memory = make(layers=layers, input_feeding=True)
    state = start[:, None]
    assert not np.any(state[..., -UNITS:])  # There is no output before the first.
    first, state, _ = decoder.step(EMBEDDED[:, :1], state, memory)
    np.testing.assert_array_equal(state[..., -UNITS:], first)
    forgetful = tf.concat([state[..., :-UNITS], tf.zeros_like(first)], axis=-1)
    second, _, _ = decoder.step(EMBEDDED[:, 1:2], state, memory)
    without, _, _ = decoder.step(EMBEDDED[:, 1:2], forgetful, memory)
    assert np.all(tf.norm(second - without, axis=-1) > 0.01)


@pytest.mark.parametrize(("cell", "numbers"), [("gru", UNITS), ("lstm", 2 * UNITS)])
@one_and_two_layers
@without_and_with_input_feeding
def test_a_state_holds_all_layers_and_the_output_that_is_fed(cell, numbers, layers, input_feeding):
    _, start, _ = make(cell=cell, layers=layers, input_feeding=input_feeding)
    assert start.shape == [BATCH, layers * numbers + input_feeding * UNITS]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_second_layer_adds_to_the_state_below(cell):
    decoder, start, memory = make(cell=cell, layers=2)
    shallow, _, _ = make(cell=cell)
    shallow.attention, shallow.W_c = decoder.attention, decoder.W_c
    shallow.layers = decoder.layers[:1]
    bottom, upper = tf.split(start, 2, axis=-1)
    # One layer remembers the product of W_c and the annotations, two layers the annotations.
    own_memory = shallow.remember(STATES, SUMMARY, SOURCE_MASK)
    expected, _ = shallow.force(EMBEDDED, TARGET_MASK, bottom, own_memory)
    assert not np.allclose(decoder.force(EMBEDDED, TARGET_MASK, start, memory)[0], expected)
    for weight in decoder.layers[1].variables:
        weight.assign(tf.zeros_like(weight))
    silent = tf.concat([bottom, tf.zeros_like(upper)], axis=-1)
    found, _ = decoder.force(EMBEDDED, TARGET_MASK, silent, memory)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@without_and_with_input_feeding
def test_dropout_differs_between_steps_and_follows_from_its_key(input_feeding):
    decoder, start, memory = make(layers=2, input_feeding=input_feeding)

    def force(step):
        dropout = Dropout(0.5, tf.constant([1, step]))
        return decoder.force(EMBEDDED, TARGET_MASK, start, memory, dropout)[0].numpy()

    outputs = force(step=1)
    dropped = outputs == 0
    assert len(np.unique(dropped.transpose(1, 0, 2).reshape(TARGET, -1), axis=0)) == TARGET
    np.testing.assert_array_equal(outputs, force(step=1))
    assert not np.array_equal(dropped, force(step=2) == 0)


@pytest.mark.parametrize("attention", ["none", "multi_head"])
def test_bfloat16_runs_step_by_step(attention):
    decoder, *_ = make(attention, "lstm", layers=2, input_feeding=True)
    embedded, states, summary = (tf.cast(x, tf.bfloat16) for x in (EMBEDDED, STATES, SUMMARY))
    memory = decoder.remember(states, summary, SOURCE_MASK)
    start = decoder.initial_state(summary)
    outputs, weights = decoder.force(embedded, TARGET_MASK, start, memory)
    assert (outputs.dtype, weights.dtype) == (tf.bfloat16, tf.float32)
