import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.tiny import MODEL
from trainer.attention import Memory
from trainer.self_attention_decoder import SelfAttentionDecoder

STATE_UNITS = 12


@pytest.fixture
def decoder() -> SelfAttentionDecoder:
    settings = MODEL.model_copy(
        update={"decoder": "self_attention", "decoder_units": 8, "decoder_layers": 3}
    )
    return SelfAttentionDecoder(settings, np.random.default_rng(1), STATE_UNITS)


@pytest.fixture
def memory(decoder: SelfAttentionDecoder) -> tuple[Memory, ...]:
    states = tf.constant(np.random.default_rng(2).normal(size=[2, 5, STATE_UNITS]), tf.float32)
    return decoder.remember(states, tf.zeros([2, 8]), tf.sequence_mask([3, 5]))


def embedded(positions: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(3).normal(size=[2, positions, 8]), tf.float32)


def test_attention_is_a_distribution_over_the_real_source(decoder, memory) -> None:
    _, weights = decoder.force(embedded(4), tf.ones([2, 4], tf.bool), tf.zeros([2]), memory)
    assert weights.shape == (2, 4, 5)
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=-1), 1, rtol=1e-5)
    assert not np.any(weights[0, :, 3:])


def test_a_word_does_not_see_later_ones(decoder, memory) -> None:
    mask = tf.ones([2, 6], tf.bool)
    whole, _ = decoder.force(embedded(6), mask, tf.zeros([2]), memory)
    first, _ = decoder.force(embedded(6)[:, :4], mask[:, :4], tf.zeros([2]), memory)
    np.testing.assert_allclose(whole[:, :4], first, rtol=1e-4, atol=1e-5)


def test_the_state_has_a_row_for_each_earlier_word(decoder, memory) -> None:
    state = decoder.initial_state(tf.zeros([2, 8]))[:, None]
    assert state.shape[2] == 0
    for position in range(3):
        _, state, _ = decoder.step(embedded(3)[:, position : position + 1], state, memory)
    assert state.shape == (2, 1, 3, 2 * 8 * 3)


def test_a_search_does_not_know_the_number_of_earlier_words(decoder) -> None:
    traced = tf.function(decoder.initial_state).get_concrete_function(tf.TensorSpec([None, 8]))
    assert traced.structured_outputs.shape.as_list() == [None, None, 2 * 8 * 3]


@pytest.mark.parametrize(("layer", "shown"), [(None, 2), (1, 0), (3, 2)])
def test_one_layer_is_shown(layer, shown) -> None:
    settings = MODEL.model_copy(
        update={"decoder_units": 8, "decoder_layers": 3, "attention_layer": layer}
    )
    decoder = SelfAttentionDecoder(settings, np.random.default_rng(1), STATE_UNITS)
    states = tf.constant(np.random.default_rng(2).normal(size=[2, 5, STATE_UNITS]), tf.float32)
    mask = tf.ones([2, 5], tf.bool)

    def attention() -> np.ndarray:
        memory = decoder.remember(states, tf.zeros([2, 8]), mask)
        return decoder.force(embedded(4), mask[:, :4], tf.zeros([2]), memory)[1].numpy()

    before = attention()
    for depth in reversed(range(3)):  # a layer changes those above it too
        kernel = decoder.layers[depth][1].W_q.kernel
        kernel.assign_add(np.random.default_rng(4).normal(size=[8, 8]))
        is_changed = np.abs(attention() - before).max() > 1e-4
        assert is_changed == (depth <= shown)


def test_one_head_is_shown_by_force_and_step(memory) -> None:
    def decoder(head: int | None) -> SelfAttentionDecoder:
        settings = MODEL.model_copy(
            update={"decoder_units": 8, "decoder_layers": 3, "attention_head": head}
        )
        return SelfAttentionDecoder(settings, np.random.default_rng(1), STATE_UNITS)

    def attention(head: int | None) -> tuple[np.ndarray, np.ndarray]:
        one = decoder(head)
        mask = tf.ones([2, 4], tf.bool)
        _, forced = one.force(embedded(4), mask, tf.zeros([2]), memory)
        state = one.initial_state(tf.zeros([2, 8]))[:, None]
        _, _, of_step = one.step(embedded(4)[:, :1], state, memory)
        return forced.numpy(), of_step.numpy()

    heads = [attention(head + 1) for head in range(MODEL.attention_heads)]
    for forced, of_step in heads:
        np.testing.assert_allclose(of_step, forced[:, :1], rtol=1e-4, atol=1e-6)
    assert np.abs(heads[0][0] - heads[1][0]).max() > 1e-4
    mean = np.mean([forced for forced, _ in heads], axis=0)
    np.testing.assert_allclose(attention(None)[0], mean, rtol=1e-4, atol=1e-6)
