import numpy as np
import tensorflow as tf

from tests.trainer.tiny import MODEL
from trainer.layers import NO_DROPOUT
from trainer.model import TranslationModel
from trainer.self_attention_encoder import SelfAttentionEncoder

SETTINGS = MODEL.model_copy(
    update={"encoder": "self_attention", "encoder_layers": 2, "feed_forward_units": 16}
)


def encode(embedded: np.ndarray, lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
    encoder = SelfAttentionEncoder(SETTINGS, np.random.default_rng(1))
    mask = tf.sequence_mask(lengths, embedded.shape[1])
    states, summary = encoder(tf.constant(embedded, tf.float32), mask, NO_DROPOUT)
    return states.numpy(), summary.numpy()


def test_padding_changes_nothing() -> None:
    embedded = np.random.default_rng(2).normal(size=[2, 5, 8])
    states, summary = encode(embedded, [3, 5])
    alone, alone_summary = encode(embedded[:1, :3], [3])
    np.testing.assert_allclose(states[:1, :3], alone, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(summary[:1], alone_summary, rtol=1e-4, atol=1e-5)


def test_the_summary_is_the_mean_of_the_real_positions() -> None:
    embedded = np.random.default_rng(2).normal(size=[1, 5, 8])
    states, summary = encode(embedded, [3])
    np.testing.assert_allclose(summary[0], states[0, :3].mean(axis=0), rtol=1e-4, atol=1e-5)


def test_equal_words_differ_by_their_positions() -> None:
    states, _ = encode(np.ones([1, 3, 8]), [3])
    assert np.abs(states[0, 0] - states[0, 2]).max() > 1e-3


def test_the_weights_of_all_heads_are_distributions_over_the_real_positions() -> None:
    model = TranslationModel(SETTINGS.model_copy(update={"copying": False}), 20, seed=1)
    weights = model.self_attention(tf.constant([[5, 6, 2, 0], [5, 6, 7, 2]])).numpy()
    assert weights.shape == (2, 2, SETTINGS.attention_heads, 4, 4)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-5)
    assert not weights[0, ..., 3].any()
