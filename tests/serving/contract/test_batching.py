import itertools

import pytest

from serving.contract.batching import batches_by_length, in_order, windows

LENGTHS = [5, 1, 9, 1, 7, 3, 3]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_every_text_is_in_one_batch_that_is_not_too_large(batch_size):
    batches = batches_by_length(LENGTHS, batch_size)
    assert sorted(itertools.chain(*batches)) == list(range(len(LENGTHS)))
    assert max(map(len, batches)) <= batch_size


def test_batches_go_from_short_to_long():
    positions = itertools.chain(*batches_by_length(LENGTHS, 2))
    assert [LENGTHS[position] for position in positions] == sorted(LENGTHS)


def test_nothing_makes_no_batch():
    assert batches_by_length([], 4) == []


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_results_stand_where_their_texts_stood(batch_size):
    batches = batches_by_length(LENGTHS, batch_size)
    assert in_order(batches, [[LENGTHS[i] for i in batch] for batch in batches]) == LENGTHS


def test_windows_hold_neighbours_and_the_last_one_the_rest():
    assert list(windows(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_window_is_read_no_further_than_it_reaches():
    numbers = itertools.count()
    next(windows(numbers, 5))
    assert next(numbers) == 5
