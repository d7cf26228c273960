from pathlib import Path

import pytest

from benchmarks.serving.first_request import (
    FirstRequest,
    first_request_bars,
    first_request_section,
    measure_first_requests,
)
from pipeline.errors import RunFailedError
from tests.benchmarks.serving.loopback_server import FIRST, SENTENCES, load, loopback_server


def test_each_new_version_answers_a_first_request_and_those_after_it(tmp_path: Path) -> None:
    with loopback_server(tmp_path) as (endpoint, folder):
        found = measure_first_requests(endpoint, folder, SENTENCES, reloads=3, later_requests=4)
        assert sorted(each.name for each in folder.versions.iterdir()) == ["3", "4"]
    assert [len(each.later) for each in found] == [4, 4, 4]
    assert "| 3 " in first_request_section(found)


def test_a_version_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    def load_the_first_alone(path: str, number: int):
        if number == FIRST:
            return load(path, number)
        raise ValueError("It is damaged.")

    with (
        loopback_server(tmp_path, load_the_first_alone) as (endpoint, folder),
        pytest.raises(RunFailedError, match=r"Version 2, .*, was not loaded: It is damaged\."),
    ):
        measure_first_requests(endpoint, folder, SENTENCES, reloads=1)


def test_the_slowest_first_request_decides() -> None:
    found = [FirstRequest(0.010, [0.004, 0.005, 0.1]), FirstRequest(0.020, [0.005])]
    assert [each.ratio for each in found] == [2, 4]
    (bar,) = first_request_bars(found)
    assert (bar.measured, bar.is_met) == (4, False)
