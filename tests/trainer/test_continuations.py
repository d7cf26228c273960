"""The best continuations, compared with those of a full sort."""

import numpy as np
import pytest
import tensorflow as tf

from trainer.continuations import IMPOSSIBLE, best_continuations
from trainer.subwords import END


@pytest.mark.parametrize("beam_size", [1, 5])
@pytest.mark.parametrize("vocabulary", [10, 64, 65, 300, 1009, 6000])
def test_the_best_continuations_are_those_that_a_full_sort_finds(vocabulary, beam_size):
    rng = np.random.default_rng(vocabulary)
    log_probs = rng.normal(size=[7, beam_size]).astype(np.float32)
    logits = rng.normal(size=[7, beam_size, vocabulary]).astype(np.float32)
    logits[..., :END] += 20  # the symbols never written get the largest logits
    logits[0] = 0.0  # all equal
    logits[1, :, rng.permutation(np.arange(END, vocabulary))[:4]] = 3.0  # equal ones
    following = tf.nn.log_softmax(logits)
    found = best_continuations(tf.constant(log_probs), following, 10)
    totals = log_probs[:, :, None] + following.numpy()
    totals[..., :END] = IMPOSSIBLE
    totals = totals.reshape([7, -1])
    expected = np.argsort(-totals, axis=1, kind="stable")[:, :10]
    possible = np.take_along_axis(totals, expected, axis=1) > IMPOSSIBLE
    where = found.parents * vocabulary + found.tokens
    assert where.numpy()[possible].tolist() == expected[possible].tolist()
    assert (found.log_probs.numpy() > IMPOSSIBLE).tolist() == possible.tolist()
    best = np.take_along_axis(totals, expected, axis=1)
    np.testing.assert_array_equal(found.log_probs.numpy()[possible], best[possible])


@pytest.mark.parametrize("beam_size", [1, 5])
def test_few_tokens_of_an_unknown_number_have_the_same_best_continuations(beam_size):
    rng = np.random.default_rng(beam_size)
    log_probs = tf.constant(rng.normal(size=[7, beam_size]), tf.float32)
    following = tf.constant(rng.normal(size=[7, beam_size, 300]), tf.float32)
    known = best_continuations(log_probs, following, 10)

    @tf.function(
        autograph=False, input_signature=[tf.TensorSpec([None, beam_size, None], tf.float32)]
    )
    def of_unknown_number(following):
        return best_continuations(log_probs, following, 10)

    for expected, found in zip(known, of_unknown_number(following), strict=True):
        np.testing.assert_array_equal(expected, found)
