"""The metrics as used by TFMA: as combiners, pickled, sharded and merged by Beam."""

from typing import Any

import numpy as np
import pytest
import sacrebleu
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2

from components.gate.paired_bootstrap import paired_bootstrap
from components.gate.translation_metrics import CorpusScore, PairedScore
from tests.components.beam_sharding import combine
from trainer.translation_statistics import resampled_statistics

REFERENCES = [
    "A small dog runs.",
    "größer – schöner!",
    "",
    "one two three four five six",
    "b c d e",
]
CANDIDATE = ["A small dog ran.", "größer, schöner!", "x", "one two three four five", ""]
BASELINE = ["A small dog runs.", "größer – schöner!", "", "one two three 4 five six", "b c d"]


def eval_config(has_baseline: bool) -> config_pb2.EvalConfig:
    keys = {"label_key": "target", "prediction_key": "translation"}
    specs = [config_pb2.ModelSpec(name="candidate" if has_baseline else "", **keys)]
    if has_baseline:
        specs.append(config_pb2.ModelSpec(name="baseline", is_baseline=True, **keys))
    return config_pb2.EvalConfig(model_specs=specs)


def example(
    reference: str, candidate: str | bytes, baseline: str | None = None, bucket: str = "01-10"
) -> Any:
    """Returns the input of a TFMA combiner for one example."""
    raw = candidate if isinstance(candidate, bytes) else candidate.encode()
    prediction: Any = {"translation": np.array([[raw]], object)}
    if baseline is not None:
        other = {"translation": np.array([[baseline.encode()]], object)}
        prediction = {"candidate": prediction, "baseline": other}
    extracts = {
        "labels": np.array([reference.encode()], object),
        "predictions": prediction,
        "example_weights": None,
        "features": {"length_bucket": np.array([bucket.encode()], object)},
    }
    return metric_util.to_standard_metric_inputs(extracts)


def paired(**settings: Any) -> Any:
    return PairedScore(name="number", resamples=100, seed=3, **settings)


def paired_value(metric: Any, examples: list[Any], shards: int, has_baseline: bool) -> float:
    models = ["candidate", "baseline"] if has_baseline else [""]
    *combined, derived = metric.computations(
        eval_config=eval_config(has_baseline), model_names=models
    )
    metrics: dict[Any, Any] = {}
    for computation in combined:
        metrics.update(combine(computation.combiner, examples, shards))
    [value] = derived.result(metrics).values()
    return float(value)


@pytest.mark.parametrize("shards", [1, 2, 7])
@pytest.mark.parametrize("score", ["bleu", "chrf", "ter", "length_ratio"])
def test_a_corpus_score_is_sacrebleus_on_any_sharding(score: str, shards: int) -> None:
    [computation] = CorpusScore(score, score).computations(eval_config=eval_config(False))
    examples = [example(*pair) for pair in zip(REFERENCES, CANDIDATE, strict=True)]
    [value] = combine(computation.combiner, examples, shards).values()
    expected = {
        "bleu": sacrebleu.corpus_bleu(CANDIDATE, [REFERENCES]).score,
        "chrf": sacrebleu.corpus_chrf(CANDIDATE, [REFERENCES]).score,
        "ter": sacrebleu.corpus_ter(CANDIDATE, [REFERENCES]).score,
        "length_ratio": sacrebleu.corpus_bleu(CANDIDATE, [REFERENCES]).ratio,
    }
    assert value == expected[score]


def test_each_model_has_its_own_corpus_score() -> None:
    examples = [example(*triple) for triple in zip(REFERENCES, CANDIDATE, BASELINE, strict=True)]
    values = {}
    for computation in CorpusScore("bleu", "bleu").computations(
        eval_config=eval_config(True), model_names=["candidate", "baseline"]
    ):
        for key, value in combine(computation.combiner, examples, 1).items():
            values[key.model_name] = value
    assert values == {
        "candidate": sacrebleu.corpus_bleu(CANDIDATE, [REFERENCES]).score,
        "baseline": sacrebleu.corpus_bleu(BASELINE, [REFERENCES]).score,
    }


def test_bytes_that_are_no_utf8_are_scored_as_replacement_characters() -> None:
    [computation] = CorpusScore("chrf", "chrf").computations(eval_config=eval_config(False))
    [value] = combine(
        computation.combiner, [example("caf\u00e9 au lait", b"caf\xe9 au lait")], 1
    ).values()
    assert value == sacrebleu.corpus_chrf(["caf\ufffd au lait"], [["caf\u00e9 au lait"]]).score


def test_several_answers_for_one_example_are_refused() -> None:
    [computation] = CorpusScore("bleu", "bleu").computations(eval_config=eval_config(False))
    extracts = {
        "labels": np.array([b"one"], object),
        "predictions": {"translation": np.array([b"one", b"two"], object)},
        "example_weights": None,
    }
    combiner = computation.combiner
    with pytest.raises(ValueError, match="exactly one translation, got 2"):
        combiner.add_input(
            combiner.create_accumulator(), metric_util.to_standard_metric_inputs(extracts)
        )


CHINESE = ["小猫在河边看见马。", "老人喜欢安静的孩子。", "今天，医生在家里。"]
GOOD, WORSE = (
    ["小猫在河边看见马。", "老人喜欢孩子。", "今天医生在家里。"],
    ["小猫看见。", "老人", "在家里"],
)


