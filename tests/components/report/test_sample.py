import random

import pytest

from components.report.sample import draw_sample

PAIRS = [(f"source {number}", f"target {number}") for number in range(200)]


def test_a_sample_does_not_depend_on_the_order_of_the_examples():
    shuffled = random.Random(5).sample(PAIRS, len(PAIRS))
    assert draw_sample(PAIRS, 20, seed=1).pairs == draw_sample(shuffled, 20, seed=1).pairs


def test_another_seed_draws_another_sample():
    assert draw_sample(PAIRS, 20, seed=1).pairs != draw_sample(PAIRS, 20, seed=2).pairs


def test_a_smaller_sample_is_part_of_a_larger_one():
    assert draw_sample(PAIRS, 30, seed=1).pairs[:20] == draw_sample(PAIRS, 20, seed=1).pairs


@pytest.mark.parametrize(("most", "drawn", "is_whole"), [(20, 20, False), (500, 200, True)])
def test_a_sample_is_at_most_as_large_as_the_split(most, drawn, is_whole):
    sample = draw_sample(iter(PAIRS), most, seed=1)
    assert (len(sample.pairs), sample.total, sample.is_whole) == (drawn, 200, is_whole)


def test_equal_pairs_are_drawn_as_often_as_they_occur():
    assert draw_sample([PAIRS[0]] * 3, 10, seed=1).pairs == [PAIRS[0]] * 3


def test_each_pair_is_as_likely_as_any_other():
    drawn = [pair for seed in range(300) for pair in draw_sample(PAIRS, 20, seed).pairs]
    counts = [drawn.count(pair) for pair in PAIRS]
    # 300 draws of 20 out of 200: mean 30, standard deviation 5.2.
    assert min(counts) > 10
    assert max(counts) < 55


def test_text_that_is_no_unicode_can_be_drawn():
    assert draw_sample([("\udcff", "x")], 1, seed=1).total == 1
