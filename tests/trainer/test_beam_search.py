"""Beam search on toy models with a table of probabilities, so every answer can be enumerated."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from trainer.beam_search import beam_search
from trainer.continuations import IMPOSSIBLE
from trainer.subwords import END, START

VOCABULARY = 7  # pad, unknown, start, end and three words
WORDS = (4, 5, 6)


def toy_model(seed, batch=1, ends=True):
    """Makes a model with logits depending on the sentence and the last two tokens.

    Its attention differs for every state.
    """
    logits = np.random.default_rng(seed).normal(size=[batch] + 3 * [VOCABULARY]) * 2
    if not ends:
        logits[..., END] = -100
    table = tf.constant(logits, tf.float32)

    def step(sentences, tokens, state):
        before = state[..., 0]
        sentences = tf.broadcast_to(sentences[:, None], tf.shape(tokens))
        logits = tf.gather_nd(table, tf.stack([sentences, before, tokens], -1))
        attention = tf.stack([tf.cast(before, tf.float32), tf.cast(tokens, tf.float32)], -1)
        return tf.nn.log_softmax(logits), tokens[..., None], attention

    return step, tf.fill([batch, 1], START), table.numpy()


class NoMasks:
    """Allows all tokens but the masks 5 and 6, in place of `Spelling`."""

    def penalties(self, states):
        return tf.gather(tf.constant([[0.0] * 5 + [IMPOSSIBLE] * 2]), states)

    def after(self, states, tokens):
        return states


MASKS = {"masks": range(5, 7), "spelling": NoMasks()}


def search(step, state, max_lengths, beam_size, alpha, beta=0.0, **settings):
    """Runs a beam search over a toy model, with attention on two source positions."""
    to_cover = tf.fill([len(max_lengths), 2], True)
    return beam_search(
        step,
        tf.range(len(max_lengths)),
        state,
        tf.constant(max_lengths),
        to_cover,
        beam_size=beam_size,
        alpha=alpha,
        beta=beta,
        **settings,
    )


def log_probability(table, sequence):
    """Returns the log-probability of a sequence of tokens, from a model's table of logits."""
    before, last, total = START, START, 0.0
    for token in sequence:
        logits = table[before, last].astype(np.float64)
        normaliser = np.log(np.exp(logits).sum())
        total += logits[token] - normaliser
        before, last = last, token
    return total


def all_hypotheses(max_length):
    """Yields every sequence with an end symbol within the limit."""
    for length in range(max_length):
        for words in itertools.product(WORDS, repeat=length):
            yield (*words, END)


def score(table, sequence, alpha):
    return log_probability(table, sequence) / ((5 + len(sequence)) / 6) ** alpha


