from collections import Counter
from pathlib import Path

from benchmarks.serving.soak import Sample, Soak, measure_soak, soak_bars, soak_section
from tests.benchmarks.serving.loopback_server import SENTENCES, answer, loopback_server

MEBIBYTE = 1 << 20


def test_requests_of_each_kind_are_sent_while_versions_change(tmp_path: Path) -> None:
    with loopback_server(tmp_path) as (endpoint, folder):
        found = measure_soak(answer, endpoint, folder, SENTENCES, 2.0, reloads=2)
    kinds = {f"{name}, {size}" for name in ("serving_default", "n_best") for size in (1, 8, 32)}
    assert set(found.answered) == {*kinds, "REST"}
    assert (found.failed, found.mixed_up) == (Counter(), Counter())
    assert len(found.minima("in_use")) > 3
    assert all(0 < each.in_use < each.resident for each in found.memory)


def test_the_answers_of_other_sentences_are_found(tmp_path: Path) -> None:
    def model(texts):
        return answer([SENTENCES[1] if text == SENTENCES[0] else text for text in texts])

    with loopback_server(tmp_path) as (endpoint, folder):
        found = measure_soak(model, endpoint, folder, SENTENCES, 1.0, reloads=1)
    assert found.mixed_up.total() > 0


def test_the_growth_is_the_slope_of_the_minima_after_the_warm_up() -> None:
    # 100 MiB more in the first third, then 2 MiB an hour below peaks of 50 MiB.
    # Resident memory grows ten times as fast.
    memory = []
    for second in range(3600):
        in_use = min(second, 1200) / 12 + second / 1800 + 50 * (second % 60 < 40)
        memory.append(Sample(second, int(in_use * MEBIBYTE), int(10 * in_use * MEBIBYTE)))
    found = Soak(3600.0, 10, answered=Counter({"REST": 5}), memory=memory)
    assert abs(found.growth("in_use") - 2) < 0.1
    assert abs(found.growth("resident") - 20) < 1
    assert [bar.is_met for bar in soak_bars(found)] == [True, True, True]
    assert "60 minutes with 10 new versions" in soak_section(found)
