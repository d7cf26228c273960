from pathlib import Path

from benchmarks.common.timings import Call
from benchmarks.serving.reloads import (
    Reloads,
    SentRequest,
    measure_reloads,
    reload_bars,
    reload_section,
)
from tests.benchmarks.serving.loopback_server import SENTENCES, answer, loopback_server


def test_reloads_are_measured_while_clients_translate(tmp_path: Path) -> None:
    with loopback_server(tmp_path) as (endpoint, folder):
        found = measure_reloads(
            answer, endpoint, folder, SENTENCES, reloads=3, seconds_of_rest=0.05
        )
    assert len(found.loading) == 3
    assert len(found.memory) == 4
    assert len(found.answered(while_loading=True)) > 0
    assert len(found.answered(while_loading=False)) > 0
    assert [bar.is_met for bar in reload_bars(found)] == [True, True]


def test_the_answers_of_other_sentences_are_found(tmp_path: Path) -> None:
    def model(texts):
        return answer([SENTENCES[1] if text == SENTENCES[0] else text for text in texts])

    with loopback_server(tmp_path) as (endpoint, folder):
        found = measure_reloads(model, endpoint, folder, SENTENCES, 1, seconds_of_rest=0.05)
    assert 0 < found.mixed_up < len(found.requests)


def test_requests_are_told_apart_by_whether_a_version_was_being_loaded() -> None:
    requests = [
        SentRequest(Call(0.0, 0.5)),
        SentRequest(Call(0.5, 1.25)),
        SentRequest(Call(1.0, 9.0), failure="UNAVAILABLE"),
        SentRequest(Call(2.5, 3.5), is_own=False),
    ]
    found = Reloads(requests, [(1.0, 2.0)], [50 << 20, 60 << 20])
    assert found.answered(while_loading=True) == [0.75]
    assert found.answered(while_loading=False) == [0.5, 1.0]
    assert [bar.measured for bar in reload_bars(found)] == [1, 1]
    text = " ".join(reload_section(found).split())
    assert "4 requests, 1 failed (UNAVAILABLE 1), and 1 got another translation" in text
    assert "50 MiB, 60 MiB" in text
