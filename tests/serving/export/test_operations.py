import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorflow.core.protobuf import saved_model_pb2

from serving.contract.signatures import CONTRACTS
from serving.export.check import check_export
from serving.export.operations import check_operations, core_operations, read_operations
from serving.local.saved_model import ModelLoadError
from tests.serving.standin_model import export_standin

TENSORFLOW_TEXT_OPERATION = "NormalizeUTF8"
SIGNATURES = set(CONTRACTS)


@pytest.fixture(scope="module")
def standin(tmp_path_factory) -> str:
    return export_standin(tmp_path_factory.mktemp("standin") / "model")


def altered(directory: str, folder: Path, change: Callable[[saved_model_pb2.SavedModel], None]):
    """Writes the changed graph of an export to another folder."""
    content = Path(directory, "saved_model.pb").read_bytes()
    saved_model = saved_model_pb2.SavedModel.FromString(content)
    change(saved_model)
    (folder / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    return str(folder)


def rename_operation(old: str, new: str) -> Callable[[saved_model_pb2.SavedModel], None]:
    """Returns a change that renames an operation everywhere in the graph and its functions."""

    def change(saved_model: saved_model_pb2.SavedModel) -> None:
        graph = saved_model.meta_graphs[0].graph_def
        bodies = [graph.node, *(function.node_def for function in graph.library.function)]
        for node in (node for body in bodies for node in body if node.op == old):
            node.op = new

    return change


def test_an_export_of_tensorflows_own_operations_passes(standin):
    assert check_operations(standin) == []


def test_the_operations_of_every_signature_and_of_loading_are_read(standin):
    operations = read_operations(standin)
    assert set(operations) == {*SIGNATURES, "loading"}
    assert "ParseExampleV2" in operations["serve_examples"]
    assert "ParseExampleV2" not in operations["serving_default"]
    assert {"HashTableV2", "LookupTableImportV2"} <= operations["loading"]


def test_operations_within_called_functions_are_read_and_function_names_are_none(standin):
    operations = read_operations(standin)
    assert "StringLower" in operations["serving_default"]
    assert not [name for each in operations.values() for name in each if "inference" in name]


def test_a_foreign_operation_is_named_with_the_signatures_that_need_it(standin, tmp_path):
    foreign = altered(standin, tmp_path, rename_operation("StringLower", TENSORFLOW_TEXT_OPERATION))
    [problem] = check_operations(foreign)
    assert problem.startswith(
        f"the operation '{TENSORFLOW_TEXT_OPERATION}', "
        "needed by n_best, serve_examples and serving_default, is not in"
    )


def test_what_no_signature_needs_is_no_problem(standin, tmp_path):
    def add_unused_node(saved_model: saved_model_pb2.SavedModel) -> None:
        saved_model.meta_graphs[0].graph_def.node.add(name="x", op=TENSORFLOW_TEXT_OPERATION)

    assert check_operations(altered(standin, tmp_path, add_unused_node)) == []


def test_an_export_with_a_foreign_operation_is_refused_by_the_check_of_the_export(
    standin, tmp_path
):
    foreign = altered(
        standin, tmp_path, rename_operation("ParseExampleV2", TENSORFLOW_TEXT_OPERATION)
    )
    report, is_hanging = check_export(foreign)
    assert not report.passed
    assert not is_hanging
    assert [problem.request for problem in report.problems] == ["operations"]
    assert f"'{TENSORFLOW_TEXT_OPERATION}', needed by serve_examples," in str(report.problems[0])


def test_a_python_function_is_refused_although_it_answers_in_the_process_that_made_it(tmp_path):
    report, _ = check_export(export_standin(tmp_path / "model", "python_function"))
    assert not report.passed
    assert "the operation 'PyFunc', needed by serve_examples and serving_default" in str(
        report.problems[0]
    )


def test_the_library_alone_has_no_python_functions_and_no_operations_of_other_packages():
    assert not core_operations() & {
        "PyFunc",
        "EagerPyFunc",
        TENSORFLOW_TEXT_OPERATION,
        "AudioMicrofrontend",  # from TensorFlow Lite's Python package
    }


def test_the_library_alone_has_what_runs_on_any_device():
    assert {"MatMul", "NoOp", "Assert", "StatefulPartitionedCall"} <= core_operations()


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_a_folder_without_a_readable_graph_is_a_sentence(tmp_path, content):
    if content is not None:
        (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(ModelLoadError, match="no saved_model.pb|cannot be loaded"):
        read_operations(str(tmp_path))


def test_the_library_is_asked_without_pythons_tensorflow():
    program = (
        "import sys; from serving.local import tensorflow_library as library; "
        "folder = sys.argv[1]; kernels = library.read_kernels(library.load_library(folder)); "
        "assert kernels; assert 'tensorflow' not in sys.modules"
    )
    import tensorflow

    folder = str(Path(tensorflow.__file__).parent)
    subprocess.run(
        [sys.executable, "-c", program, folder],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        check=True,
    )
