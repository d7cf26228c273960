import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.tiny import MODEL
from trainer.layers import NO_DROPOUT, Dropout
from trainer.recurrent import CELLS, run
from trainer.recurrent_encoder import RecurrentEncoder

BATCH, SOURCE = 3, 5
LENGTHS = [5, 2, 4]
MASK = tf.sequence_mask(LENGTHS, SOURCE)
EMBEDDED = tf.constant(
    np.random.default_rng(2).normal(size=[BATCH, SOURCE, MODEL.embedding_size]), tf.float32
)
every_cell = pytest.mark.parametrize("cell", CELLS)
one_and_two_layers = pytest.mark.parametrize("layers", [1, 2])
one_and_both_directions = pytest.mark.parametrize("bidirectional", [False, True])


def make(cell="gru", layers=1, bidirectional=True, **choice):
    choice = {
        "cell": cell,
        "encoder_layers": layers,
        "bidirectional": bidirectional,
        "attend_embeddings": False,
        **choice,
    }
    return RecurrentEncoder(MODEL.model_copy(update=choice), np.random.default_rng(1))


def outputs_of_bottom(encoder):
    """Returns the outputs of the bottom layer alone."""
    outputs = [
        run(cell, EMBEDDED, MASK, tf.zeros([BATCH, cell.state_size]), backwards=backwards)[0]
        for cell, backwards in zip(encoder.layers[0], (False, True), strict=False)
    ]
    return tf.concat(outputs, axis=-1)


@every_cell
@one_and_two_layers
@one_and_both_directions
def test_states_and_summary_have_the_width_of_all_directions(cell, layers, bidirectional):
    encoder = make(cell, layers, bidirectional)
    states, summary = encoder(EMBEDDED, MASK, NO_DROPOUT)
    width = (2 if bidirectional else 1) * MODEL.encoder_units
    assert encoder.output_units == width
    assert (states.shape, summary.shape) == ([BATCH, SOURCE, width], [BATCH, width])


@every_cell
@one_and_both_directions
def test_a_second_layer_adds_to_the_states_below(cell, bidirectional):
    encoder = make(cell, 2, bidirectional)
    below = outputs_of_bottom(encoder)
    assert not np.allclose(encoder(EMBEDDED, MASK, NO_DROPOUT)[0], below)
    for silenced in encoder.layers[1]:  # From a state of 0, a cell of zero weights stays at 0.
        for weight in silenced.variables:
            weight.assign(tf.zeros_like(weight))
    np.testing.assert_array_equal(encoder(EMBEDDED, MASK, NO_DROPOUT)[0], below)


@every_cell
@one_and_two_layers
@one_and_both_directions
def test_the_summary_is_the_states_where_each_direction_ends(cell, layers, bidirectional):
    encoder = make(cell, layers, bidirectional)
    states, summary = encoder(EMBEDDED, MASK, NO_DROPOUT)
    forward_end = tf.gather(states, tf.constant(LENGTHS) - 1, batch_dims=1)
    units = MODEL.encoder_units
    ends = [forward_end[:, :units], states[:, 0, units:]]
    np.testing.assert_allclose(summary, tf.concat(ends, axis=1), rtol=1e-5, atol=1e-6)


@every_cell
@one_and_two_layers
def test_only_a_second_direction_lets_a_state_know_the_words_after_it(cell, layers):
    other_end = EMBEDDED + tf.one_hot(SOURCE - 1, SOURCE)[:, None]
    for bidirectional in (False, True):
        encoder = make(cell, layers, bidirectional)
        before, after = (encoder(x, MASK, NO_DROPOUT)[0][0] for x in (EMBEDDED, other_end))
        is_changed = np.any(before.numpy() != after.numpy(), axis=-1)
        assert is_changed.tolist() == [bidirectional] * (SOURCE - 1) + [True]


@one_and_two_layers
@one_and_both_directions
def test_a_source_is_encoded_the_same_with_and_without_padding(layers, bidirectional):
    encoder = make("lstm", layers, bidirectional)
    states, summary = encoder(EMBEDDED, MASK, NO_DROPOUT)
    for row, length in enumerate(LENGTHS):
        alone = EMBEDDED[row : row + 1, :length], tf.ones([1, length], tf.bool)
        expected = encoder(*alone, NO_DROPOUT)
        np.testing.assert_allclose(states[row, :length], expected[0][0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(summary[row], expected[1][0], rtol=1e-5, atol=1e-6)


@one_and_two_layers
def test_dropout_acts_on_the_states_of_every_layer(layers):
    encoder = make(layers=layers, attend_embeddings=True)
    expected, summary = encoder(EMBEDDED, MASK, NO_DROPOUT)
    found, found_summary = encoder(EMBEDDED, MASK, Dropout(0.5, tf.constant([1, 2])))
    units = encoder.summary_units
    assert 0.2 < np.mean(found[:, :, :units] == 0) < 0.8
    np.testing.assert_array_equal(found[:, :, units:], expected[:, :, units:])
    assert np.array_equal(found_summary, summary) == (layers == 1)


@one_and_both_directions
def test_annotations_hold_the_embedding_of_their_word_too_if_asked(bidirectional):
    plain = make(bidirectional=bidirectional)
    encoder = make(bidirectional=bidirectional, attend_embeddings=True)
    states, summary = encoder(EMBEDDED, MASK, NO_DROPOUT)
    expected, expected_summary = plain(EMBEDDED, MASK, NO_DROPOUT)
    np.testing.assert_array_equal(states, tf.concat([expected, EMBEDDED], axis=-1))
    np.testing.assert_array_equal(summary, expected_summary)
    assert encoder.output_units == states.shape[-1]


def test_a_fixed_context_knows_no_embeddings():
    encoder = make(attention="none", attend_embeddings=True)
    assert encoder.output_units == encoder.summary_units == 2 * MODEL.encoder_units
