"""Hostile requests: each is rejected, and the server continues."""

import http.client
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from serving.protocol import messages
from tests.serving.server.fake_model import (
    LONG,
    NAME,
    make_version,
    running_server,
    settings_for,
)

Code = grpc.StatusCode
STRING = 7
FLOAT = 1
FUZZES = 300
HARMLESS = {
    Code.FAILED_PRECONDITION,
    Code.OK,
    Code.INVALID_ARGUMENT,
    Code.NOT_FOUND,
    Code.RESOURCE_EXHAUSTED,
}

Call = Callable[[bytes], tuple[Code, str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("models")
    make_version(folder, 1)
    with running_server(settings_for(folder, max_message_bytes=1 << 20)) as running:
        yield running


@pytest.fixture(scope="module")
def predict(server: Any) -> Iterator[Call]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield _caller(channel, messages.PREDICT.path)


def _caller(channel: grpc.Channel, path: str) -> Call:
    method = channel.unary_unary(path)

    def call(content: bytes) -> tuple[Code, str]:
        try:
            method(content, timeout=LONG)
        except grpc.RpcError as error:
            return error.code(), error.details()
        return Code.OK, ""

    return call


def _good() -> Any:
    request = messages.PREDICT.request()
    request.model_spec.name = NAME
    tensor = request.inputs["text"]
    tensor.dtype = STRING
    tensor.tensor_shape.dim.add(size=2)
    tensor.string_val.extend([b"a", b"b c"])
    return request


def _with(**changes: Any) -> Any:
    """Returns a good request with a changed tensor: its dtype, its dims or its values."""
    request = _good()
    tensor = request.inputs["text"]
    if "dims" in changes:
        del tensor.tensor_shape.dim[:]
        for size in changes.pop("dims"):
            tensor.tensor_shape.dim.add(size=size)
    if "texts" in changes:
        del tensor.string_val[:]
        tensor.string_val.extend(changes.pop("texts"))
    for name, value in changes.items():
        setattr(tensor, name, value)
    return request


def _without_inputs() -> Any:
    request = _good()
    request.inputs.clear()
    return request


def _with_another_input() -> Any:
    request = _good()
    request.inputs["words"].CopyFrom(request.inputs["text"])
    return request


def _of_unknown_rank() -> Any:
    request = _good()
    request.inputs["text"].tensor_shape.unknown_rank = True
    return request


@pytest.mark.parametrize(
    ("request_to_refuse", "sentence"),
    [
        (_with(dtype=FLOAT), "Input 'text' has dtype float32, not string."),
        (_with(dtype=0), "Input 'text' has dtype DT_INVALID, not string."),
        (_with(dtype=9999), "Input 'text' has dtype number 9999, not string."),
        (_with(dims=[-1]), "tensor parsing error: text has 2 strings for its shape [-1]."),
        (_with(dims=[1 << 62]), "tensor parsing error: text has 2 strings for its shape ["),
        (_with(dims=[3]), "tensor parsing error: text has 2 strings for its shape [3]."),
        (_with(dims=[1]), "tensor parsing error: text has 2 strings for its shape [1]."),
        (_with(dims=[]), "Input 'text' has shape [], not [batch]."),
        (_with(dims=[2, 1]), "Input 'text' has shape [2, 1], not [batch]."),
        (_with(dims=[1 << 40] * 3), "Input 'text' has shape [1099511627776, "),
        (_with(dims=[0]), "tensor parsing error: text has 2 strings for its shape [0]."),
        (_with(texts=[]), "tensor parsing error: text has 0 strings for its shape [2]."),
        (_with(texts=[b"a"]), "tensor parsing error: text has 1 strings for its shape [2]."),
        (
            _with(texts=[], tensor_content=b"\x01\x05ab"),
            "tensor parsing error: text: its 4 bytes are not those of 2 strings",
        ),
        (_of_unknown_rank(), "Input 'text' has shape unknown, not [batch]."),
        (_without_inputs(), "input size does not match signature: 0!=1 len({}) != len({text}). "),
        (_with_another_input(), "input size does not match signature: 2!=1 len({text,words}) "),
        (messages.PREDICT.request(), "Missing ModelSpec"),
    ],
)
def test_a_tensor_that_contradicts_itself_is_refused_with_a_sentence(
    predict: Call, request_to_refuse: Any, sentence: str
) -> None:
    code, details = predict(request_to_refuse.SerializeToString())
    assert (code, details[: len(sentence)]) == (Code.INVALID_ARGUMENT, sentence)


@pytest.mark.parametrize("path", ["Predict", "GetModelMetadata"])
def test_bytes_that_are_no_message_are_refused(server: Any, path: str) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        call = _caller(channel, f"/{messages.PREDICTION_SERVICE}/{path}")
        code, details = call(b"\xff" * 20)
    assert code is Code.INVALID_ARGUMENT
    assert details.startswith("The request is not a valid ")


def test_a_long_name_does_not_come_back_at_full_length(predict: Call) -> None:
    request = _good()
    request.model_spec.name = "x" * 500_000
    code, details = predict(request.SerializeToString())
    assert code is Code.NOT_FOUND
    assert len(details) == 1000


def _mutated(random_numbers: random.Random) -> bytes:
    """Returns a good request with a change in a field, or anywhere in its bytes."""
    request = _good()
    tensor = request.inputs["text"]
    size = random_numbers.choice([-1, 0, 1, 2, 3, 1 << 31, (1 << 63) - 1, -(1 << 63)])
    match random_numbers.randrange(9):
        case 0:
            tensor.dtype = random_numbers.randrange(-5, 200)
        case 1:
            tensor.tensor_shape.dim[0].size = size
        case 2:
            tensor.tensor_shape.dim.add(size=size)
        case 3:
            tensor.tensor_content = random_numbers.randbytes(random_numbers.randrange(1, 20))
        case 4:
            tensor.string_val.extend([random_numbers.randbytes(5)] * random_numbers.randrange(4))
        case 5:
            request.model_spec.version.value = size
        case 6:
            request.model_spec.signature_name = random_numbers.choice(["n_best", "x", "score"])
        case 7:
            request.output_filter.append(random_numbers.choice(["score", "", "x", "attention"]))
        case 8:
            request.inputs[random_numbers.choice(["", "text", "target"])].half_val.append(5)
    content = bytearray(request.SerializeToString())
    for _ in range(random_numbers.choice([0, 0, 1, 3])):
        content[random_numbers.randrange(len(content))] = random_numbers.randrange(256)
    return bytes(content[: random_numbers.choice([None, None, None, -3])])


def test_no_mutation_of_a_request_harms_the_server(predict: Call) -> None:
    random_numbers = random.Random(1)
    codes = [predict(_mutated(random_numbers))[0] for _ in range(FUZZES)]
    assert set(codes) <= HARMLESS
    assert {Code.OK, Code.INVALID_ARGUMENT, Code.NOT_FOUND} <= set(codes)
    assert predict(_good().SerializeToString())[0] is Code.OK


def _random_json(random_numbers: random.Random, depth: int = 0) -> Any:
    names = ("text", "target", "b64", "instances", "inputs", "signature_name", "")
    simple = (None, True, 0, -1.5, 1e308, float("nan"), "", "a", "%%", "YQ==", "\ud800", "score")
    match random_numbers.randrange(4 if depth < 4 else 2):
        case 0 | 1:
            return random_numbers.choice(simple)
        case 2:
            return [
                _random_json(random_numbers, depth + 1) for _ in range(random_numbers.randrange(4))
            ]
        case _:
            return {
                random_numbers.choice(names): _random_json(random_numbers, depth + 1)
                for _ in range(random_numbers.randrange(4))
            }


def test_no_json_harms_the_server(server: Any) -> None:
    random_numbers = random.Random(1)
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=LONG)
    statuses = set()
    for _ in range(FUZZES):
        body = {
            random_numbers.choice(["instances", "inputs"]): _random_json(random_numbers),
            **random_numbers.choice([{}, {"signature_name": "score"}, {"extra": 1}]),
        }
        connection.request("POST", f"/v1/models/{NAME}:predict", json.dumps(body).encode())
        response = connection.getresponse()
        answer = json.loads(response.read())
        statuses.add(response.status)
        assert (response.status == 200) == ("error" not in answer)
    connection.close()
    assert statuses == {200, 400}
