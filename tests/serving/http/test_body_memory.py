"""The memory for bodies is bounded over all requests, and small ones pass beside large ones."""

import http.client
from contextlib import ExitStack
from pathlib import Path

from tests.serving.server.fake_model import LONG, NAME, make_version, running_server, settings_for

PATH = f"/v1/models/{NAME}:predict"
SMALL = b'{"instances": ["a"]}'
MOST = 4 << 20


def _connection(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)


def _status(port: int, body: bytes) -> int:
    connection = _connection(port)
    try:
        connection.request("POST", PATH, body)
        return connection.getresponse().status
    finally:
        connection.close()


def test_unfinished_bodies_together_hold_no_more_than_the_limit(tmp_path: Path) -> None:
    make_version(tmp_path, 1)
    settings = settings_for(tmp_path, max_message_bytes=MOST)
    large = b'{"instances": ["' + b"a" * (MOST // 2) + b'"]}'
    with running_server(settings) as server:
        with ExitStack() as unfinished:
            for _ in range(3):
                connection = _connection(server.rest_port)
                unfinished.callback(connection.close)
                connection.putrequest("POST", PATH)
                connection.putheader("Content-Length", str(MOST))
                connection.endheaders()
                connection.send(b"a" * (MOST // 3 - 1000))
            assert _status(server.rest_port, large) == 503
            assert _status(server.rest_port, SMALL) == 200
        for _ in range(200):
            if (status := _status(server.rest_port, large)) == 200:
                break
        assert status == 200  # their memory is free again


def test_texts_beyond_the_limit_are_counted_before_they_are_read(tmp_path: Path) -> None:
    make_version(tmp_path, 1)
    with running_server(settings_for(tmp_path)) as server:
        for texts in (b"[" + b"5," * 99 + b"5]", b'{"text": [' + b"5," * 99 + b"5]}"):
            key = b"instances" if texts[:1] == b"[" else b"inputs"
            connection = _connection(server.rest_port)
            connection.request("POST", PATH, b'{"%b": %b}' % (key, texts))
            answer = connection.getresponse().read()
            connection.close()
            assert b"Task size 100 is larger than maximum input batch size 32" in answer
