from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from trainer.pair_weights import drawn, weighted_features, weights_of

WEIGHTS = {"domain=dictionary": 0.25, "domain=manuals": 2.0, "client=a=b": 3.0}


def batch(**features):
    columns = [pa.array(values, pa.list_(pa.binary())) for values in features.values()]
    return pa.RecordBatch.from_arrays(columns, list(features))


def test_the_features_are_named_before_the_first_equals_sign():
    assert weighted_features(WEIGHTS) == ["client", "domain"]
    assert weighted_features({}) == []


def test_an_example_has_the_product_of_its_weights():
    examples = batch(
        domain=[["dictionary"], ["manuals"], ["other"], None, []],
        client=[["a=b"], ["a"], ["a=b"], ["a=b"], None],
    )
    found, used = weights_of(examples, WEIGHTS | {"domain=none": 5.0})
    assert found.tolist() == [0.75, 2.0, 3.0, 3.0, 1.0]
    assert used == {*WEIGHTS}


def test_without_weights_the_features_need_not_be_there():
    found, used = weights_of(batch(other=[["x"], ["y"]]), {})
    assert (found.tolist(), used) == ([1.0, 1.0], set())


def counted(epoch, weights, indices=None):
    chosen = np.arange(len(weights)) if indices is None else indices
    return Counter(drawn(chosen, weights, seed=1, epoch=epoch).tolist())


def test_a_weight_is_the_mean_number_of_times_in_an_epoch():
    weights = np.repeat([0.0, 0.25, 1.0, 2.5], 40)
    found = [counted(epoch, weights) for epoch in range(200)]
    assert {sum(each.values()) for each in found} == {0 + 10 + 40 + 100}
    times = np.array([[each[row] for row in range(160)] for each in found])
    assert times[:, :40].max() == 0
    assert set(times[:, 120:].ravel()) == {2, 3}
    np.testing.assert_allclose(times.mean(axis=0), weights, atol=0.15)


@pytest.mark.parametrize("other", [{"epoch": 2}, {"seed": 2}])
def test_the_draw_depends_on_seed_and_epoch_alone(other):
    weights, indices = np.full(1000, 0.5), np.arange(1000)
    same = {"seed": 1, "epoch": 1}
    first = drawn(indices, weights, **same)
    np.testing.assert_array_equal(first, drawn(indices, weights, **same))
    assert not np.array_equal(first, drawn(indices, weights, **(same | other)))


def test_only_the_given_pairs_are_drawn():
    weights = np.full(10, 2.0)
    assert counted(0, weights, np.array([3, 7])) == {3: 2, 7: 2}
