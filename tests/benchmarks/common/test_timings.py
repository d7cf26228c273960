import random

import pytest

from benchmarks.common.timings import Call, Median, Percentiles, differences, ended_within


def test_percentiles_lie_between_neighbours_where_no_value_is_due() -> None:
    # 101 values: the percentile p is the value p; of 2 values the median is their mean.
    found = Percentiles.of([float(value) for value in range(101)])
    assert (found.p50, found.p90, found.p99, found.longest) == (50, 90, 99, 100)
    assert Percentiles.of([1.0, 3.0]).p50 == 2


def test_percentiles_are_shown_in_milliseconds() -> None:
    assert Percentiles(0.0015, 0.002, 0.01, 1.5).cells() == ["1.5", "2.0", "10.0", "1,500.0"]


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [
        # Ranks n/2 - 1.96 sqrt(n)/2, rounded down, and n/2 + 1.96 sqrt(n)/2, rounded up, plus 1.
        (100, 40, 61),
        (1000, 469, 532),
        (3, 1, 3),
        (1, 1, 1),
    ],
)
def test_the_interval_of_a_median_goes_from_one_rank_to_another(
    count: int, low: int, high: int
) -> None:
    found = Median.of([float(rank) for rank in range(1, count + 1)])
    assert (found.low, found.value, found.high) == (low, (count + 1) / 2, high)


def test_the_interval_holds_the_true_median_as_often_as_it_says() -> None:
    numbers = random.Random(1)
    held = 0
    for _ in range(400):
        found = Median.of([numbers.expovariate(1) for _ in range(60)])
        held += found.low <= 0.6931 <= found.high  # ln 2
    assert held / 400 >= 0.95


def test_differences_are_those_of_pairs() -> None:
    assert differences([1.0, 5.0], [3.0, 4.0]) == [2.0, -1.0]
    with pytest.raises(ValueError):
        differences([1.0], [])


def test_only_calls_that_ended_in_time_are_counted() -> None:
    calls = [Call(0, 1), Call(0.5, 2), Call(2.5, 3), Call(2.9, 3.1)]
    assert ended_within(calls, 2, 3) == [calls[1]]


def test_the_throughput_of_steady_clients_does_not_depend_on_where_it_is_cut() -> None:
    calls = [Call(number / 10, (number + 1) / 10) for number in range(100)]
    assert {len(ended_within(calls, start + 0.05, start + 2.05)) for start in (1, 2.02, 3.3)} == {
        20
    }


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (Call(0, 1), False),
        (Call(0, 3), True),
        (Call(2.2, 2.8), True),
        (Call(2.5, 9), True),
        (Call(0, 9), True),
        (Call(3.5, 4), False),
        (Call(5.5, 5.6), True),
    ],
)
def test_a_call_overlaps_spans_in_which_it_was_under_way(call: Call, expected: bool) -> None:
    assert call.overlaps([(2, 3), (5, 6)]) is expected
