"""A real export through TensorFlow's C interface, compared with Python's TensorFlow."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from serving.contract import layout
from serving.contract.signatures import N_BEST, SCORE, SERVE_EXAMPLES, SERVING_DEFAULT
from serving.contract.translation import as_text
from serving.export.operations import check_operations, core_operations, read_operations
from serving.local.saved_model import ModelCallError, ModelLoadError, SavedModel
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


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def folder(request, tmp_path_factory) -> str:
    decoding = DECODING.model_copy(update={"precision": request.param})
    return str(export_tiny_model(tmp_path_factory.mktemp("export"), decoding=decoding))


@pytest.fixture(scope="module")
def standin(tmp_path_factory) -> str:
    return export_standin(tmp_path_factory.mktemp("standin") / "model")


@pytest.fixture(scope="module")
def model(folder) -> SavedModel:
    return SavedModel(folder)


def run_alone(program: str, *arguments: str) -> subprocess.CompletedProcess:
    """Runs a program in a new process."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("signature", REQUESTS)
def test_every_signature_answers_as_in_pythons_tensorflow(folder, model, signature):
    answers = model.call(signature, **REQUESTS[signature])
    function = tf.saved_model.load(folder).signatures[signature]
    inputs = {name: tf.constant(texts) for name, texts in REQUESTS[signature].items()}
    expected = {name: tensor.numpy() for name, tensor in function(**inputs).items()}
    assert answers.keys() == expected.keys()
    for name, array in answers.items():
        assert (array.shape, array.dtype) == (expected[name].shape, expected[name].dtype), name
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_the_answers_are_of_all_kinds(model):
    """The untrained network's outputs vary enough to make the comparison above meaningful."""
    response = model.call(SERVING_DEFAULT, **REQUESTS[SERVING_DEFAULT])
    lengths = [len(text) for text in response["translation"]]
    assert min(lengths) == 0
    assert max(lengths) > LONGEST_STRING_WITHIN_A_TENSOR
    assert set(response["truncated"].tolist()) == {False, True}
    assert any(not symbol.isascii() for symbol in response["source_tokens"].flat)


def test_every_operation_of_every_signature_is_one_of_tensorflows_own(folder):
    operations = read_operations(folder)
    assert set(operations) == {*REQUESTS, "loading"}
    assert not set().union(*operations.values()) - core_operations()
    assert check_operations(folder) == []


@pytest.mark.parametrize("imported", ["before", "between", "never"])
def test_a_process_may_import_tensorflow_too_and_call_from_threads(standin, imported):
    program = f"""if True:
        import sys
        if {imported == "before"}: import tensorflow
        from concurrent.futures import ThreadPoolExecutor
        from serving.local.saved_model import SavedModel
        model = SavedModel(sys.argv[1])
        if {imported == "between"}: import tensorflow
        ask = lambda text: model.call("serving_default", text=[text])["translation"].item()
        with ThreadPoolExecutor(8) as pool:
            print(set(pool.map(ask, [b"the cat"] * 50)), "tensorflow" in sys.modules)
        if "tensorflow" in sys.modules:
            assert tensorflow.saved_model.load(sys.argv[1]).signatures
        model.close()
        """
    done = run_alone(program, standin)
    assert done.stdout == f"{{b'die Katze'}} {imported != 'never'}\n", done.stderr


def test_a_model_is_loaded_through_tensorflows_file_systems(standin, tmp_path):
    model = SavedModel(f"file://{standin}")
    assert model.call("serving_default", text=[b"the cat"])["translation"] == [b"die Katze"]
    with pytest.raises(ModelLoadError, match=r"cannot be loaded.*nowhere"):
        SavedModel(f"file://{tmp_path}/nowhere")


def test_a_closed_model_fails_in_a_sentence(tmp_path):
    model = SavedModel(export_standin(tmp_path / "model"))
    model.close()
    with pytest.raises(ModelCallError, match="has no signature"):
        model.call("serving_default", text=[b"cat"])


def test_a_damaged_variable_is_a_sentence(folder, tmp_path):
    copied = tmp_path / "model"
    subprocess.run(["cp", "-r", folder, str(copied)], check=True)
    data = copied / f"{layout.VARIABLES}.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(ModelLoadError, match="cannot be loaded"):
        SavedModel(copied)


def test_text_that_is_no_bytes_is_a_sentence(model):
    with pytest.raises(ModelCallError, match="failed in 'serving_default'"):
        model.call("serving_default", text=[None])


def test_what_the_check_of_operations_refuses_tensorflow_alone_cannot_run(tmp_path):
    folder = export_standin(tmp_path / "model", "python_function")
    assert check_operations(folder)
    done = run_alone(
        "import sys; from serving.local.saved_model import SavedModel; "
        "SavedModel(sys.argv[1]).call('serving_default', text=[b'cat'])",
        folder,
    )
    assert "No OpKernel was registered to support Op 'PyFunc'" in done.stderr
