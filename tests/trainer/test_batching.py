import hashlib

import numpy as np
import pytest

from trainer.batching import Pairs, Sequences, cut_by_tokens, epoch_batches, epoch_order
from trainer.replaced_words import WordReplacer
from trainer.subwords import MASK_IDS, vocabulary_lines


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(1)
    sides = []
    for _ in range(2):
        lengths = rng.integers(1, 30, size=500)
        sides.append(Sequences(rng.integers(4, 200, size=lengths.sum()), lengths))
    return Pairs(*sides)


def test_every_sentence_comes_once_in_an_epoch(pairs):
    order = np.concatenate(epoch_order(pairs, np.arange(500), 200, seed=1, epoch=0))
    assert sorted(order.tolist()) == list(range(500))


def test_copies_are_targets_that_are_their_own_translation(pairs):
    more = pairs.with_copies(0.2, seed=1)
    assert len(more.source) == len(more.target) == 600
    for side, given in zip(more, pairs, strict=True):
        assert all(np.array_equal(side[row], given[row]) for row in range(500))
    targets = [tuple(pairs.target[row]) for row in range(500)]
    copies = [tuple(more.target[row]) for row in range(500, 600)]
    assert copies == [tuple(more.source[row]) for row in range(500, 600)]
    # None is chosen twice.
    chosen = [targets.index(copy) for copy in copies]
    assert len(set(chosen)) == 100


def test_without_a_share_there_are_no_copies(pairs):
    same = pairs.with_copies(0.0, seed=1)
    for side, given in zip(same, pairs, strict=True):
        assert len(side) == len(given)
        assert all(np.array_equal(side[row], given[row]) for row in range(len(given)))


def test_no_batch_exceeds_the_budget(pairs):
    for [part] in epoch_batches(pairs, np.arange(500), 200, seed=1, epoch=0):
        assert len(part.source_ids) * max(part.source_ids.shape[1], part.target_ids.shape[1]) <= 200


def test_little_of_a_batch_is_padding():
    rng = np.random.default_rng(2)
    lengths = rng.integers(1, 60, size=5000)
    side = Sequences(rng.integers(4, 100, size=lengths.sum()), lengths)
    batches = list(epoch_batches(Pairs(side, side), np.arange(5000), 1500, seed=1, epoch=0))
    padded = sum(part.source_ids.size for [part] in batches)
    real = sum(np.count_nonzero(part.source_ids) for [part] in batches)
    assert real / padded > 0.95


def test_the_order_follows_from_seed_and_epoch(pairs):
    def flat(seed, epoch):
        return np.concatenate(epoch_order(pairs, np.arange(500), 200, seed, epoch)).tolist()

    assert flat(1, 0) == flat(1, 0)
    assert flat(1, 0) != flat(1, 1)
    assert flat(1, 0) != flat(2, 0)


def test_an_epoch_goes_on_with_the_same_batches(pairs):
    whole = list(epoch_batches(pairs, np.arange(500), 200, seed=1, epoch=0))
    rest = list(epoch_batches(pairs, np.arange(500), 200, seed=1, epoch=0, first=7))
    assert len(rest) == len(whole) - 7
    for [expected], [found] in zip(whole[7:], rest, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))


def test_the_parts_of_a_batch_are_its_rows_and_their_shares_of_its_target_tokens(pairs):
    whole = epoch_batches(pairs, np.arange(500), 200, seed=1, epoch=0)
    in_parts = epoch_batches(pairs, np.arange(500), 200, seed=1, epoch=0, parts=3)
    for [batch], parts in zip(whole, in_parts, strict=True):
        real = [np.count_nonzero(part.target_ids) for part in parts]
        if all(part.share for part in parts):
            rows = [row[row > 0].tolist() for part in parts for row in part.target_ids]
            assert rows == [row[row > 0].tolist() for row in batch.target_ids]
            np.testing.assert_allclose([part.share for part in parts], np.divide(real, sum(real)))


def test_masks_depend_on_the_batch_alone(pairs):
    def batches(**settings):
        replacer = WordReplacer(vocabulary_lines(["▁"]), share=0.5)
        few = Pairs(*(side.take(np.arange(100)) for side in pairs))
        return list(
            epoch_batches(few, np.arange(100), 200, seed=1, epoch=0, changes=[replacer], **settings)
        )

    def rows(parts):
        ids = [part.target_ids for part in parts if part.share]
        return [row[row > 0].tolist() for part in ids for row in part]

    whole, rest, parts = batches(), batches(first=3), batches(parts=2)
    masked = [piece for batch in whole for row in rows(batch) for piece in row if piece in MASK_IDS]
    assert masked
    assert [rows(batch) for batch in whole[3:]] == [rows(batch) for batch in rest]
    for batch, same in zip(whole, parts, strict=True):
        assert rows(batch) == rows(same)
        real = [np.count_nonzero(part.target_ids) for part in same if part.share]
        np.testing.assert_allclose(
            [part.share for part in same if part.share], np.divide(real, sum(real)), rtol=1e-6
        )


def test_a_batch_of_fewer_rows_than_parts_counts_each_row_once():
    side = Sequences.of([np.array([7, 8]), np.array([9])])
    (parts,) = epoch_batches(Pairs(side, side), np.arange(2), 200, seed=1, epoch=0, parts=3)
    assert [len(part.target_ids) for part in parts] == [1, 1, 1]
    np.testing.assert_allclose([part.share for part in parts], [0.4, 0.6, 0])


def test_a_sentence_beyond_the_budget_is_a_batch_by_itself():
    lengths = np.array([2, 3, 50])
    assert [b.tolist() for b in cut_by_tokens(lengths, np.arange(3), 10)] == [[0, 1], [2]]


def test_padding_follows_the_end_symbol():
    sequences = Sequences.of([np.array([7, 8]), np.array([9])])
    assert sequences.padded(np.array([1, 0])).tolist() == [[9, 3, 0], [7, 8, 3]]


def test_a_digest_is_that_of_the_lengths_and_ids_in_the_order_of_the_sequences():
    sequences = Sequences.of([np.array([7, 8]), np.array([9])]).take(np.array([1, 0]))
    digest = hashlib.sha256()
    sequences.update(digest)
    expected = np.array([1, 2, 9, 7, 8], np.int32).tobytes()
    assert digest.digest() == hashlib.sha256(expected).digest()


def test_pairs_with_an_empty_or_too_long_side_are_not_usable():
    source = Sequences.of([np.arange(4, 6), np.arange(0), np.arange(4, 9), np.arange(4, 6)])
    target = Sequences.of([np.arange(4, 7), np.arange(4, 6), np.arange(4, 6), np.arange(4, 12)])
    assert Pairs(source, target).up_to(4).tolist() == [0]


def test_each_part_gets_the_links_of_its_rows(pairs):
    def align(source_ids, target_ids):
        assert source_ids.dtype == target_ids.dtype == np.int32
        return np.broadcast_to(source_ids[:, :1], target_ids.shape)

    found = epoch_batches(pairs, np.arange(500), 200, seed=1, epoch=0, parts=2, align=align)
    for batch in found:
        for part in batch:
            assert part.links.shape == part.target_ids.shape
            assert (part.links[:, 0] == part.source_ids[:, 0]).all()
    assert next(epoch_batches(pairs, np.arange(500), 200, seed=1, epoch=0))[0].links == ()
