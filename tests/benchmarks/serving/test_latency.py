import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.serving.calls import Answer
from benchmarks.serving.latency import (
    Latencies,
    _take_turn,
    latency_bars,
    latency_section,
    measure_latency,
)
from serving.server.loaded_model import LoadedModel, LoadedSignature
from serving.server.slicing import Inputs, Outputs
from tests.benchmarks.serving.loopback_server import SENTENCES, answer, load, loopback_server

_SECONDS_OF_SLOW_MODEL = 0.05


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


def test_the_first_requests_of_a_turn_are_sent_twice() -> None:
    asked = []

    def translate(text: bytes) -> Answer:
        asked.append(text)
        return {"text": np.array([text])}

    taken = _take_turn(translate, [b"a", b"b", b"c"])
    assert asked == [b"a", b"b", b"a", b"b", b"c"]
    assert [answer["text"].tolist() for _, answer in taken[-3:]] == [[b"a"], [b"b"], [b"c"]]
    assert all(seconds >= 0 for seconds, _ in taken)


def test_answers_that_differ_are_counted(tmp_path: Path) -> None:
    def model(texts):
        return answer([text + b" else" if text == SENTENCES[3] else text for text in texts])

    with loopback_server(tmp_path) as (endpoint, _):
        assert measure_latency(model, endpoint, SENTENCES[2:5]).different == 1


def test_the_overhead_is_what_the_time_of_the_model_leaves(tmp_path: Path) -> None:
    def slow(path: str, number: int) -> LoadedModel:
        model = load(path, number)
        signatures = {name: _slower(each) for name, each in model.signatures.items()}
        return replace(model, signatures=signatures)

    with loopback_server(tmp_path, slow) as (endpoint, _):
        found = measure_latency(answer, endpoint, SENTENCES[:4])
    # The model in this process takes no time, so the paired differences contain the server's model.
    assert found.difference.value > _SECONDS_OF_SLOW_MODEL
    assert 0 < found.overhead.value < found.difference.value - 0.9 * _SECONDS_OF_SLOW_MODEL


def test_the_difference_is_the_median_of_the_differences_and_not_a_difference_of_medians() -> None:
    found = Latencies([0.001, 0.010, 0.100], [0.002, 0.020, 0.103], [0.001, 0.004, 0.009], 0)
    assert found.difference.value == pytest.approx(0.003)
    assert found.overhead.value == 0.004
    (bar,) = latency_bars(found)
    assert (round(bar.measured, 6), bar.is_met) == (4, False)
    section = latency_section(found)
    assert "adds 4.00 ms" in section
    assert "differences is 3.00 ms" in section


def _slower(signature: LoadedSignature) -> LoadedSignature:
    def call(inputs: Inputs) -> Outputs:
        time.sleep(_SECONDS_OF_SLOW_MODEL)
        return signature.call(inputs)

    return replace(signature, call=call)
