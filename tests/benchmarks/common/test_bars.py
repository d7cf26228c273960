import math

import pytest

from benchmarks.common.bars import Bar, bar_table, shortfall


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        (Bar("overhead", 2.0, 2.0), True),
        (Bar("overhead", 2.1, 2.0), False),
        (Bar("gain", 4.0, 4.0, is_minimum=True), True),
        (Bar("gain", 3.9, 4.0, is_minimum=True), False),
        (Bar("overhead", math.nan, 2.0), False),
        (Bar("gain", math.nan, 2.0, is_minimum=True), False),
    ],
)
def test_a_bar_is_met_up_to_its_bound(bar: Bar, expected: bool) -> None:
    assert bar.is_met is expected


def test_the_table_says_what_was_measured_and_what_is_asked() -> None:
    bars = [
        Bar("overhead", 1.456, 2.0, "ms", decimals=2),
        Bar("gain", 3.9, 4.0, is_minimum=True, decimals=1),
    ]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in bar_table(bars).splitlines()[2:]
    ]
    assert rows == [
        ["overhead", "1.46 ms", "at most 2 ms", "met"],
        ["gain", "3.9", "at least 4", "MISSED"],
    ]


def test_what_was_missed_is_named() -> None:
    bars = [Bar("overhead", 3, 2.0, "ms"), Bar("failures", 0, 0), Bar("hangs", 1, 0)]
    assert shortfall(bars) == "Not every bar was met: overhead, 3 ms; hangs, 1."
    assert shortfall(bars[1:2]) is None
