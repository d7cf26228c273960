"""A page in a browser of this machine can ask neither by its name nor by a foreign one."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.http.host_names import host_name
from serving.server.rest import METRICS_PATH
from tests.serving.server.fake_model import LONG, NAME, make_version, running_server, settings_for


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder: Path = tmp_path_factory.mktemp("models")
    make_version(folder, 1)
    allowed = frozenset({"nmt.example"})
    with running_server(settings_for(folder, allowed_hosts=allowed)) as server:
        yield server.rest_port


def _status(port: int, headers: dict[str, str], path: str = f"/v1/models/{NAME}:predict") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
    try:
        is_read = path == METRICS_PATH
        body = None if is_read else b'{"instances": ["a"]}'
        connection.request("GET" if is_read else "POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("path", [f"/v1/models/{NAME}:predict", METRICS_PATH])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8501"}, 200),
        ({"Host": "[::1]:8501"}, 200),
        ({"Host": "NMT.example"}, 200),
        ({"Host": "localhost:8501", "Origin": "http://localhost:8501"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 421),
        ({"Host": "localhost:8501", "Origin": "http://evil.example"}, 403),
        ({"Host": "localhost:8501", "Origin": "http://localhost:3000"}, 403),
        ({"Host": "localhost:8501", "Origin": "null"}, 403),
    ],
)
def test_foreign_pages_are_refused(
    port: int, path: str, headers: dict[str, str], status: int
) -> None:
    assert _status(port, headers, path) == status


@pytest.mark.parametrize(
    ("header", "name"),
    [("A.example:80", "a.example"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("a.", "a"), ("", "")],
)
def test_the_name_is_read_from_the_header(header: str, name: str) -> None:
    assert host_name(header) == name
