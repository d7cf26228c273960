"""Each check rejects an answer with one error, valid in all other respects."""

from collections.abc import Callable

import numpy as np
import pytest

from serving.export.smoke_test import SmokeTest, check_signatures, run_smoke_test
from serving.local.saved_model import SavedModel
from tests.serving.standin_model import export_standin

Outputs = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> SavedModel:
    return SavedModel(export_standin(tmp_path_factory.mktemp("sound") / "model"))


class Altered:
    """A valid model with changed answers to one signature."""

    def __init__(self, model: SavedModel, signature: str, change: Callable[[Outputs], None]):
        self.signatures = model.signatures
        self._model, self._signature, self._change = model, signature, change

    def call(self, signature: str, **inputs: list[bytes]) -> Outputs:
        outputs = {
            name: np.array(array) for name, array in self._model.call(signature, **inputs).items()
        }
        if signature == self._signature:
            self._change(outputs)
        return outputs


def problems_of(model: SavedModel | Altered) -> list[str]:
    test = SmokeTest(model, max_seconds=60)
    run_smoke_test(test, check_signatures(test))
    return [str(problem) for problem in test.problems]


def multiply(name: str, factor: float) -> Callable[[Outputs], None]:
    return lambda outputs: outputs.update({name: outputs[name] * np.float32(factor)})


def cast(name: str, dtype: type) -> Callable[[Outputs], None]:
    return lambda outputs: outputs.update({name: outputs[name].astype(dtype)})


def append(name: str, suffix: bytes) -> Callable[[Outputs], None]:
    return lambda outputs: outputs.update({name: outputs[name] + suffix})


def fill(name: str, value: object) -> Callable[[Outputs], None]:
    return lambda outputs: outputs[name].fill(value)


def add(name: str, number: int) -> Callable[[Outputs], None]:
    return lambda outputs: outputs.update({name: outputs[name] + outputs[name].dtype.type(number)})


def keep_first(outputs: Outputs) -> None:
    outputs.update({name: array[:1] for name, array in outputs.items()})


def leak_attention(outputs: Outputs) -> None:
    attention = outputs["attention"]
    attention[attention == 0] = 1e-3


def even_attention_in_batches(outputs: Outputs) -> None:
    if len(outputs["attention"]) > 1:
        real = outputs["attention"] > 0
        outputs["attention"] = (real / np.maximum(real.sum(axis=2, keepdims=True), 1)).astype("f4")


def lower_scores_in_batches(outputs: Outputs) -> None:
    outputs["score"] -= np.float32(len(outputs["score"]) > 1)


def drop_end_of_target(outputs: Outputs) -> None:
    outputs["target_tokens"][outputs["target_tokens"] == b"</s>"] = b"x"


def reverse_beam(outputs: Outputs) -> None:
    outputs["translation"] = outputs["translation"][:, ::-1]


def cut_hypothesis(number: int) -> Callable[[Outputs], None]:
    def change(outputs: Outputs) -> None:
        lengths = outputs["target_length"][:, number]
        for row in np.flatnonzero(lengths):
            outputs["target_tokens"][row, number, lengths[row] - 1] = b"x"
        outputs["truncated"][:, number] = True

    return change


def cut_and_praise_last_hypothesis(outputs: Outputs) -> None:
    cut_hypothesis(-1)(outputs)
    outputs["score"][:, -1] += np.where(outputs["target_length"][:, -1] > 0, 100, 0)


def cut_source_axis(outputs: Outputs) -> None:
    outputs["source_tokens"] = outputs["source_tokens"][:, :-1]


