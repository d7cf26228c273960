"""Several tests with one error rate for all."""

import numpy as np
import pytest
from numpy.typing import NDArray

from components.gate.family_of_tests import (
    SHARE_OF_WHOLE,
    Family,
    adjusted_p_value,
    compare_family,
    share_of_slice,
)

ALPHA = 0.05


def accuracy(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    return 100 * totals[:, 0] / totals[:, 1]


def model(correct: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack([correct, np.full_like(correct, 10)], axis=1)


def compare(
    candidate: NDArray[np.int64],
    baseline: NDArray[np.int64],
    slices: list[tuple[str, ...]],
    resamples: int = 200,
    minimum_sentences: int = 1,
) -> Family:
    return compare_family(
        model(candidate),
        model(baseline),
        slices,
        accuracy,
        resamples=resamples,
        seed=3,
        minimum_sentences=minimum_sentences,
    )


def test_the_shares_of_all_tests_add_up_to_the_whole_significance() -> None:
    for slices in (1, 4, 30):
        assert SHARE_OF_WHOLE + slices * share_of_slice(slices) == pytest.approx(1)


def test_a_p_value_below_its_share_is_below_the_significance_when_adjusted() -> None:
    share = share_of_slice(4)
    assert adjusted_p_value(0.006, share, 1000) < ALPHA <= adjusted_p_value(0.007, share, 1000)


def test_a_collapse_is_seen_however_many_slices_there_are() -> None:
    smallest = 1 / 101
    assert adjusted_p_value(smallest, share_of_slice(1000), 100) == 0


def test_a_collapse_in_one_slice_is_seen_although_the_whole_is_better() -> None:
    slices = [("short",)] * 90 + [("long",)] * 10
    baseline = np.full(100, 5)
    candidate = np.where(np.arange(100) < 90, 8, 1)
    family = compare(candidate, baseline, slices)
    assert family.whole.difference > 0
    assert (family.whole.p_value, family.slices["short"].p_value) == (1, 1)
    assert family.smallest_adjusted_p_value < ALPHA


def test_a_slice_that_is_too_small_does_not_count() -> None:
    slices = [("short",)] * 95 + [("long",)] * 5
    candidate = np.where(np.arange(100) < 95, 8, 1)
    family = compare(candidate, np.full(100, 5), slices, minimum_sentences=6)
    assert set(family.slices) == {"short"}
    assert family.smallest_adjusted_p_value == 1


def test_a_sentence_may_belong_to_several_slices_or_to_none() -> None:
    numbers = np.arange(6)
    family = compare(numbers, numbers, [("a", "b"), ("a",), (), ("b",), ("b",), ()])
    assert {name: each.sentences for name, each in family.slices.items()} == {"a": 2, "b": 3}


def test_equal_models_are_blocked_about_as_seldom_as_they_should() -> None:
    # 400 pairs of equal models. Bonferroni's bound is 5 %; the rate is lower, since the tests are
    # not independent.
    generator = np.random.default_rng(5)
    slices = [(f"{number % 4}",) for number in range(200)]
    blocked = 0
    for _ in range(400):
        models = (generator.binomial(10, 0.5, 200) for _ in range(2))
        blocked += compare(*models, slices, resamples=300).smallest_adjusted_p_value < ALPHA
    assert 0.02 * 400 <= blocked <= 0.065 * 400


def test_the_order_of_the_sentences_does_not_matter() -> None:
    generator = np.random.default_rng(1)
    candidate, baseline = (generator.binomial(10, 0.5, 60) for _ in range(2))
    slices = [("even" if number % 2 else "odd",) for number in range(60)]
    order = generator.permutation(60)
    shuffled = [slices[place] for place in order]
    assert compare(candidate[order], baseline[order], shuffled) == compare(
        candidate, baseline, slices
    )
