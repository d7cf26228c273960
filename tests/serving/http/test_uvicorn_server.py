"""Slow, unfinished, many and large requests over HTTP, against a real server."""

import asyncio
import http.client
import resource
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from serving.http.uvicorn_server import HttpLimits, UvicornServer
from tests.serving.server.fake_model import LONG, wait_for

LARGE = 1 << 20
SHORT = HttpLimits(connections=4, header_seconds=0.3, transfer_seconds=0.6, body_memory=2 * LARGE)
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
MORE_THAN_A_SOCKET_HOLDS = 64 << 20


async def _application(scope, receive, send) -> None:
    """Answers with the length of the body, or with a long text to GET."""
    request = Request(scope, receive)
    if request.method == "GET":
        answer: Response = PlainTextResponse(b"x" * MORE_THAN_A_SOCKET_HOLDS)
    else:
        answer = PlainTextResponse(str(len(await request.body())))
    await answer(scope, receive, send)


@contextmanager
def _server(limits: HttpLimits = SHORT) -> Iterator[tuple[UvicornServer, int]]:
    server = UvicornServer(_application, limits)
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        life = pool.submit(lambda: asyncio.run(server.serve(sockets=[listening])))
        wait_for(lambda: server.started)
        try:
            yield server, listening.getsockname()[1]
        finally:
            server.should_exit = True
            life.result(LONG)


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=LONG)


def _answer(client: socket.socket) -> bytes:
    """Reads until the server closes the connection, and returns the status line."""
    content = b""
    try:
        while part := client.recv(1 << 16):
            content += part
    except ConnectionResetError:
        pass
    return content.partition(b"\r\n")[0]


def _status(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
    try:
        connection.request("POST", "/", b"a")
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    "sent", [b"", b"POST / HTTP/1.1\r\nHost: loc", POST % 100, POST % 100 + b"half"]
)
def test_a_request_that_does_not_end_is_ended(sent: bytes) -> None:
    with _server() as (server, port), _connect(port) as client:
        client.sendall(sent)
        assert _answer(client) == b"HTTP/1.1 408 Request Timeout"
        wait_for(lambda: not server.server_state.connections)
        wait_for(lambda: not server.server_state.tasks)


def test_the_time_is_for_each_request_of_a_connection() -> None:
    with _server() as (_, port), _connect(port) as client:
        for _ in range(2):
            client.sendall(POST % 1 + b"a")
            content = b""
            while not content.endswith(b"\r\n\r\n1"):
                content += client.recv(1 << 16)
        client.sendall(b"POST / HT")
        assert _answer(client) == b"HTTP/1.1 408 Request Timeout"


def test_drops_of_a_header_do_not_prolong_its_time() -> None:
    with _server() as (_, port), _connect(port) as client:
        client.settimeout(0.05)
        status = b""
        for _ in range(200):
            try:
                client.sendall(b"G")
                status += client.recv(1 << 16)
            except TimeoutError:
                continue
            except OSError:
                break
        assert status.startswith(b"HTTP/1.1 408")


def test_a_client_that_takes_no_answer_is_left() -> None:
    with _server() as (server, port), _connect(port) as client:
        client.sendall(GET)
        wait_for(lambda: len(server.server_state.connections) == 1)
        wait_for(lambda: not server.server_state.connections)


def test_connections_above_the_limit_are_refused_at_once_and_others_go_on() -> None:
    with _server(HttpLimits(connections=4, header_seconds=LONG)) as (server, port):
        with ExitStack() as half_open:
            first, *_ = [half_open.enter_context(_connect(port)) for _ in range(4)]
            wait_for(lambda: len(server.server_state.connections) == 4)
            for _ in range(20):
                with _connect(port) as refused:
                    assert _answer(refused) == b"HTTP/1.1 503 Service Unavailable"
            first.sendall(POST % 1 + b"a")
            assert first.recv(1 << 16).startswith(b"HTTP/1.1 200")
        wait_for(lambda: not server.server_state.connections)
        assert _status(port) == 200


def test_refused_connections_write_one_line_a_second(caplog: pytest.LogCaptureFixture) -> None:
    time.sleep(1.1)  # other tests may just have written this line
    with _server(HttpLimits(connections=0)) as (_, port):
        for _ in range(50):
            with _connect(port) as refused:
                assert _answer(refused) == b"HTTP/1.1 503 Service Unavailable"
    lines = [record for record in caplog.records if "are refused" in record.getMessage()]
    assert 1 <= len(lines) <= 3


def test_a_server_without_descriptors_writes_one_line_a_second_and_recovers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with _server() as (_, port):
        with ExitStack() as clients:
            sockets = [clients.enter_context(socket.socket()) for _ in range(100)]
            most = max(client.fileno() for client in sockets) + 1
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            try:
                for client in sockets:
                    client.setblocking(False)
                    client.connect_ex(("127.0.0.1", port))
                wait_for(lambda: bool(caplog.records))
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        wait_for(lambda: _status(port) == 200)
    lines = [each for each in caplog.records if "out of system resource" in each.getMessage()]
    assert 1 <= len(lines) <= 3
