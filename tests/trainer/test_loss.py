import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.tiny import MODEL
from trainer.loss import _log_probabilities, _loss_of_links, translation_loss
from trainer.model import TranslationModel

VOCABULARY = 20
SOURCE = tf.constant([[5, 6, 3, 0], [7, 3, 0, 0]])
TARGET = tf.constant([[8, 9, 10, 3], [11, 3, 0, 0]])


@pytest.fixture(scope="module")
def model():
    return TranslationModel(MODEL, VOCABULARY, seed=2)


def log_probabilities(model):
    encoded = model.encode(SOURCE)
    outputs, weights = model.force(encoded, TARGET)
    mixed = model.predict(encoded, outputs, weights)
    return mixed.numpy(), tf.nn.log_softmax(model.logits(outputs)).numpy()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_smoothed_cross_entropy_of_the_real_tokens(model, smoothing):
    (mixed, generated), terms = log_probabilities(model), []
    for row, column in np.argwhere(TARGET.numpy() != 0):
        log_prob = mixed[row, column, TARGET[row, column]]
        smooth = generated[row, column].mean()
        terms.append((1 - smoothing) * -log_prob + smoothing * -smooth)
    found = translation_loss(model, SOURCE, TARGET, smoothing)
    assert float(found) == pytest.approx(np.mean(terms), rel=1e-5)


def test_padding_does_not_change_the_loss(model):
    wider = [tf.pad(ids, [[0, 0], [0, 3]]) for ids in (SOURCE, TARGET)]
    assert float(translation_loss(model, *wider)) == pytest.approx(
        float(translation_loss(model, SOURCE, TARGET)), rel=1e-5
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_with_padding_is_the_loss_without(model, smoothing):
    losses, gradients = [], []
    for with_padding in (False, True):
        with tf.GradientTape() as tape:
            loss = translation_loss(model, SOURCE, TARGET, smoothing, with_padding=with_padding)
        losses.append(float(loss))
        gradients.append(
            [tf.convert_to_tensor(g) for g in tape.gradient(loss, model.trainable_variables)]
        )
    assert losses[1] == pytest.approx(losses[0], rel=5e-7)
    for expected, found in zip(*gradients, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


LINKS = tf.constant([[1, -1, 0, -1], [0, -1, -1, -1]])


@pytest.mark.parametrize("with_padding", [False, True])
def test_attention_that_misses_its_links_costs_its_logarithm(model, with_padding):
    _, weights = model.force(model.encode(SOURCE), TARGET)
    linked = [(row, column, LINKS[row, column]) for row, column in [(0, 0), (0, 2), (1, 0)]]
    expected = -sum(float(tf.math.log(weights[place])) for place in linked)
    losses = [
        float(
            translation_loss(
                model,
                SOURCE,
                TARGET,
                with_padding=with_padding,
                links=LINKS,
                alignment_weight=weight,
            )
        )
        for weight in (0.0, 0.5)
    ]
    tokens = np.count_nonzero(TARGET)
    assert losses[1] - losses[0] == pytest.approx(0.5 * expected / tokens, rel=1e-4)


def test_attention_that_is_0_on_its_link_costs_a_finite_loss():
    assert float(_loss_of_links(tf.zeros([1, 1, 3]), tf.constant([[2]]))[0, 0]) < 100


def test_gradients_of_log_probabilities_are_those_of_their_formula():
    logits = tf.random.stateless_normal([6, VOCABULARY], [1, 2], stddev=3.0)
    chosen = tf.constant([0, 3, 3, 19, 7, 1])

    def by_formula(logits, chosen):
        log_probs = tf.nn.log_softmax(logits)
        own = tf.gather(log_probs, chosen, batch_dims=1)
        return own, tf.reduce_mean(log_probs, axis=-1)

    results = []
    for function in (by_formula, _log_probabilities):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(logits)
            values = function(logits, chosen)
            weighted = tf.reduce_sum(tf.range(6.0) * values[0] + 0.3 * values[1])
        results.append([*values, *(tape.gradient(each, logits) for each in (*values, weighted))])
    for expected, found in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
