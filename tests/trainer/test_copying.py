import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.tiny import MODEL
from trainer.copying import Pointer, attention_on_targets, attention_on_vocabulary
from trainer.loss import translation_loss
from trainer.model import TranslationModel
from trainer.subwords import PAD
from trainer.translation import force

VOCABULARY = 12
SOURCE = np.array([[5, 6, 5, 3], [7, 3, 0, 0]], np.int32)
TARGET = np.array([[5, 9, 3], [7, 8, 3]], np.int32)
WEIGHTS = np.array(
    [
        [[0.2, 0.3, 0.4, 0.1], [0.25] * 4, [0.0, 0.0, 0.5, 0.5]],
        [[0.6, 0.4, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]],
    ],
    np.float32,
)


def test_attention_on_a_subword_is_summed_over_its_places():
    totals = attention_on_vocabulary(WEIGHTS, SOURCE, VOCABULARY).numpy()
    assert totals[0, 0, 5] == pytest.approx(0.6)
    assert totals[0, 0, 6] == pytest.approx(0.3)
    assert totals[0, 2, 3] == pytest.approx(0.5)
    np.testing.assert_allclose(totals.sum(axis=-1), 1, rtol=1e-6)
    assert not totals[:, :, PAD].any()


def test_the_attention_on_targets_is_that_of_the_vocabulary():
    everywhere = attention_on_vocabulary(WEIGHTS, SOURCE, VOCABULARY)
    expected = tf.gather(everywhere, TARGET, batch_dims=2)
    np.testing.assert_allclose(attention_on_targets(WEIGHTS, SOURCE, TARGET), expected)


def test_the_mixture_is_that_of_the_formula_and_sums_to_one():
    rng = np.random.default_rng(1)
    pointer = Pointer(rng, 6)
    pointer.gate.bias.assign([0.7])
    outputs = rng.normal(size=[2, 3, 6]).astype(np.float32)
    generated = rng.dirichlet(np.ones(VOCABULARY), size=[2, 3]).astype(np.float32)
    copied = attention_on_vocabulary(WEIGHTS, SOURCE, VOCABULARY).numpy()
    gate = 1 / (1 + np.exp(-(outputs @ pointer.gate.kernel.numpy() + 0.7)))
    found = np.exp(pointer.mix(outputs, np.log(generated), copied).numpy())
    np.testing.assert_allclose(found, gate * generated + (1 - gate) * copied, rtol=1e-5)
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize("generated", [0.0, -200.0])
def test_what_is_neither_copied_nor_likely_keeps_a_finite_loss(generated):
    pointer = Pointer(np.random.default_rng(1), 6)
    outputs = tf.constant(np.random.default_rng(2).normal(size=[1, 6]), tf.float32)
    with tf.GradientTape() as tape:
        log_prob = pointer.mix(outputs, tf.constant([[generated]]), tf.constant([[0.0]]))
    assert np.isfinite(log_prob)
    assert np.all(np.isfinite(tape.gradient(log_prob, pointer.gate.kernel)))


def test_the_loss_is_that_of_forced_decoding():
    model = TranslationModel(MODEL, VOCABULARY, seed=3)
    log_probs, _ = force(model, tf.constant(SOURCE), tf.constant(TARGET))
    expected = -np.mean(log_probs.numpy()[TARGET != PAD])
    assert float(translation_loss(model, SOURCE, TARGET)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("changes", [{"copying": False}, {"attention": "none"}])
def test_without_copying_or_attention_there_is_no_pointer(changes):
    model = TranslationModel(MODEL.model_copy(update=changes), VOCABULARY, seed=3)
    assert model.pointer is None
