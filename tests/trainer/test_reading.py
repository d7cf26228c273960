import numpy as np
import pyarrow as pa
import pytest

from trainer.batching import Pairs, Sequences
from trainer.reading import read_pairs, sorted_order


def batches(pairs: list[tuple[list[int] | None, list[int]]], rows: int):
    """Returns Arrow record batches of `rows` rows each, in TFX's format."""
    ids = pa.list_(pa.int64())
    for first in range(0, len(pairs), rows):
        sides = zip(*pairs[first : first + rows], strict=True)
        columns = [pa.array(side, ids) for side in sides]
        yield pa.RecordBatch.from_arrays(columns, ["source_ids", "target_ids"])


def lists(pairs: Pairs) -> list[tuple[list[int], list[int]]]:
    return [
        (source.tolist(), target.tolist())
        for source, target in zip(
            *([side[row] for row in range(len(side))] for side in pairs), strict=True
        )
    ]


@pytest.fixture
def text():
    """Returns pairs of few different ids, so many have the same start and some are equal."""
    rng = np.random.default_rng(1)
    return [
        tuple(rng.choice([4, 255, 256, 65_536], rng.integers(0, 5)).tolist() for _ in range(2))
        for _ in range(3000)
    ]


def test_the_order_is_that_of_the_bytes_of_the_ids_however_the_files_are_cut(text):
    def key(pair):
        return tuple(np.array(side, np.int64).tobytes() for side in pair)

    expected = sorted(text, key=key)
    assert lists(read_pairs(batches(text, rows=7))[0]) == expected
    assert lists(read_pairs(batches(text[::-1], rows=1000))[0]) == expected


def test_a_null_is_an_empty_text():
    assert lists(read_pairs(batches([(None, [4, 5]), ([6], [7])], rows=2))[0]) == [
        ([], [4, 5]),
        ([6], [7]),
    ]


def test_no_examples_are_no_pairs():
    pairs, weights = read_pairs([])
    assert (lists(pairs), len(weights)) == ([], 0)


def test_copies_share_the_file_of_the_ids(text):
    more = read_pairs(batches(text, rows=100))[0].with_copies(0.5, seed=1)
    assert len(more.source) == 4500
    assert np.shares_memory(more.source[len(text)], more.target[len(text)])


@pytest.mark.parametrize("rows", [1, 4])
def test_the_order_of_equal_pairs_is_that_of_their_weights(rows):
    def examples():
        for first in range(0, 4, rows):
            some = slice(first, first + rows)
            ids = pa.array([[5], [4], [5], [5]][some], pa.list_(pa.int64()))
            domains = pa.array([["b"], ["a"], ["a"], None][some], pa.list_(pa.binary()))
            names = ["source_ids", "target_ids", "domain"]
            yield pa.RecordBatch.from_arrays([ids, ids, domains], names)

    pairs, weights = read_pairs(examples(), {"domain=a": 0.5, "domain=b": 3.0})
    assert [source for source, _ in lists(pairs)] == [[4], [5], [5], [5]]
    assert weights.tolist() == [0.5, 0.5, 1.0, 3.0]


def test_a_weight_that_no_example_has_is_an_error(text):
    with pytest.raises(ValueError, match="No training pair has domain=a: correct data.weights"):
        read_pairs([], {"domain=a": 0.5})


def test_equal_pairs_keep_their_order():
    side = Sequences.of([np.array([5]), np.array([4]), np.array([5])])
    assert sorted_order(Pairs(side, side)).tolist() == [1, 0, 2]