ALTERATIONS = {
    "an infinite score": ("serving_default", fill("score", -np.inf), "'score' is not finite"),
    "a wrong dtype": ("serving_default", cast("score", float), "dtype float64, not float32"),
    "lost answers": ("serving_default", keep_first, "holds 1 answers to 4 texts"),
    "a lost axis": ("serving_default", cut_source_axis, "but the attention needs [1, 6]"),
    "text from nothing": (
        "serving_default",
        append("translation", b"!"),
        "empty text: the translation of nothing is not empty",
    ),
    "bytes that are not text": (
        "serving_default",
        append("translation", b"\xff"),
        "'translation' is not UTF-8",
    ),
    "a silent cut": (
        "serving_default",
        fill("truncated", False),
        "a text of 5000 words was cut without 'truncated'",
    ),
    "lengths beyond the tokens": (
        "serving_default",
        add("target_length", 1),
        "target_length is 7, but there are 6 tokens",
    ),
    "negative lengths": ("serving_default", fill("source_length", -1), "source_length is -1"),
    "lengths before the last token": (
        "serving_default",
        fill("source_length", 1),
        "a source token beyond source_length is not empty",
    ),
    "no end symbol": ("serving_default", drop_end_of_target, "the last target token is not </s>"),
    "empty tokens": (
        "serving_default",
        fill("target_tokens", b""),
        "a target token within target_length is empty",
    ),
    "negative attention": (
        "serving_default",
        multiply("attention", -1),
        "an attention weight is negative",
    ),
    "attention on padding": (
        "serving_default",
        leak_attention,
        "attention on padding is not 0",
    ),
    "attention that is not a number": (
        "serving_default",
        fill("attention", np.nan),
        "'attention' is not finite",
    ),
    "attention that depends on the batch": (
        "serving_default",
        even_attention_in_batches,
        "sentence 1 changed: the attention differs",
    ),
    "a score that depends on the batch": (
        "serving_default",
        lower_scores_in_batches,
        "sentence 1 changed: the score is",
    ),
    "rising scores": ("n_best", multiply("score", -1), "not ordered by their score"),
    "a cut hypothesis first": ("n_best", cut_hypothesis(0), "comes before one that ended"),
    "another best hypothesis": ("n_best", reverse_beam, "not the translation of 'serving_default'"),
    "a beam of broken attention": ("n_best", multiply("attention", 2), "sums to 2"),
    "a probability above one": (
        "score",
        multiply("token_log_probability", -1),
        "a token_log_probability is above 0: 0.5",
    ),
    "a broken head": (
        "source_attention",
        multiply("self_attention", 2),
        "layer 2, head 3: attention rows do not sum to 1",
    ),
    "heads of another text": (
        "source_attention",
        cut_source_axis,
        "'self_attention' has shape [1, 2, 3, 6, 6] for 5 tokens",
    ),
    "another model for the Evaluator": (
        "serve_examples",
        append("translation", b"?"),
        "sentence 1 is not translated as by 'serving_default'",
    ),
    "two columns for the Evaluator": (
        "serve_examples",
        lambda outputs: outputs.update(translation=np.repeat(outputs["translation"], 2, axis=1)),
        "'translation' has 2 columns, not 1",
    ),
}


def test_a_sound_model_has_no_problem(sound):
    assert problems_of(sound) == []


def test_a_hypothesis_that_was_cut_may_score_best_if_it_comes_last(sound):
    assert problems_of(Altered(sound, "n_best", cut_and_praise_last_hypothesis)) == []


def test_an_export_may_lack_the_optional_signature(sound):
    model = Altered(sound, "", lambda outputs: None)
    model.signatures = {name: each for name, each in sound.signatures.items() if "_att" not in name}
    assert problems_of(model) == []


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_an_alteration_is_named(sound, alteration):
    signature, change, sentence = ALTERATIONS[alteration]
    problems = problems_of(Altered(sound, signature, change))
    assert any(sentence in problem for problem in problems), problems


@pytest.mark.parametrize(
    "alteration", [name for name, case in ALTERATIONS.items() if case[0] != "serving_default"]
)
def test_only_the_altered_signature_is_blamed(sound, alteration):
    signature, change, _ = ALTERATIONS[alteration]
    problems = problems_of(Altered(sound, signature, change))
    assert all(problem.startswith(signature) for problem in problems), problems