def found_sequences(hypotheses, row=0):
    ids, lengths = hypotheses.ids.numpy()[row], hypotheses.lengths.numpy()[row]
    return [tuple(ids[k, :length].tolist()) for k, length in enumerate(lengths)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_beam_as_wide_as_the_space_finds_what_exhaustive_search_finds(seed, alpha):
    step, state, table = toy_model(seed)
    max_length = 4
    space = sorted(all_hypotheses(max_length), key=lambda s: -score(table[0], s, alpha))
    found = search(step, state, [max_length], 130, alpha)
    top = 5
    assert found_sequences(found)[:top] == space[:top]
    expected = [score(table[0], s, alpha) for s in space[:top]]
    np.testing.assert_allclose(found.scores[0, :top], expected, rtol=1e-4)
    assert bool(tf.reduce_all(found.ended[0, :top]))


@pytest.mark.parametrize("seed", [1, 2])
def test_masks_of_the_source_come_once_and_others_never(seed):
    step, state, _ = toy_model(seed)
    found = search(step, state, [4], 64, 0.0, owed=tf.constant([0b01]), **MASKS)
    possible = found.ended.numpy()[0] & (found.scores.numpy()[0] > IMPOSSIBLE / 2)
    assert {
        sequence
        for sequence, is_one in zip(found_sequences(found), possible, strict=True)
        if is_one
    } == {
        sequence
        for sequence in all_hypotheses(4)
        if sequence.count(5) < 2 and sequence.count(6) == 0
    }


def test_masks_with_an_order_keep_it():
    step, state, _ = toy_model(1)
    masks = {"owed": tf.constant([0b11]), "ordered": tf.constant([0b11]), **MASKS}
    found = search(step, state, [4], 64, 0.0, **masks)
    possible = found.scores.numpy()[0] > IMPOSSIBLE / 2
    both = [
        sequence
        for sequence, is_one in zip(found_sequences(found), possible, strict=True)
        if is_one and {5, 6} <= set(sequence)
    ]
    assert len(both) >= 1 + 3
    assert all(sequence.index(5) < sequence.index(6) for sequence in both)


def test_without_masks_in_the_source_there_are_none():
    step, state, _ = toy_model(1)
    found = search(step, state, [4], 64, 0.0, owed=tf.constant([0]), **MASKS)
    possible = found.scores.numpy()[0] > IMPOSSIBLE / 2
    sequences = [
        each for each, is_one in zip(found_sequences(found), possible, strict=True) if is_one
    ]
    assert sequences
    assert not {5, 6} & set(itertools.chain(*sequences))


def test_a_sentence_is_found_even_if_all_best_continuations_are_repeated_masks():
    def step(sentences, tokens, state):
        logits = tf.tile([[[0.0, 0, 0, -6, -5, 9, 8]]], [1, tf.shape(tokens)[1], 1])
        return logits, state, tf.zeros([1, tf.shape(tokens)[1], 2])

    found = search(step, tf.zeros([1, 1]), [6], 1, 0.0, owed=tf.constant([0b11]), **MASKS)
    assert found_sequences(found)[0][:2] == (5, 6)
    assert found.scores[0, 0] > IMPOSSIBLE / 2


def test_what_ends_without_a_mask_comes_after_what_is_whole():
    step, state, table = toy_model(3)
    found = search(step, state, [4], 64, 0.0, owed=tf.constant([0b11]), **MASKS)
    sequences, scores = found_sequences(found), found.scores.numpy()[0]
    ended = found.ended.numpy()[0] & (scores > IMPOSSIBLE / 2)
    is_whole = np.array([{5, 6} <= set(sequence) for sequence in sequences])[ended]
    assert is_whole.sum() == 2 + 3 * 2
    assert is_whole.tolist() == sorted(is_whole, reverse=True)
    for kind in is_whole, ~is_whole:
        assert (np.diff(scores[ended][kind]) <= 0).all()
    for sequence, found_score in zip(sequences, scores[ended], strict=False):
        assert found_score == pytest.approx(score(table[0], sequence, 0.0), rel=1e-4)


@pytest.mark.parametrize("beta", [0.0, 0.3, 3.0])
def test_what_leaves_source_words_out_ranks_lower(beta):
    """Word 4 attends to the first source position, word 5 to the second, 6 and the end to none."""
    step, state, table = toy_model(0)
    looks = tf.constant([[0, 0]] * 4 + [[0.7, 0], [0, 0.4], [0, 0]])

    def looking(sentences, tokens, state):
        # A step's attention normally belongs to the next word; here it belongs to the last word.
        logits, state, _ = step(sentences, tokens, state)
        return logits, state, tf.gather(looks, tokens)

    def covered(sequence):
        seen = sum((looks.numpy()[token] for token in sequence[:-1]), np.zeros(2))
        return score(table[0], sequence, 1.0) + beta * np.log(np.clip(seen, 0.01, 1.0)).sum()

    space = sorted(all_hypotheses(4), key=lambda sequence: -covered(sequence))
    found = search(looking, state, [4], 130, 1.0, beta)
    assert found_sequences(found)[:5] == space[:5]
    np.testing.assert_allclose(found.scores[0, :5], [covered(s) for s in space[:5]], rtol=1e-4)


@pytest.mark.parametrize("seed", range(10))
def test_a_beam_of_one_is_greedy_search(seed):
    step, state, table = toy_model(seed)
    sequence, before, last = [], START, START
    while len(sequence) < 8 and END not in sequence:
        token = max((END, *WORDS), key=lambda t: table[0, before, last, t])
        sequence.append(token)
        before, last = last, token
    found = search(step, state, [8], 1, 1.0)
    assert found_sequences(found) == [tuple(sequence)]
    assert bool(found.ended[0, 0]) == (sequence[-1] == END)


def test_hypotheses_come_best_first_and_differ():
    for seed in range(5):
        step, state, _ = toy_model(seed)
        found = search(step, state, [10], 4, 1.0)
        ended = found.scores[0][found.ended[0]].numpy()
        assert np.all(np.diff(ended) <= 1e-6)
        assert len(set(found_sequences(found))) == 4


def test_a_sentence_of_a_batch_is_searched_by_itself():
    batch = 6
    step, state, _ = toy_model(1, batch)
    limits = [3, 9, 5, 1, 7, 12]
    together = search(step, state, limits, 3, 0.8)
    for row in range(batch):

        def alone(sentences, tokens, state, row=row):
            return step(sentences + row, tokens, state)

        by_itself = search(alone, state[:1], [limits[row]], 3, 0.8)
        assert found_sequences(by_itself) == found_sequences(together, row)
        np.testing.assert_allclose(by_itself.scores[0], together.scores[row], rtol=1e-5)


def test_sentences_that_are_done_leave_the_batch():
    step, state, _ = toy_model(1, 6)
    rows = []

    def counting(sentences, tokens, state):
        rows.append(len(sentences))
        return step(sentences, tokens, state)

    search(counting, state, [3, 9, 5, 1, 7, 12], 3, 0.8)
    assert rows == sorted(rows, reverse=True)
    assert (rows[0], rows[-1]) == (6, 1)


def test_a_batch_of_no_sentences_has_its_shapes():
    step, state, _ = toy_model(1, 0)
    found = search(step, state, tf.zeros([0], tf.int32), 3, 0.8)
    assert found.ids.shape == (0, 3, 1)
    assert found.attention.shape == (0, 3, 1, 2)


def test_attention_is_that_of_the_winning_hypothesis():
    step, state, _ = toy_model(3)
    found = search(step, state, [8], 4, 1.0)
    for k, sequence in enumerate(found_sequences(found)):
        history = (START, START, *sequence)
        expected = [[history[t], history[t + 1]] for t in range(len(sequence))]
        assert found.attention.numpy()[0, k, : len(sequence)].tolist() == expected
        assert not np.any(found.attention.numpy()[0, k, len(sequence) :])


def test_what_is_cut_off_ranks_behind_what_ended():
    def step(_sentences, tokens, state):
        # Words are almost certain and the end is not, so a cut-off hypothesis is the most probable.
        logits = tf.one_hot([4], VOCABULARY, on_value=5.0)[:, None] + tf.zeros(
            [1, tf.shape(tokens)[1], VOCABULARY]
        )
        return logits, state, tf.ones([1, tf.shape(tokens)[1], 2])

    found = search(step, tf.zeros([1, 1]), [4], 20, 1.0)
    is_ended = found.ended.numpy()[0]
    assert is_ended[0]
    assert not is_ended[-1]
    assert not np.any(np.diff(is_ended.astype(int)) > 0)


def test_what_is_cut_off_comes_best_first_too():
    step, state, table = toy_model(2, ends=False)
    found = search(step, state, [6], 5, 1.4)
    cut = found_sequences(found)[1:]
    assert found.ended.numpy()[0].tolist() == [True, False, False, False, False]
    assert len(set(cut)) == 4
    expected = [score(table[0], sequence, 1.4) for sequence in cut]
    np.testing.assert_allclose(found.scores[0, 1:], expected, rtol=1e-4)
    assert expected == sorted(expected, reverse=True)
