"""A real SavedModel, the stand-in: loading, warm-up and requests."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)

from serving.contract import layout
from serving.local.saved_model import ModelLoadError, SavedModel
from serving.server.directory_watcher import DirectoryWatcher
from serving.server.errors import RequestError
from serving.server.loaded_model import LoadedSignature
from serving.server.loading import load_model
from serving.server.requests import Target
from serving.server.settings import BatchSettings
from serving.server.slicing import slice_rows
from serving.server.versions import State, Versions
from serving.versions.push import push
from serving.versions.store import LocalStore
from tests.serving.server.fake_model import GRAPH, LONG, NAME, running_server, settings_for
from tests.serving.standin_model import export_standin

TEXTS = [b"The cat is on the mat", b"", b"mat", b"the cat", b"caf\xe9", b"a b c d e f g h i j"]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> str:
    return export_standin(tmp_path_factory.mktemp("standin") / "model")


@pytest.fixture(scope="module")
def server(export: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(export, folder / "1")
    batching = BatchSettings(workers=1, batch_timeout_seconds=0.05)
    with running_server(settings_for(folder, batching=batching), load_model) as running:
        yield running


@pytest.fixture(scope="module")
def stub(server: Any) -> Iterator[Any]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def _request(signature: str = "serving_default", **inputs: list[bytes]) -> Any:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = NAME
    request.model_spec.signature_name = signature
    for name, texts in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(texts, tf.string))
    return request


def _arrays(response: Any) -> dict[str, np.ndarray]:
    return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}


def _assert_same(found: Any, expected: Any) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].shape == values.shape, name
        if values.dtype.kind == "f":
            np.testing.assert_allclose(found[name], values, rtol=1e-6)
        else:
            np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("signature", ["serving_default", "n_best", "score"])
def test_the_server_answers_what_the_model_answers_in_process(export, stub, signature):
    inputs = {"text": TEXTS, "target": TEXTS} if signature == "score" else {"text": TEXTS}
    expected = SavedModel(export).call(signature, **inputs)
    _assert_same(_arrays(stub.Predict(_request(signature, **inputs))), expected)


def test_concurrent_clients_get_what_each_would_get_alone(export, stub):
    model = SavedModel(export)
    with ThreadPoolExecutor(len(TEXTS)) as pool:
        responses = list(pool.map(lambda text: stub.Predict(_request(text=[text])), TEXTS * 5))
    for text, response in zip(TEXTS * 5, responses, strict=True):
        expected = slice_rows(model.call("serving_default", text=[text]), 0, 1)
        _assert_same(_arrays(response), expected)


@pytest.mark.parametrize("garbage", [b"garbage", b"\xff\xfe"])
def test_an_example_that_cannot_be_read_fails_alone(stub, garbage):
    features = tf.train.Features(
        feature={"source": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"the mat"]))}
    )
    good = tf.train.Example(features=features).SerializeToString()
    calls = [
        stub.Predict.future(_request("serve_examples", examples=[example]))
        for example in (good, garbage, good)
    ]
    first, wrong, last = (call.exception(LONG) for call in calls)
    assert (first, last) == (None, None)
    assert wrong.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert calls[0].result().outputs["translation"].string_val == [b"die Matte"]


def test_the_metadata_are_those_of_the_export(server, export):
    signatures = SavedModel(export).signatures
    with server.versions.lease(Target(NAME)) as lease:
        assert set(lease.model.signatures) == set(signatures)
        inputs = lease.model.definitions.signature_def["score"].inputs
        shapes = {
            name: [dimension.size for dimension in info.tensor_shape.dim]
            for name, info in inputs.items()
        }
    assert shapes == {"text": [-1], "target": [-1]}


def _write_warmup(folder: Path, *requests: Any) -> None:
    path = folder / layout.WARMUP_REQUESTS
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as records:
        for request in requests:
            log = prediction_log_pb2.PredictLog(request=request)
            records.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())


@pytest.fixture
def version(export: str, tmp_path: Path) -> Path:
    """Returns a copy of a version, for tests that change it."""
    return Path(shutil.copytree(export, tmp_path / "models" / "1"))


def test_warm_up_requests_are_answered_before_a_version_is_available(version, monkeypatch):
    _write_warmup(version, _request(text=TEXTS), _request("n_best", text=[b"mat"]))
    versions = Versions(NAME)
    asked: list[tuple[str, list[bytes], list[State]]] = []
    run = LoadedSignature.run

    def note_and_run(signature: LoadedSignature, inputs: Any) -> Any:
        states = [status.state for status in versions.statuses()]
        asked.append((signature.name, list(inputs["text"]), states))
        return run(signature, inputs)

    monkeypatch.setattr(LoadedSignature, "run", note_and_run)
    watcher = DirectoryWatcher(
        str(version.parent), versions, load_model, poll_seconds=LONG, settle_seconds=0
    )
    watcher.poll()
    assert asked == [
        ("serving_default", TEXTS, [State.LOADING]),
        ("n_best", [b"mat"], [State.LOADING]),
    ]
    assert versions.available() == [1]


@pytest.mark.parametrize("request_to_fail", [_request("sing", text=[b"a"]), _request(words=[b"a"])])
def test_a_version_that_fails_at_its_warm_up_is_not_loaded(version, request_to_fail):
    _write_warmup(version, _request(text=[b"mat"]), request_to_fail)
    with pytest.raises(ModelLoadError, match="Warm-up request 2 of .* failed: "):
        load_model(str(version), 1)


def test_warm_up_requests_that_are_damaged_stop_the_version(version):
    _write_warmup(version, _request(text=[b"mat"]))
    path = version / layout.WARMUP_REQUESTS
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ModelLoadError, match="tf_serving_warmup_requests cannot be read"):
        load_model(str(version), 1)


@pytest.mark.parametrize("content", [GRAPH, b"no model", b""])
def test_a_damaged_model_is_not_loaded(version, content):
    (version / "saved_model.pb").write_bytes(content)
    with pytest.raises(ModelLoadError):
        load_model(str(version), 1)


def test_a_failure_of_the_graph_keeps_its_status_code(version):
    model = load_model(str(version), 1)
    with pytest.raises(RequestError, match="The model failed in 'serve_examples'") as failed:
        model.signatures["serve_examples"].run({"examples": [b"garbage"]})
    assert failed.value.code is grpc.StatusCode.INVALID_ARGUMENT


def test_a_version_that_differs_from_its_push_is_not_served(export: str, tmp_path: Path) -> None:
    pushed = []
    for word in ("one", "two"):
        model = shutil.copytree(export, tmp_path / word)
        (model / "assets/subwords.txt").write_text(word * 100, encoding="utf-8")
        pushed.append(Path(str(push(str(model), str(tmp_path / "m"), LocalStore(), keep=2).path)))
    (pushed[1] / "assets/subwords.txt").write_text("tw", encoding="utf-8")
    with running_server(settings_for(tmp_path / "m"), load_model) as server:
        assert server.versions.available() == [int(pushed[0].name)]
        [damaged] = [each for each in server.versions.statuses() if each.problem]
    assert damaged.number == int(pushed[1].name)
    assert "assets/subwords.txt is not the file that was pushed" in damaged.problem
