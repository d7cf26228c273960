"""A real export in a process with TensorFlow's C interface but without Python's TensorFlow."""

import base64
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from serving.contract.signatures import N_BEST, SCORE, SERVE_EXAMPLES, SERVING_DEFAULT
from serving.contract.translation import (
    Translation,
    as_text,
    read_n_best,
    read_scored,
    read_translation,
)
from serving.export.operations import check_operations, core_operations, read_operations
from serving.local.model import LocalModel
from tests.serving.standin_model import export_standin
from tests.trainer.tiny import DECODING
from tests.trainer.tiny_export import export_tiny_model, serialised_example

REPOSITORY = Path(__file__).resolve().parents[3]
TEXTS = [
    b"The cat sees the mat.",
    b"Dog!",
    "Größere Äpfel, süße Öfen: daß 日本 😀!".encode(),
    b"",
    b" \t\n ",
    b"caf\xe9 au lait \xff",
    b"a\x00b\x07",
    b"The house likes the dog " * 60,
]
TARGETS = [b"Die Katze sieht die Matte.", "schöne Grüße".encode(), b"", *TEXTS[3:]]
EXAMPLES = [serialised_example(as_text(text)) for text in TEXTS]
REQUESTS: Mapping[str, Mapping[str, Sequence[bytes]]] = {
    SERVING_DEFAULT: {"text": TEXTS},
    N_BEST: {"text": TEXTS},
    SCORE: {"text": TEXTS, "target": TARGETS},
    SERVE_EXAMPLES: {"examples": EXAMPLES},
}
LONGEST_STRING_WITHIN_A_TENSOR = 22
"""Bytes; a longer `TF_TString` is stored outside the tensor."""
Response = dict[str, np.ndarray]


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def folder(request, tmp_path_factory) -> str:
    decoding = DECODING.model_copy(update={"precision": request.param})
    return str(export_tiny_model(tmp_path_factory.mktemp("export"), decoding=decoding))


def signatures_of(folder: str) -> Mapping[str, Any]:
    """Returns the signatures from the file, with the tensors to feed and fetch."""
    content = Path(folder, "saved_model.pb").read_bytes()
    return saved_model_pb2.SavedModel.FromString(content).meta_graphs[0].signature_def


def as_array(tensor: Mapping[str, Any]) -> np.ndarray:
    """Makes an array from the runner's output; strings become bytes, as in Python's TensorFlow."""
    values = tensor["values"]
    is_text = any(isinstance(value, str) for value in values)
    dtype = object if is_text else None
    decoded = [base64.b64decode(value) for value in values] if is_text else values
    return np.array(decoded, dtype).reshape(tensor["shape"])


def run_alone(
    folder: str, requests: Mapping[str, Mapping[str, Sequence[bytes]]]
) -> subprocess.CompletedProcess:
    """Runs requests, by signature, in a process without Python's TensorFlow."""
    signatures = signatures_of(folder)
    written = [
        {
            "inputs": {
                signatures[name].inputs[key].name: [base64.b64encode(text).decode() for text in of]
                for key, of in inputs.items()
            },
            "outputs": {key: tensor.name for key, tensor in signatures[name].outputs.items()},
        }
        for name, inputs in requests.items()
    ]
    library_folder = str(Path(tf.__file__).parent)
    return subprocess.run(
        [sys.executable, "-m", "tests.serving.export.c_api_runner", library_folder, folder],
        cwd=REPOSITORY,
        input=json.dumps(written).encode(),
        capture_output=True,
        check=False,
    )


@pytest.fixture(scope="module")
def served(folder) -> dict[str, Any]:
    """Returns all requests and their answers."""
    done = run_alone(folder, REQUESTS)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def responses(served) -> dict[str, Response]:
    """Returns the runner's answers by signature."""
    return {
        name: {key: as_array(tensor) for key, tensor in answer.items()}
        for name, answer in zip(REQUESTS, served["answers"], strict=True)
    }


@pytest.fixture(scope="module")
def local_model(folder) -> LocalModel:
    return LocalModel(folder)


def assert_same(translation: Translation, expected: Translation) -> None:
    assert translation.text == expected.text
    assert translation.source_tokens == expected.source_tokens
    assert translation.target_tokens == expected.target_tokens
    assert translation.truncated == expected.truncated
    np.testing.assert_allclose(translation.score, expected.score, rtol=1e-5)
    np.testing.assert_allclose(translation.attention, expected.attention, atol=1e-6)


def test_every_operation_of_every_signature_is_one_of_tensorflows_own(folder):
    operations = read_operations(folder)
    assert set(operations) == {*REQUESTS, "loading"}
    assert not set().union(*operations.values()) - core_operations()
    assert check_operations(folder) == []


def test_the_server_is_tensorflow_without_its_python(served):
    assert served["version"] == tf.__version__
    assert not [name for name in served["modules"] if name.partition(".")[0] == "tensorflow"]


def test_every_signature_answers_every_text(responses):
    for name, response in responses.items():
        assert {len(array) for array in response.values()} == {len(TEXTS)}, name


def test_the_translations_and_their_attention_are_those_of_python(responses, local_model):
    for row, expected in enumerate(local_model.translate(TEXTS)):
        assert_same(read_translation(responses[SERVING_DEFAULT], row), expected)


def test_all_hypotheses_are_those_of_python(responses, local_model):
    for row, expected in enumerate(local_model.translate(TEXTS, n_best=True)):
        hypotheses = read_n_best(responses[N_BEST], row).n_best
        for hypothesis, other in zip(hypotheses, expected.n_best, strict=True):
            assert_same(hypothesis, other)


def test_scored_targets_have_the_log_probabilities_of_python(responses, local_model):
    for row, expected in enumerate(local_model.score(TEXTS, TARGETS)):
        scored = read_scored(responses[SCORE], row, expected.text)
        assert_same(scored, expected)
        np.testing.assert_allclose(
            scored.token_log_probability, expected.token_log_probability, rtol=1e-5, atol=1e-6
        )


def test_examples_are_translated_as_texts_are(responses):
    translations = responses[SERVE_EXAMPLES]["translation"]
    assert translations.tolist() == [[text] for text in responses[SERVING_DEFAULT]["translation"]]


def test_the_answers_are_of_all_kinds(responses):
    """The untrained network's outputs vary enough to make the comparisons above meaningful."""
    response = responses[SERVING_DEFAULT]
    lengths = [len(text) for text in response["translation"]]
    assert min(lengths) == 0
    assert max(lengths) > LONGEST_STRING_WITHIN_A_TENSOR
    assert set(response["truncated"].tolist()) == {False, True}
    assert any(not symbol.isascii() for symbol in response["source_tokens"].flat)


def test_what_the_check_of_operations_refuses_tensorflow_alone_cannot_run(tmp_path):
    folder = export_standin(tmp_path / "model", "python_function")
    assert check_operations(folder)
    done = run_alone(folder, {SERVING_DEFAULT: {"text": [b"cat"]}})
    assert done.returncode != 0
    assert "No OpKernel was registered to support Op 'PyFunc'" in done.stderr.decode()
