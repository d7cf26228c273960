"""The service, called with the unchanged official stubs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.server.settings import BatchSettings
from tests.serving.server.fake_model import (
    LONG,
    NAME,
    SlowModel,
    fake_answers,
    make_version,
    running_server,
    settings_for,
    wait_for,
)

Code = grpc.StatusCode


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("models")
    make_version(folder, 3)
    batching = BatchSettings(strict=False, max_batch_size=4, max_queued_rows=50)
    settings = settings_for(folder, batching=batching, max_message_bytes=100_000)
    with running_server(settings) as running:
        yield running


@pytest.fixture(scope="module")
def stub(server: Any) -> Iterator[Any]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def _request(*texts: bytes, **spec: Any) -> Any:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = spec.pop("name", NAME)
    if "version" in spec:
        request.model_spec.version.value = spec.pop("version")
    for field, value in spec.items():
        setattr(request.model_spec, field, value)
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(list(texts), tf.string, [len(texts)]))
    return request


def _refusal(call: Callable[..., Any], request: Any, **options: Any) -> tuple[Code, str]:
    with pytest.raises(grpc.RpcError) as refused:
        call(request, **options)
    return refused.value.code(), refused.value.details()


def test_a_text_is_answered_with_all_outputs_of_the_signature(stub):
    response = stub.Predict(_request(b"one two", b"three"))
    assert response.model_spec.name == NAME
    assert response.model_spec.version.value == 3
    assert response.model_spec.signature_name == "serving_default"
    expected = fake_answers("serving_default", {"text": [b"one two", b"three"]}, "3:")
    assert set(response.outputs) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(tf.make_ndarray(response.outputs[name]), values)


def test_values_are_in_the_fields_where_clients_look(stub):
    outputs = stub.Predict(_request(b"one two")).outputs
    assert outputs["translation"].string_val == [b"3:ONE TWO"]
    assert outputs["score"].float_val == [-3.0]
    assert outputs["source_length"].int_val == [2]
    assert outputs["truncated"].bool_val == [False]


@pytest.mark.parametrize("signature", ["n_best", "score"])
def test_other_signatures_are_called_by_name(stub, signature):
    request = _request(b"a b", signature_name=signature)
    if signature == "score":
        request.inputs["target"].CopyFrom(tf.make_tensor_proto([b"c"]))
    outputs = stub.Predict(request).outputs
    for name, values in fake_answers(signature, {"text": [b"a b"]}).items():
        assert tf.make_ndarray(outputs[name]).shape == values.shape


def test_an_output_filter_chooses_what_comes_back(stub):
    request = _request(b"one")
    request.output_filter.extend(["score", "translation"])
    assert set(stub.Predict(request).outputs) == {"score", "translation"}


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["nothing"], "output tensor alias not found in signature: nothing"),
        (["score", "score"], "duplicate output tensor alias: score"),
    ],
)
def test_an_output_filter_that_is_wrong_is_refused(stub, names, sentence):
    request = _request(b"one")
    request.output_filter.extend(names)
    code, details = _refusal(stub.Predict, request)
    assert (code, details[: len(sentence)]) == (Code.INVALID_ARGUMENT, sentence)


def test_a_request_of_more_than_a_batch_is_answered_whole_and_in_order(stub):
    texts = [b"word " * (1 + number % 7) + b"%d" % number for number in range(11)]
    outputs = stub.Predict(_request(*texts)).outputs
    expected = fake_answers("serving_default", {"text": texts}, "3:")
    for name, values in expected.items():
        np.testing.assert_array_equal(tf.make_ndarray(outputs[name]), values)


def test_no_texts_have_no_translations(stub):
    outputs = stub.Predict(_request()).outputs
    assert tf.make_ndarray(outputs["translation"]).shape == (0,)
    assert tf.make_ndarray(outputs["attention"]).shape == (0, 0, 0)


def test_strings_may_come_packed(stub):
    request = _request(b"one", b"two")
    request.inputs["text"].ClearField("string_val")
    request.inputs["text"].tensor_content = b"\x03\x03onetwo"
    assert stub.Predict(request).outputs["translation"].string_val == [b"3:ONE", b"3:TWO"]


def test_bytes_that_are_no_utf_8_reach_the_model(stub):
    text = b"caf\xe9 \xff\xfe"
    assert stub.Predict(_request(text)).outputs["translation"].string_val == [b"3:" + text.upper()]


@pytest.mark.parametrize(
    ("spec", "code", "sentence"),
    [
        ({"name": "other"}, Code.NOT_FOUND, "Servable not found for request: Latest(other)"),
        (
            {"version": 9},
            Code.NOT_FOUND,
            f"Servable not found for request: Specific({NAME}, 9)",
        ),
        (
            {"version_label": "canary"},
            Code.INVALID_ARGUMENT,
            "Unrecognized servable version label: canary",
        ),
        ({"name": ""}, Code.INVALID_ARGUMENT, "ModelSpec has no name specified."),
        (
            {"signature_name": "sing"},
            Code.FAILED_PRECONDITION,
            'Serving signature key "sing" not found; there are n_best, score, serving_default.',
        ),
    ],
)
def test_a_model_that_is_not_there_is_refused_as_tensorflow_serving_would(
    stub, spec, code, sentence
):
    assert _refusal(stub.Predict, _request(b"one", **spec)) == (code, sentence)


def test_a_request_without_a_model_is_refused(stub):
    assert _refusal(stub.Predict, predict_pb2.PredictRequest()) == (
        Code.INVALID_ARGUMENT,
        "Missing ModelSpec",
    )


def test_a_message_that_is_too_large_is_refused(stub):
    assert _refusal(stub.Predict, _request(b"x" * 200_000))[0] is Code.RESOURCE_EXHAUSTED


def test_a_request_of_more_texts_than_may_wait_is_refused(stub):
    code, details = _refusal(stub.Predict, _request(*[b"a"] * 51))
    assert (code, details) == (
        Code.RESOURCE_EXHAUSTED,
        "The request holds 51 texts, and at most 50 may wait: send fewer at once.",
    )


def test_an_error_of_the_model_is_the_caller_s(stub):
    assert _refusal(stub.Predict, _request(b"refuse me")) == (
        Code.INVALID_ARGUMENT,
        "The model refuses this text.",
    )


def test_methods_that_translate_nothing_are_unimplemented(stub):
    request = classification_pb2.ClassificationRequest()
    assert _refusal(stub.Classify, request)[0] is Code.UNIMPLEMENTED


def test_the_metadata_hold_the_signatures(stub):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = NAME
    response = stub.GetModelMetadata(request)
    definitions = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(definitions)
    assert set(definitions.signature_def) == {"serving_default", "n_best", "score"}
    assert response.model_spec.version.value == 3


@pytest.mark.parametrize("fields", [[], ["weights"]])
def test_other_metadata_are_refused(stub, fields):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = NAME
    assert _refusal(stub.GetModelMetadata, request)[0] is Code.INVALID_ARGUMENT


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[SlowModel, Any, Any]]:
    """Yields a slow model with one worker and a queue for two texts, its server and a stub."""
    make_version(tmp_path, 1)
    model = SlowModel()
    settings = settings_for(tmp_path, batching=BatchSettings(workers=1, max_queued_rows=2))
    with (
        running_server(settings, model.load) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield model, server, prediction_service_pb2_grpc.PredictionServiceStub(channel)
        model.may_answer.set()


def test_a_full_queue_refuses_at_once(slow):
    model, server, stub = slow
    running = stub.Predict.future(_request(b"running"))
    assert model.started.acquire(timeout=LONG)
    queued = stub.Predict.future(_request(b"queued", b"too"))
    wait_for(lambda: server._scheduler.queued_rows == 2)
    assert _refusal(stub.Predict, _request(b"refused"))[0] is Code.RESOURCE_EXHAUSTED
    model.may_answer.set()
    assert running.result(LONG).outputs["translation"].string_val == [b"RUNNING"]
    assert queued.result(LONG).outputs["translation"].string_val == [b"QUEUED", b"TOO"]


def test_more_requests_in_flight_than_there_are_threads_are_refused(tmp_path: Path):
    make_version(tmp_path, 1)
    model = SlowModel()
    settings = settings_for(tmp_path, batching=BatchSettings(max_requests=2))
    with (
        running_server(settings, model.load) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        running = [stub.Predict.future(_request(text)) for text in (b"one", b"two")]
        wait_for(lambda: server._gate._inside == 2)
        assert _refusal(stub.Predict, _request(b"three"))[0] is Code.RESOURCE_EXHAUSTED
        model.may_answer.set()
        for each in running:
            each.result(LONG)


def test_a_deadline_that_passes_in_the_queue_costs_the_model_nothing(slow):
    model, server, stub = slow
    running = stub.Predict.future(_request(b"running"))
    assert model.started.acquire(timeout=LONG)
    late = stub.Predict.future(_request(b"late"), timeout=0.05)
    assert late.exception(LONG).code() is Code.DEADLINE_EXCEEDED
    wait_for(lambda: server._scheduler.queued_rows == 0)
    model.may_answer.set()
    running.result(LONG)
    stub.Predict(_request(b"next"))
    assert model.asked == [[b"running"], [b"next"]]


def test_a_cancelled_request_costs_the_model_nothing(slow):
    model, server, stub = slow
    running = stub.Predict.future(_request(b"running"))
    assert model.started.acquire(timeout=LONG)
    cancelled = stub.Predict.future(_request(b"cancelled"))
    wait_for(lambda: server._scheduler.queued_rows == 1)
    cancelled.cancel()
    wait_for(lambda: server._scheduler.queued_rows == 0)
    model.may_answer.set()
    running.result(LONG)
    stub.Predict(_request(b"next"))
    assert model.asked == [[b"running"], [b"next"]]


def test_a_deadline_that_passes_while_the_model_runs_is_told_to_the_client(slow):
    _, _, stub = slow
    assert _refusal(stub.Predict, _request(b"a"), timeout=0.05)[0] is Code.DEADLINE_EXCEEDED


def test_the_texts_of_a_large_request_are_shared_among_the_workers(tmp_path: Path):
    make_version(tmp_path, 1)
    model = SlowModel()
    model.may_answer.set()
    texts = [f"text {index}".encode() for index in range(10)]
    with (
        running_server(settings_for(tmp_path, batching=BatchSettings(workers=2)), model.load) as up,
        grpc.insecure_channel(f"127.0.0.1:{up.port}") as channel,
    ):
        response = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(
            _request(*texts)
        )
    assert response.outputs["translation"].string_val == [text.upper() for text in texts]
    assert sorted(model.asked) == [texts[:5], texts[5:]]
