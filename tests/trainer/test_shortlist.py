import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.tiny import DECODING, MODEL, random_sources
from trainer import shortlist as module
from trainer.batching import Pairs, Sequences
from trainer.continuations import IMPOSSIBLE
from trainer.model import Others, TranslationModel
from trainer.shortlist import Shortlist, learn_shortlist
from trainer.subwords import (
    BYTE_SYMBOLS,
    END,
    FIRST_BYTE,
    MASK_IDS,
    PAD,
    SPECIAL_SYMBOLS,
    vocabulary_lines,
)
from trainer.translation import force, score, search

VOCABULARY = 400
PIECES = [f"piece{number}" for number in range(VOCABULARY - MASK_IDS.stop)]
FIRST_PIECE = MASK_IDS.stop


class Diagonal:
    """A model whose target position t attends to source position t with half its weight.

    The logit of a subword is linear in its number, and so is that of all others together.
    """

    embeddings = tf.zeros([VOCABULARY, 1])

    @property
    def members(self):
        return [self]

    def encode(self, source_ids):
        return source_ids

    def force(self, source_ids, target_ids):
        weights = 0.5 * tf.eye(target_ids.shape[1] or tf.shape(target_ids)[1])
        weights = weights[:, : tf.shape(source_ids)[1]]
        outputs = tf.cast(target_ids, tf.float32)[:, :, None] / VOCABULARY
        return outputs, tf.repeat(weights[None], tf.shape(source_ids)[0], axis=0)

    def W_o(self, outputs):
        return outputs

    def logits(self, outputs):
        return tf.repeat(2 * outputs + 1, VOCABULARY, axis=-1)


@pytest.fixture
def small_vocabularies(monkeypatch):
    monkeypatch.setattr(module, "FEWEST_SUBWORDS", 0)


@pytest.fixture
def model():
    return TranslationModel(MODEL, VOCABULARY, seed=4)


@pytest.fixture
def sources():
    rows = random_sources(np.random.default_rng(5), [7, 2, 12, 1, 5], VOCABULARY)
    return tf.ragged.constant(rows, dtype=tf.int32).to_tensor()


def learned(sources, targets, size, model=None):
    rows = [[np.array(row, np.int32) for row in side] for side in (sources, targets)]
    pairs = Pairs(*map(Sequences.of, rows))
    return learn_shortlist(
        Diagonal() if model is None else model, pairs, vocabulary_lines(PIECES), size, seed=1
    )


def everything(model):
    """A shortlist of the whole vocabulary."""
    common = [*range(END + 1), *MASK_IDS, *range(FIRST_BYTE, FIRST_BYTE + 256)]
    rest = range(FIRST_PIECE, VOCABULARY)
    shortlist = Shortlist(np.zeros([VOCABULARY, 1], np.int32), np.array([*common, *rest], np.int32))
    # All other subwords: padding alone.
    model.others = Others(model.embeddings[PAD], model.output_bias[PAD])
    return shortlist


def test_the_shortlist_has_what_attended_most_to_each_source_subword(
    small_vocabularies, monkeypatch
):
    monkeypatch.setattr(module, "FREQUENT", 1)
    a, b, c, x, y, z = range(FIRST_PIECE, FIRST_PIECE + 6)
    # x attends to a twice and y once; b and z occur too often to be told from the frequent ones.
    shortlist = learned([[a, b], [a, b], [a, b], [c]], [[x, z], [x, z], [y, z], [y]], size=1)
    common = set(shortlist(tf.constant([[END]])).numpy()[0].tolist())
    assert {*range(END + 1), *MASK_IDS, z} <= common
    (found,) = shortlist(tf.constant([[a, END]])).numpy().tolist()
    assert set(found) - common == {a, x}
    (found,) = shortlist(tf.constant([[c, END]])).numpy().tolist()
    assert set(found) - common == {c, y}


def test_lists_begin_with_special_symbols_and_masks_and_repeat_nothing(small_vocabularies):
    words = [*range(FIRST_PIECE, FIRST_PIECE + 30)]
    shortlist = learned([words], [words[::-1]], size=8)
    sources = tf.constant([[*words[:5], *words[:3], END], [words[0], END, *[PAD] * 7]])
    first = [*range(len(SPECIAL_SYMBOLS)), *MASK_IDS]
    for row in shortlist(sources, tf.constant([[words[7]], [PAD]])).numpy().tolist():
        assert row[: len(first)] == first
        found = [each for each in row[1:] if each != PAD]
        assert len(found) == len(set(found))
        assert row[0] == PAD
    assert words[7] in shortlist(sources, tf.constant([[words[7]], [PAD]])).numpy()[0]


