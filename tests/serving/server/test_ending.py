"""The server's start and end: ports, draining, health."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.protocol import messages
from serving.protocol.tensors import to_tensor
from serving.server.ports import StartError
from tests.serving.server.fake_model import (
    LONG,
    NAME,
    SlowModel,
    make_version,
    running_server,
    settings_for,
    wait_for,
)

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICES = ("", messages.PREDICTION_SERVICE, messages.MODEL_SERVICE, NAME)


class Client:
    """A client for a server's health and predictions."""

    def __init__(self, channel: grpc.Channel):
        self._health = health_pb2_grpc.HealthStub(channel)
        self._predict = channel.unary_unary(
            messages.PREDICT.path,
            request_serializer=messages.PREDICT.request.SerializeToString,
            response_deserializer=messages.PREDICT.reply.FromString,
        )

    def health(self, service: str = "") -> Any:
        return self._health.Check(health_pb2.HealthCheckRequest(service=service)).status

    def send(self, text: bytes) -> Any:
        request = messages.PREDICT.request()
        request.model_spec.name = NAME
        request.inputs["text"].CopyFrom(to_tensor(np.array([text], object)))
        return self._predict.future(request)


@contextmanager
def _client(port: int) -> Iterator[Client]:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Client(channel)


def test_health_is_serving_only_while_a_version_is_available(tmp_path):
    settings = settings_for(tmp_path, wait_for_model=True)
    with running_server(settings) as server, _client(server.port) as client:
        assert {client.health(service) for service in SERVICES} == {NOT_SERVING}
        assert client.send(b"a").exception(LONG).code() is grpc.StatusCode.NOT_FOUND
        make_version(tmp_path, 1)
        wait_for(lambda: client.health() == SERVING)
        wait_for(lambda: {client.health(service) for service in SERVICES} == {SERVING})


def test_the_health_of_an_unknown_service_is_not_found(tmp_path):
    make_version(tmp_path, 1)
    with running_server(settings_for(tmp_path)) as server, _client(server.port) as client:
        with pytest.raises(grpc.RpcError) as refused:
            client.health("other")
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_server_that_ends_refuses_what_is_new_and_finishes_what_it_has(tmp_path):
    make_version(tmp_path, 1)
    model = SlowModel()
    with (
        running_server(settings_for(tmp_path), model.load) as server,
        _client(server.port) as client,
    ):
        running = client.send(b"in flight")
        assert model.started.acquire(timeout=LONG)
        server.end()
        wait_for(lambda: client.health() == NOT_SERVING)
        refused = client.send(b"new").exception(LONG)
        assert (refused.code(), refused.details()) == (
            grpc.StatusCode.UNAVAILABLE,
            "The server is shutting down.",
        )
        rest = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=LONG)
        rest.request("POST", f"/v1/models/{NAME}:predict", b'{"instances": ["new"]}')
        assert rest.getresponse().status == 503
        rest.close()
        model.may_answer.set()
        assert running.result(LONG).outputs["translation"].string_val == [b"IN FLIGHT"]
        wait_for(lambda: server.ending is not None)
    assert model.asked == [[b"in flight"]]
    assert (server.ending.given_up, server.ending.has_threads) == (0, False)


def test_requests_that_outlast_the_grace_period_are_given_up(tmp_path):
    make_version(tmp_path, 1)
    model = SlowModel()
    settings = settings_for(tmp_path, grace_seconds=0.05)
    with running_server(settings, model.load) as server, _client(server.port) as client:
        running = client.send(b"endless")
        assert model.started.acquire(timeout=LONG)
        server.end()
        assert running.exception(LONG) is not None
        wait_for(lambda: server.ending is not None)
        model.may_answer.set()
    assert (server.ending.given_up, server.ending.has_threads) == (1, True)


def test_without_a_model_the_server_does_not_start(tmp_path):
    with (
        pytest.raises(StartError, match="No version of debian in .* can be served"),
        running_server(settings_for(tmp_path / "missing")),
    ):
        pass


def test_a_model_that_cannot_be_loaded_is_named_at_the_start(tmp_path):
    make_version(tmp_path, 1)

    def fail(path: str, number: int) -> Any:
        raise ValueError("It is damaged.")

    with (
        pytest.raises(StartError, match=r"can be served \(version 1: It is damaged\.\); push"),
        running_server(settings_for(tmp_path), fail),
    ):
        pass


def test_a_version_that_is_still_settling_is_waited_for_at_the_start(tmp_path):
    make_version(tmp_path, 1)
    with running_server(settings_for(tmp_path, settle_seconds=0.2)) as server:
        assert server.versions.available() == [1]


@pytest.mark.parametrize("option", ["port", "rest_port"])
def test_a_port_that_is_taken_is_named_with_its_option(tmp_path: Path, option: str) -> None:
    make_version(tmp_path, 1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        sentence = (
            rf"127\.0\.0\.1:{taken} cannot be taken \(Address already in use\): "
            rf"give another --{option.replace('_', '-')}\."
        )
        with (
            pytest.raises(StartError, match=sentence),
            running_server(settings_for(tmp_path, **{option: taken})),
        ):
            pass


def test_two_servers_never_share_a_port(tmp_path):
    make_version(tmp_path, 1)
    with running_server(settings_for(tmp_path)) as server:
        for option, taken in (("port", server.port), ("rest_port", server.rest_port)):
            with (
                pytest.raises(StartError, match="cannot be taken"),
                running_server(settings_for(tmp_path, **{option: taken})),
            ):
                pass


def test_a_host_that_is_not_here_is_refused(tmp_path):
    make_version(tmp_path, 1)
    for host in ("no such host", "192.0.2.1"):
        with (
            pytest.raises(StartError, match=r"give another --(host|port)\."),
            running_server(settings_for(tmp_path, host=host)),
        ):
            pass


def test_the_server_listens_on_ipv6_too(tmp_path):
    make_version(tmp_path, 1)
    with (
        running_server(settings_for(tmp_path, host="::1")) as server,
        grpc.insecure_channel(f"[::1]:{server.port}") as channel,
    ):
        assert Client(channel).health() == SERVING
        rest = http.client.HTTPConnection("::1", server.rest_port, timeout=LONG)
        rest.request("GET", f"/v1/models/{NAME}")
        assert rest.getresponse().status == 200
        rest.close()
