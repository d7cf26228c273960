import json

import numpy as np
import pytest

from benchmarks.common.systems import System
from benchmarks.common.task import ParallelText
from benchmarks.gate import translation_cache
from benchmarks.gate.calibration import report, shortfalls
from benchmarks.gate.trials import (
    EQUAL,
    WORSE,
    Experiment,
    Judgement,
    Material,
    Rate,
    exchange,
    judge,
    run_trials,
    wilson_interval,
)
from components.gate.settings import GateSettings

SETTINGS = GateSettings(min_bleu=0, bootstrap_resamples=100, min_slice_sentences=10)
REFERENCES = [f"a small dog number {number} runs over the grass" for number in range(40)]
TEXT = ParallelText(REFERENCES, REFERENCES)
MATERIAL = Material(TEXT, ["01-10"] * 30 + ["11-20"] * 10, SETTINGS)


def worse(count: int) -> list[str]:
    """Returns translations with the last `count` wrong."""
    kept = len(REFERENCES) - count
    return REFERENCES[:kept] + [text.replace("dog", "cat") for text in REFERENCES[kept:]]


def rate(kind, *blocked: bool) -> Rate:
    experiment = Experiment("pairs", kind, 40, lambda *_: (np.zeros((1, 10)), np.zeros((1, 10))))
    return Rate(experiment, tuple(Judgement(each, True, -0.5) for each in blocked))


def test_exchanged_models_have_each_sentence_of_both_once():
    first, second = MATERIAL.rows(REFERENCES), MATERIAL.rows(worse(40))
    candidate, baseline = exchange(first, second, np.random.default_rng(1))
    np.testing.assert_array_equal(candidate + baseline, first + second)
    is_first = (candidate == first).all(axis=1)
    assert 10 < is_first.sum() < 30


def test_the_same_model_is_never_blocked():
    rows = MATERIAL.rows(worse(10))
    same = Experiment("the same", EQUAL, 40, lambda drawn, _: (rows[drawn], rows[drawn]))
    assert run_trials(same, MATERIAL, 5, seed=1).blocked == 0


def test_a_model_that_is_worse_in_the_long_bucket_is_blocked():
    rows = [MATERIAL.rows(worse(count)) for count in (10, 0)]
    judgement = judge(*rows, MATERIAL.buckets, SETTINGS)
    assert (judgement.is_blocked, judgement.is_blocked_uncorrected) == (True, True)
    assert judgement.difference < 0


def test_trials_are_the_same_with_the_same_seed():
    first, second = MATERIAL.rows(worse(5)), MATERIAL.rows(worse(8))
    pairs = Experiment(
        "pairs", EQUAL, 40, lambda drawn, coin: exchange(first[drawn], second[drawn], coin)
    )
    assert run_trials(pairs, MATERIAL, 4, seed=2) == run_trials(pairs, MATERIAL, 4, seed=2)


def test_the_interval_is_that_of_wilson():
    # Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine
    # 17 (1998), table I: 15 of 148 gives 0.0624 to 0.1605.
    assert wilson_interval(15 / 148, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)


def test_too_many_good_models_blocked_are_named():
    assert shortfalls([rate(EQUAL, *[True] * 10)], 0.05) == [
        "pairs: 100.0 % blocked, more than 5.0 %."
    ]
    assert shortfalls([rate(EQUAL, True, *[False] * 19)], 0.05) == []


def test_too_few_worse_models_blocked_are_named():
    assert shortfalls([rate(WORSE, True, False)], 0.05) == [
        "pairs: 50.0 % blocked, fewer than 95.0 %."
    ]
    assert shortfalls([rate(WORSE, *[True] * 20)], 0.05) == []


def test_the_report_has_the_rates_and_how_to_measure_them_again():
    text = report([rate(EQUAL, True, *[False] * 19)], MATERIAL, "test", "the command")
    for part in ("pairs", "-0.50", "5.0 %", "100.0 %", "40 sentences", "the command", "tok:13a"):
        assert part in text


def test_a_model_translates_the_same_text_once(tmp_path, monkeypatch):
    calls = []

    def translate(system, sources):
        calls.append(sources)
        return [type("T", (), {"text": source.upper()}) for source in sources]

    monkeypatch.setattr(translation_cache, "translate", translate)
    export = tmp_path / "export"
    export.mkdir()
    (export / "saved_model.pb").write_bytes(b"1")
    system = System("s", str(export), {}, (), 0)
    for _ in range(2):
        found = translation_cache.cached_translations(system, ["ä", "b"], tmp_path / "cache")
        assert found == ["Ä", "B"]
    (export / "saved_model.pb").write_bytes(b"2")
    translation_cache.cached_translations(system, ["ä", "b"], tmp_path / "cache")
    translation_cache.cached_translations(system, ["ä"], tmp_path / "cache")
    assert len(calls) == 3
    assert len([json.loads(path.read_text()) for path in (tmp_path / "cache").iterdir()]) == 3