def test_one_row_stands_for_all_subwords_outside_the_list(small_vocabularies):
    words = [*range(FIRST_PIECE, VOCABULARY)]
    model = Diagonal()
    pairs = [[word] for word in words] * 9
    shortlist = learned(pairs, pairs, 1, model)
    others = VOCABULARY - len({*shortlist(tf.constant([[words[0], END]])).numpy()[0].tolist()})
    # The logit of each is 2 q + 1 for the query q.
    np.testing.assert_allclose(model.others.embedding, [2.0], atol=0.05)
    np.testing.assert_allclose(model.others.bias, 1 + np.log(others), atol=0.05)


def test_a_search_takes_the_others_into_account(small_vocabularies, model, sources):
    words = [*range(FIRST_PIECE, VOCABULARY)]
    shortlist = learned([words], [words[::-1]], 2, model)
    found = search(model, sources, DECODING, shortlist=shortlist)
    best = found.ids[:, 0]
    exact, near = (force(model, sources, best, each)[0] for each in (None, shortlist))
    np.testing.assert_allclose(exact, near, atol=0.1)
    model.others = Others(tf.zeros([8]), tf.constant(IMPOSSIBLE))
    far = force(model, sources, best, shortlist)[0]
    assert np.abs(far - exact).max() > 5 * np.abs(near - exact).max()


def test_bytes_that_end_a_character_are_in_every_list(small_vocabularies):
    shortlist = learned([[FIRST_PIECE]], [[FIRST_PIECE]], size=1)
    within = {FIRST_BYTE + BYTE_SYMBOLS.index(f"<0x{byte:02X}>") for byte in range(0x80, 0xC0)}
    assert within <= set(shortlist(tf.constant([[END]])).numpy()[0].tolist())


def test_a_list_of_everything_changes_nothing(model, sources):
    whole = search(model, sources, DECODING)
    found = search(model, sources, DECODING, shortlist=everything(model))
    np.testing.assert_array_equal(whole.ids, found.ids)
    np.testing.assert_allclose(whole.scores, found.scores, rtol=1e-5)
    np.testing.assert_allclose(whole.attention, found.attention, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "precision", [tf.float32, tf.bfloat16, tf.int8], ids=lambda kind: kind.name
)
def test_a_translation_has_subwords_of_its_list_only_and_the_score_of_forcing_it(
    small_vocabularies, model, sources, precision
):
    words = [*range(FIRST_PIECE, VOCABULARY)]
    shortlist = learned([words], [words[::-1]], 2, model)
    model.prepare_to_serve(precision, choosing=True)
    found = search(model, sources, DECODING, shortlist=shortlist)
    lists = shortlist(sources).numpy()
    for row, ids in enumerate(found.ids.numpy()):
        assert set(ids.ravel().tolist()) <= set(lists[row].tolist())
    best = found.ids[:, 0]
    log_probs, attention = force(model, sources, best, shortlist)
    again = score(sources, best, log_probs, attention, DECODING)
    np.testing.assert_allclose(again, found.scores[:, 0], rtol=1e-2 if precision.size < 4 else 1e-4)


def test_the_masks_of_a_source_are_written_from_a_list_too(model):
    masks = MASK_IDS
    is_mask = np.isin(np.arange(VOCABULARY), masks)
    model.output_bias.assign(np.where(is_mask, 10.0, 0.0))  # written as soon as allowed
    sources = tf.constant([[masks[1], FIRST_PIECE, masks[0], END], [FIRST_PIECE, END, PAD, PAD]])
    found = search(model, sources, DECODING, shortlist=everything(model), masks=masks)
    whole = search(model, sources, DECODING, masks=masks)
    np.testing.assert_array_equal(whole.ids, found.ids)
    written = [each for each in found.ids.numpy()[0, 0].tolist() if each in masks]
    assert sorted(written) == [masks[0], masks[1]]


def test_small_vocabularies_and_size_0_have_no_shortlist(monkeypatch):
    assert learned([[FIRST_PIECE]], [[FIRST_PIECE]], size=8) is None
    monkeypatch.setattr(module, "FEWEST_SUBWORDS", 0)
    assert learned([[FIRST_PIECE]], [[FIRST_PIECE]], size=0) is None
