"""TFMA's metrics of the translations' properties: over real text, with any sharding."""

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_model_analysis.metrics import metric_util
from tensorflow_model_analysis.proto import config_pb2

from components.gate.output_metrics import OutputShare
from components.gate.output_statistics import DEFINITIONS, SHARES, Output, count_output
from components.gate.served_attention import ServedAttention, read_served_attention
from serving.attention.diagnostics import diagnose_translation
from tests.components.beam_sharding import combine

KEYS = {"label_key": "target", "prediction_key": "translation"}
ONE_MODEL = config_pb2.EvalConfig(model_specs=[config_pb2.ModelSpec(**KEYS)])
TWO_MODELS = config_pb2.EvalConfig(
    model_specs=[
        config_pb2.ModelSpec(name="candidate", **KEYS),
        config_pb2.ModelSpec(name="baseline", is_baseline=True, **KEYS),
    ]
)

# source, reference, hypothesis
SENTENCES = [
    ("The version 9.1 of Vim.", "Die Version 9.1 von Vim.", "Die Version 9.1 von Wim."),
    ("A dog runs.", "Ein Hund rennt.", ""),
    ("A dog runs fast.", "Ein Hund rennt.", "Ein Hund Hund Hund."),
    ("größer – schöner!", "größer – schöner!", "größer, schöner!"),
    ("Room 12", "Raum 12", "Raum 13"),
    ("\U0001f98a", "\U0001f98a", "\U0001f98a"),
]


def attention(source: str, hypothesis: str, seed: int) -> ServedAttention:
    """Returns random attention between the words of two texts."""
    sources, targets = (
        [f"\u2581{word}" for word in text.split()] + ["</s>"] for text in (source, hypothesis)
    )
    weights = np.random.default_rng(seed).dirichlet(np.full(len(sources), 0.2), len(targets))
    return ServedAttention(
        " ".join(sources).encode(),
        " ".join(targets).encode(),
        tf.io.serialize_tensor(weights.astype(np.float32)).numpy(),
    )


ATTENTION = [attention(source, text, seed) for seed, (source, _, text) in enumerate(SENTENCES)]


def outputs(hypothesis: bytes, served: ServedAttention | None) -> Any:
    """Returns the predictions of one model in TFMA's format."""
    translation = np.array([hypothesis], object)
    if served is None:
        return translation
    told = {name: np.array([value], object) for name, value in served._asdict().items()}
    return {"translation": translation, **told}


def element(source: str, reference: str, prediction: Any) -> Any:
    return metric_util.to_standard_metric_inputs(
        {
            "labels": np.array([reference.encode()], object),
            "predictions": prediction,
            "example_weights": None,
            "features": {"source": np.array([source.encode()], object)},
        }
    )


EXAMPLES = [
    element(source, reference, outputs(hypothesis.encode(), served))
    for (source, reference, hypothesis), served in zip(SENTENCES, ATTENTION, strict=True)
]


def measure(
    name: str, examples: list[Any], shards: int = 1, config: Any = ONE_MODEL
) -> dict[str, float]:
    """Returns a share by model."""
    names = [spec.name for spec in config.model_specs]
    values: dict[str, float] = {}
    computations = OutputShare(name).computations(eval_config=config, model_names=names)
    metrics: dict[Any, Any] = {}
    for computation in computations:
        if hasattr(computation, "combiner"):
            metrics.update(combine(computation.combiner, examples, shards))
    for computation in computations:
        if hasattr(computation, "result"):
            values.update(
                (key.model_name, value) for key, value in computation.result(metrics).items()
            )
    return values


def test_kept_placeholders_are_counted() -> None:
    outputs = [
        Output("Open %s at http://a.b/", "%s bei http://a.b/", "%s bei http:/a.b", None),
        Output("Use -v", "Mit -v", "-v", None),
        Output("100 % of {x}", "100 %", "100 %", None),
    ]
    place = 2 * list(SHARES).index("placeholders_kept")
    assert [count_output(each)[place : place + 2] for each in outputs] == [(1, 2), (1, 1), (0, 0)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("empty_outputs", 1 / 6),
        ("repeated_loops", 1 / 6),
        # To copy: 9.1, Vim, größer, schöner, 12. Lost: Vim, 12.
        ("copied_words_kept", 3 / 5),
        ("numbers_kept", 1 / 2),
    ],
)
def test_a_share_is_what_a_reader_counts(name: str, expected: float) -> None:
    assert measure(name, EXAMPLES) == {"": expected}


@pytest.mark.parametrize("shards", [2, 7])
@pytest.mark.parametrize("name", SHARES)
def test_a_share_does_not_depend_on_the_sharding(name: str, shards: int) -> None:
    whole = measure(name, EXAMPLES)
    assert measure(name, EXAMPLES, shards) == pytest.approx(whole, rel=0, abs=0, nan_ok=True)


def test_attention_is_measured_as_nmt_diagnose_does() -> None:
    found = []
    for (source, _, hypothesis), served in zip(SENTENCES, ATTENTION, strict=True):
        translation = read_served_attention(hypothesis, served)
        assert translation is not None
        found.append(diagnose_translation(source, translation))
    judged = [each for each in found if each is not None]
    words = sum(each.measures.targets for each in judged)
    expected = {
        "attention_entropy": sum(each.measures.entropy * each.measures.targets for each in judged)
        / words,
        "never_looked_at": sum(len(each.never_looked_at) for each in judged)
        / sum(each.measures.sources for each in judged),
        "spurious_rows": sum(each.measures.astray * each.measures.targets for each in judged)
        / words,
    }
    assert 0 < len(judged) < len(SENTENCES)
    for name, value in expected.items():
        assert measure(name, EXAMPLES)[""] == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize("name", ["attention_entropy", "never_looked_at", "spurious_rows"])
def test_a_live_model_that_tells_no_attention_has_no_such_number(name: str) -> None:
    examples = [
        element(
            source,
            reference,
            {
                "candidate": outputs(hypothesis.encode(), served),
                "baseline": outputs(hypothesis.encode(), None),
            },
        )
        for (source, reference, hypothesis), served in zip(SENTENCES, ATTENTION, strict=True)
    ]
    values = measure(name, examples, config=TWO_MODELS)
    assert math.isnan(values["baseline"])
    assert values["candidate"] == measure(name, EXAMPLES)[""]


BROKEN = {
    "no tensor": b"weights",
    "another shape": tf.io.serialize_tensor(np.zeros((1, 1), np.float32)).numpy(),
    "words": tf.io.serialize_tensor(np.array([["a"]])).numpy(),
    "not a number": tf.io.serialize_tensor(np.full((4, 4), np.nan, np.float32)).numpy(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_attention_that_is_none_is_not_measured_and_stops_nothing(name: str) -> None:
    source, reference, hypothesis = "A dog runs.", "Ein Hund rennt.", "Ein Hund rennt."
    served = attention(source, hypothesis, 1)._replace(attention=BROKEN[name])
    example = element(source, reference, outputs(hypothesis.encode(), served))
    assert math.isnan(measure("attention_entropy", [example])[""])
    assert measure("empty_outputs", [example])[""] == 0


def test_bytes_that_are_no_utf8_are_measured_as_replacement_characters() -> None:
    example = element("caf\u00e9 12", "caf\u00e9 12", outputs(b"caf\xe9 12", None))
    assert measure("copied_words_kept", [example])[""] == 1 / 2


def test_an_unknown_share_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="'fluency'; there are empty_outputs, repeated_loops"):
        OutputShare("fluency")


def test_every_share_says_what_it_is() -> None:
    assert list(DEFINITIONS) == list(SHARES)
