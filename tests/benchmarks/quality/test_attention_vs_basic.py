import math

import pytest

from benchmarks.common.protocols import BucketScore, Score
from benchmarks.quality.attention_vs_basic import (
    ATTENTION,
    MODELS,
    SELF_ATTENTION,
    Comparison,
    Measured,
    relative_gain,
    report,
    shortfall,
)
from pipeline.config.settings import load_config
from tests.benchmarks.made_up import made_up_system
from trainer.model import TranslationModel


def measured(name: str, bleu: float, *, seconds: float, parameters: int) -> Measured:
    buckets = {"01-10": BucketScore(bleu + 2, 800), "31+": BucketScore(math.nan, 0)}
    system = made_up_system(name, seconds=seconds, parameters=parameters)
    return Measured(system, Score(bleu, "nrefs:1|case:mixed|tok:13a"), buckets, p_value=0.001)


def comparison(corpus: str, *, basic: float, attention: float) -> Comparison:
    return Comparison(
        corpus,
        {
            "basic": measured("basic", basic, seconds=20.0, parameters=4_400_000),
            "attention": measured("attention", attention, seconds=25.0, parameters=4_700_000),
            "self-attention": measured("self", attention + 1, seconds=15.0, parameters=4_900_000),
        },
    )


@pytest.mark.parametrize(
    ("score", "baseline", "gain"),
    [(30.0, 20.0, 50.0), (20.0, 20.0, 0.0), (15.0, 20.0, -25.0), (0.0, 0.0, 0.0)],
)
def test_a_gain_is_relative_to_the_baseline(score: float, baseline: float, gain: float) -> None:
    assert relative_gain(score, baseline) == pytest.approx(gain)


def test_anything_is_infinitely_more_than_nothing() -> None:
    assert relative_gain(1.0, 0.0) == math.inf


def test_a_gain_that_is_large_enough_everywhere_passes() -> None:
    comparisons = [comparison(name, basic=20, attention=23) for name in ("multi30k", "debian")]
    assert shortfall(comparisons, 15.0) is None


def test_a_gain_that_is_too_small_is_named_with_its_corpus() -> None:
    comparisons = [
        comparison("multi30k", basic=20, attention=30),
        comparison("debian", basic=20, attention=22),
    ]
    assert shortfall(comparisons, 15.0) == (
        "Attention adds less than +15 % BLEU: +10.0 % on debian."
    )


def rows_of(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("| debian")
    ]


def test_the_report_holds_all_systems_and_how_they_were_measured() -> None:
    compared = comparison("debian", basic=20, attention=30)
    text = report([compared], 7, "python -m benchmarks.x", "2 cores", "2 at a time")
    basic, attention, own, short, long = rows_of(text)
    assert basic == ["debian", "basic", "4,400,000", "300", "20.00", "", "", "0.180", ""]
    assert attention == [
        "debian", "attention", "4,700,000", "300", "30.00", "+50.0 %", "0.001", "0.225", "1.25",
    ]  # fmt: skip
    assert own == [
        "debian", "self-attention", "4,900,000", "300", "31.00", "+55.0 %", "0.001", "0.135",
        "0.75",
    ]  # fmt: skip
    assert short == ["debian", "01-10", "800", "22.00", "32.00", "33.00"]
    assert long == ["debian", "31+", "0", "–", "–", "–"]
    for part in ("tok:13a", "seed: 7", "2 cores; CPU, bfloat16", "`python -m benchmarks.x`"):
        assert part in text
    assert "median over the epochs; 2 at a time" in text


def test_self_attention_gets_as_many_parameters_as_attention() -> None:
    def parameters(name: str) -> int:
        config = load_config("multi30k", ["model.copying=false", *MODELS[name]])
        model = TranslationModel(config.model, config.subwords.vocabulary_size, seed=1)
        return sum(math.prod(variable.shape) for variable in model.trainable_variables)

    assert parameters(SELF_ATTENTION) == pytest.approx(parameters(ATTENTION), rel=0.1)