def test_chinese_is_scored_by_its_characters() -> None:
    metric = CorpusScore("bleu", "bleu", tokeniser="zh")
    [computation] = metric.computations(eval_config=eval_config(False))
    examples = [example(text, text) for text in CHINESE]
    [value] = combine(computation.combiner, examples, 2).values()
    assert value == pytest.approx(100)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"tokeniser": "zh"},
            sacrebleu.corpus_bleu(WORSE, [CHINESE], tokenize="zh").score
            - sacrebleu.corpus_bleu(GOOD, [CHINESE], tokenize="zh").score,
        ),
        (
            {"score": "chrf"},
            sacrebleu.corpus_chrf(WORSE, [CHINESE]).score
            - sacrebleu.corpus_chrf(GOOD, [CHINESE]).score,
        ),
    ],
)
def test_models_are_compared_by_the_tokeniser_and_the_metric_of_the_settings(
    settings: dict[str, Any], expected: float
) -> None:
    examples = [example(*triple) for triple in zip(CHINESE, GOOD, WORSE, strict=True)]
    drop = paired_value(paired(quantity="drop", **settings), examples, 2, has_baseline=True)
    assert drop == pytest.approx(expected, rel=1e-9)
    gain = paired(quantity="gain_p_value", **settings)
    assert paired_value(gain, examples, 2, has_baseline=True) < 0.05


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_the_drop_is_the_difference_of_sacrebleus_scores_on_any_sharding(shards: int) -> None:
    examples = [example(*triple) for triple in zip(REFERENCES, CANDIDATE, BASELINE, strict=True)]
    expected = (
        sacrebleu.corpus_bleu(BASELINE, [REFERENCES]).score
        - sacrebleu.corpus_bleu(CANDIDATE, [REFERENCES]).score
    )
    drop = paired_value(paired(quantity="drop"), examples, shards, has_baseline=True)
    assert drop == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_the_p_value_does_not_depend_on_the_sharding(shards: int) -> None:
    examples = [example(*triple) for triple in zip(REFERENCES, CANDIDATE, BASELINE, strict=True)]
    statistics = resampled_statistics("bleu")
    rows = [
        np.array([statistics.row(*pair) for pair in zip(texts, REFERENCES, strict=True)])
        for texts in (CANDIDATE, BASELINE)
    ]
    expected = paired_bootstrap(rows[0], rows[1], statistics.scores, 100, 3).p_value
    value = paired_value(paired(quantity="drop_p_value"), examples, shards, has_baseline=True)
    assert value == expected


@pytest.mark.parametrize(
    ("quantity", "neutral"),
    [
        ("drop", 0),
        ("drop_p_value", 1),
        ("gain_p_value", 0),
        ("difference_low", 0),
        ("difference_high", 0),
        ("drop_adjusted_p_value", 1),
    ],
)
def test_without_a_baseline_every_quantity_is_that_of_a_model_that_passes(
    quantity: str, neutral: float
) -> None:
    examples = [example(*pair) for pair in zip(REFERENCES, CANDIDATE, strict=True)]
    assert paired_value(paired(quantity=quantity), examples, 1, has_baseline=False) == neutral


def lopsided(sentences: int) -> list[Any]:
    """Returns examples with a candidate better on most sentences and wrong on all long ones."""
    good, bad = "one two three four five six", "one two 3 4 five six"
    short = [example(good, good, bad, "01-10") for _ in range(4 * sentences)]
    return short + [example(good, bad, good, "11-20") for _ in range(sentences)]


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_the_adjusted_p_value_over_all_speaks_for_the_worst_slice(shards: int) -> None:
    metric = paired(quantity="drop_adjusted_p_value", slice_features=["length_bucket"])
    assert paired_value(metric, lopsided(10), shards, has_baseline=True) == 0


def test_a_slice_that_is_not_named_does_not_count() -> None:
    metric = paired(quantity="drop_adjusted_p_value")
    assert paired_value(metric, lopsided(10), 1, has_baseline=True) == 1


@pytest.mark.parametrize(("minimum", "counts"), [(10, True), (11, False)])
def test_a_slice_with_too_few_sentences_does_not_count(minimum: int, counts: bool) -> None:
    metric = paired(
        quantity="drop_adjusted_p_value",
        slice_features=["length_bucket"],
        minimum_sentences=minimum,
    )
    assert (paired_value(metric, lopsided(10), 1, has_baseline=True) == 0) == counts


def test_the_baseline_itself_gets_no_comparison() -> None:
    computations = paired(quantity="drop").computations(
        eval_config=eval_config(True), model_names=["candidate", "baseline"]
    )
    keys = [key for computation in computations for key in computation.keys]
    assert {key.model_name for key in keys} == {"candidate"}


def test_quantities_of_one_comparison_share_one_computation() -> None:
    computations = [
        paired(quantity=quantity).computations(
            eval_config=eval_config(True), model_names=["candidate", "baseline"]
        )[0]
        for quantity in ("drop", "drop_p_value")
    ]
    assert isinstance(computations[0], metric_types.MetricComputation)
    assert computations[0] == computations[1]


def test_an_unknown_quantity_is_refused() -> None:
    with pytest.raises(ValueError, match="'mean'; there are drop, drop_p_value"):
        paired(quantity="mean")
