from pathlib import Path

import numpy as np
import pytest

from benchmarks.serving_calls import Answer
from benchmarks.serving_latency import (
    Latencies,
    _take_turn,
    latency_bars,
    latency_section,
    measure_latency,
)
from tests.benchmarks.loopback_server import SENTENCES, answer, loopback_server


def test_each_sentence_is_timed_both_ways_and_has_the_same_answer(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def model(texts):
        asked.extend(texts)
        return answer(texts)

    with loopback_server(tmp_path) as (endpoint, _):
        found = measure_latency(model, endpoint, SENTENCES)
    assert len(found.in_process) == len(found.over_grpc) == len(SENTENCES)
    assert set(asked) == set(SENTENCES)
    assert found.different == 0


def test_the_first_requests_of_a_turn_do_not_count() -> None:
    asked = []

    def translate(text: bytes) -> Answer:
        asked.append(text)
        return {"text": np.array([text])}

    taken = _take_turn(translate, [b"a", b"b", b"c"])
    assert asked == [b"a", b"b", b"a", b"b", b"c"]
    assert [answer["text"].tolist() for _, answer in taken] == [[b"a"], [b"b"], [b"c"]]
    assert all(seconds >= 0 for seconds, _ in taken)


def test_answers_that_differ_are_counted(tmp_path: Path) -> None:
    def model(texts):
        return answer([text + b" else" if text == SENTENCES[3] else text for text in texts])

    with loopback_server(tmp_path) as (endpoint, _):
        assert measure_latency(model, endpoint, SENTENCES[2:5]).different == 1


def test_the_overhead_is_the_median_of_the_differences_and_not_a_difference_of_medians() -> None:
    found = Latencies([0.001, 0.010, 0.100], [0.002, 0.020, 0.103], 0)
    assert found.overhead.value == pytest.approx(0.003)
    (bar,) = latency_bars(found)
    assert (round(bar.measured, 6), bar.is_met) == (3, False)
    assert "The server adds 3.00 ms" in latency_section(found)
