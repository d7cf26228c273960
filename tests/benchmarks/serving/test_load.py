import time
from pathlib import Path

import pytest

from benchmarks.common.timings import Call
from benchmarks.serving.load import (
    Load,
    Round,
    Setting,
    batches_of,
    gains,
    load_bars,
    load_section,
    measure_loads,
)
from pipeline.errors import UserError
from tests.benchmarks.serving.loopback_server import SENTENCES, answer, loopback_server


@pytest.mark.parametrize(("count", "size", "batches"), [(7, 3, 3), (6, 3, 2), (2, 5, 1)])
def test_batches_are_full_and_hold_every_sentence(count: int, size: int, batches: int) -> None:
    cut = batches_of(SENTENCES[:count], size)
    assert [len(batch) for batch in cut] == [size] * batches
    assert {text for batch in cut for text in batch} == set(SENTENCES[:count])


def test_every_setting_is_measured_both_ways_in_every_round(tmp_path: Path) -> None:
    settings = [Setting(1, 1), Setting(8, 2)]
    seconds = 0.5
    with loopback_server(tmp_path) as (endpoint, _):
        loads = measure_loads(
            answer, endpoint, SENTENCES, seconds=seconds, rounds=2, settings=settings
        )
    assert list(loads) == settings
    for setting, rounds in loads.items():
        assert len(rounds) == 2
        for load in (load for each in rounds for load in (each.in_process, each.over_grpc)):
            sentences = setting.batch_size * len(load.calls)
            assert load.sentences_per_second == pytest.approx(sentences / seconds)


def test_a_time_that_is_too_short_for_one_request_is_refused(tmp_path: Path) -> None:
    def model(texts):
        time.sleep(0.05)
        return answer(texts)

    with (
        loopback_server(tmp_path) as (endpoint, _),
        pytest.raises(UserError, match="No request of 4 sentences ended .* more --seconds"),
    ):
        measure_loads(model, endpoint, SENTENCES, seconds=0.001, rounds=1, settings=[Setting(4, 1)])


def test_the_gain_is_taken_within_each_round() -> None:
    def measured(rate: float) -> Round:
        load = Load([Call(0, 1)], rate, 0.1)
        return Round(in_process=Load([Call(0, 1)], 1.0, 0.1), over_grpc=load)

    loads = {
        Setting(1, 1): [measured(10), measured(20), measured(40)],
        Setting(1, 4): [measured(1)] * 3,
        Setting(1, 16): [measured(50), measured(40), measured(120)],
    }
    assert gains(loads) == [5, 2, 3]
    (bar,) = load_bars(loads)
    assert (bar.measured, bar.is_met) == (3, False)
    section = load_section(loads)
    assert "get 3.00 times" in section
    assert section.count("| over gRPC ") == section.count("| in process ") == len(loads)
