import pytest

from components.report.wording import (
    counted,
    duration,
    number,
    percent,
    short,
    signed,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (31.254, "31.25"),
        (-0.5, "−0.50"),
        (-0.0001, "0.00"),
        (12345.6, "12,345.60"),
        (None, "missing"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_are_written_for_people(value, written):
    assert number(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(1000.0, "1,000"), (0.97, "0.9700"), (31.254, "31.25"), (0, "0"), (0.00001, "0.0000")],
)
def test_any_metric_is_short(value, written):
    assert short(value) == written


@pytest.mark.parametrize(("value", "written"), [(1.5, "+1.50"), (-1.5, "−1.50"), (0.001, "0.00")])
def test_a_difference_says_its_direction(value, written):
    assert signed(value) == written


@pytest.mark.parametrize(("count", "written"), [(1, "1 epoch"), (0, "0 epochs"), (40, "40 epochs")])
def test_one_is_not_many(count, written):
    assert counted(count, "epoch") == written


def test_a_share_is_a_percentage():
    assert percent(0.125) == "12.5 %"


@pytest.mark.parametrize(
    ("seconds", "written"), [(59.6, "1 min 0 s"), (12, "12 s"), (5592, "1 h 33 min")]
)
def test_a_time_has_two_units(seconds, written):
    assert duration(seconds) == written
