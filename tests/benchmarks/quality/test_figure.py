from pathlib import Path

import pytest

from benchmarks.common.protocols import BucketScore
from benchmarks.quality.figure import Curve, apart, draw_comparison, minutes
from tests.benchmarks.made_up import made_up_history

BUCKETS = {
    "01-10": BucketScore(30.0, 400),
    "11-20": BucketScore(25.0, 500),
    "21-30": BucketScore(20.0, 30),
    "31+": BucketScore(float("nan"), 0),
}
FEW = {name: BucketScore(10.0, 2) for name in BUCKETS}


def curves(buckets: dict[str, BucketScore]) -> list[Curve]:
    seconds = {"basic": 20.0, "attention": 25.0, "self-attention": 15.0}
    return [Curve(name, buckets, made_up_history(seconds=each)) for name, each in seconds.items()]


@pytest.mark.parametrize("buckets", [BUCKETS, FEW])
def test_the_figure_of_the_same_numbers_is_the_same_file(
    buckets: dict[str, BucketScore], tmp_path: Path
) -> None:
    drawn = []
    for name in ("one.svg", "two.svg"):
        draw_comparison({"multi30k": curves(buckets), "debian": curves(BUCKETS)}, tmp_path / name)
        drawn.append((tmp_path / name).read_bytes())
    assert drawn[0].startswith(b"<?xml")
    assert drawn[0] == drawn[1]


def test_epochs_end_after_the_time_of_all_before_them() -> None:
    assert minutes(made_up_history(epochs=3, seconds=30.0)) == [0.5, 1.0, 1.5]


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ([10.0, 30.0], [10.0, 30.0]),
        ([10.0, 11.0], [9.0, 12.0]),
        ([11.0, 10.0], [12.0, 9.0]),
        ([10.0, 10.0], [8.5, 11.5]),
        ([10.0, 10.0, 30.0], [8.5, 11.5, 30.0]),
        ([10.0, 13.0, 10.0], [8.0, 14.0, 11.0]),
    ],
)
def test_labels_that_are_too_close_move_apart_evenly(
    heights: list[float], expected: list[float]
) -> None:
    assert apart(heights, 3.0) == pytest.approx(expected)
