import numpy as np
import pytest
import tensorflow as tf
from tiny import MODEL

from trainer.layers import Dropout
from trainer.loss import divergence, translation_loss
from trainer.model import TranslationModel

VOCABULARY = 20
SOURCE = tf.constant([[5, 6, 3, 0], [7, 3, 0, 0]])
TARGET = tf.constant([[8, 9, 10, 3], [11, 3, 0, 0]])


@pytest.fixture(scope="module")
def model():
    return TranslationModel(MODEL, VOCABULARY, seed=2)


def log_probabilities(model):
    outputs, _ = model.force(model.encode(SOURCE), TARGET)
    return tf.nn.log_softmax(model.logits(outputs)).numpy()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_smoothed_cross_entropy_of_the_real_tokens(model, smoothing):
    log_probs, terms = log_probabilities(model), []
    for row, column in np.argwhere(TARGET.numpy() != 0):
        given = log_probs[row, column]
        terms.append((1 - smoothing) * -given[TARGET[row, column]] + smoothing * -given.mean())
    found = translation_loss(model, SOURCE, TARGET, smoothing)
    assert float(found) == pytest.approx(np.mean(terms), rel=1e-5)


def test_padding_does_not_change_the_loss(model):
    wider = [tf.pad(ids, [[0, 0], [0, 3]]) for ids in (SOURCE, TARGET)]
    assert float(translation_loss(model, *wider)) == pytest.approx(
        float(translation_loss(model, SOURCE, TARGET)), rel=1e-5
    )


def test_divergence_is_the_mean_of_both_directions_of_kullback_and_leibler():
    p, q = np.array([0.7, 0.2, 0.1]), np.array([0.4, 0.4, 0.2])
    expected = (np.sum(p * np.log(p / q)) + np.sum(q * np.log(q / p))) / 2
    found = divergence(tf.constant(np.log(p)), tf.constant(np.log(q)))
    assert float(found) == pytest.approx(expected)


def test_without_dropout_both_passes_agree_and_consistency_adds_nothing(model):
    plain = translation_loss(model, SOURCE, TARGET, 0.1)
    assert float(translation_loss(model, SOURCE, TARGET, 0.1, consistency=2.0)) == pytest.approx(
        float(plain), rel=1e-5
    )


def test_consistency_adds_its_weight_times_the_divergence_of_the_two_passes(model):
    dropout = Dropout(0.3, tf.constant([1, 2]))
    twice = [tf.concat([ids, ids], axis=0) for ids in (SOURCE, TARGET)]
    plain = translation_loss(model, *twice, 0.1, dropout)
    outputs, _ = model.force(model.encode(twice[0], dropout), twice[1], dropout)
    log_probs = tf.nn.log_softmax(model.logits(outputs))
    between = divergence(log_probs[:2], log_probs[2:])[TARGET != 0]
    found = translation_loss(model, SOURCE, TARGET, 0.1, dropout, consistency=2.0)
    assert np.all(between.numpy() > 0)
    assert float(found) == pytest.approx(float(plain) + 2 * np.mean(between), rel=1e-5)
