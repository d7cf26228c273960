"""Reflection, as used by grpcurl: list the services and call them using only the descriptions."""

import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from serving.protocol import messages
from tests.serving.server.fake_model import (
    LONG,
    NAME,
    make_version,
    running_server,
    settings_for,
)


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    folder = tmp_path_factory.mktemp("models")
    make_version(folder, 3)
    with (
        running_server(settings_for(folder)) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as opened,
    ):
        yield opened


def _ask(channel: grpc.Channel, **question: str) -> Any:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    (answer,) = stub.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(**question)])
    )
    return answer


def _described_pool(channel: grpc.Channel, symbol: str) -> descriptor_pool.DescriptorPool:
    """Returns a pool with all files needed for a symbol, from the server's descriptions."""
    pool = descriptor_pool.DescriptorPool()
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def fetch(question: dict[str, str]) -> None:
        answer = _ask(channel, **question).file_descriptor_response
        for content in answer.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(content)
            if file.name not in files:
                files[file.name] = file
                for name in file.dependency:
                    fetch({"file_by_filename": name})
                pool.Add(file)

    fetch({"file_containing_symbol": symbol})
    return pool


def test_the_services_are_listed(channel):
    listed = _ask(channel, list_services="").list_services_response.service
    assert {service.name for service in listed} == {
        "tensorflow.serving.PredictionService",
        "tensorflow.serving.ModelService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


@pytest.mark.parametrize(
    "symbol", ["grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"]
)
def test_every_listed_service_is_described(channel, symbol):
    assert _described_pool(channel, symbol).FindServiceByName(symbol).methods


def test_an_unknown_symbol_is_not_found(channel):
    answer = _ask(channel, file_containing_symbol="no.such.Service")
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


def test_a_method_is_called_with_what_reflection_tells_and_json(channel):
    service = messages.PREDICTION_SERVICE
    pool = _described_pool(channel, service)
    method = pool.FindServiceByName(service).methods_by_name["Predict"]
    request = json_format.ParseDict(
        {
            "modelSpec": {"name": NAME},
            "inputs": {
                "text": {
                    "dtype": "DT_STRING",
                    "tensorShape": {"dim": [{"size": 1}]},
                    "stringVal": ["bWF0"],
                }
            },
            "outputFilter": ["translation"],
        },
        message_factory.GetMessageClass(method.input_type)(),
    )
    call = channel.unary_unary(
        f"/{service}/{method.name}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    assert call(request).outputs["translation"].string_val == [b"3:MAT"]


def test_streams_that_ask_nothing_end_and_leave_room_for_others(tmp_path) -> None:
    make_version(tmp_path, 3)
    with (
        running_server(settings_for(tmp_path, handshake_seconds=1.0)) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        silent = threading.Event()
        idle = [stub.ServerReflectionInfo(_never(silent)) for _ in range(20)]
        codes = [stream.exception(LONG).code() for stream in idle]
        silent.set()
        assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 12
        assert codes.count(grpc.StatusCode.CANCELLED) == 8
        assert _ask(channel, list_services="").list_services_response.service


def _never(end: threading.Event) -> Iterator[Any]:
    end.wait(LONG)
    yield from ()
