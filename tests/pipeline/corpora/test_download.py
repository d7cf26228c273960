import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pipeline.corpora.download import ATTEMPTS, Verification, download
from pipeline.errors import RunFailedError, UserError

BODY = bytes(range(256)) * 1_000
ALTERNATIVES = "use something else"


@dataclass
class Behaviour:
    """What the server on this machine does, and what it was asked."""

    body: bytes = BODY
    tag: str = '"one"'
    status: int = 200
    broken_off: list[int] = field(default_factory=list)
    """After how many bytes each of the next answers breaks off."""
    ranges: list[str | None] = field(default_factory=list)


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            behaviour.ranges.append(wanted)
            if behaviour.status != 200:
                self.send_error(behaviour.status)
                return
            start = 0
            if wanted and self.headers.get("If-Range") == behaviour.tag:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start else 200)
            self.send_header("ETag", behaviour.tag)
            self.send_header("Content-Length", str(len(behaviour.body) - start))
            self.end_headers()
            end = behaviour.broken_off.pop(0) if behaviour.broken_off else len(behaviour.body)
            self.wfile.write(behaviour.body[start:end])

        def log_message(self, format: str, *arguments: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/file.bin"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def checksum_of(body: bytes) -> Verification:
    def verify(path: Path) -> str | None:
        right = hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(body).digest()
        return None if right else "wrong checksum"

    return verify


def fetch(url: str, destination: Path, body: bytes = BODY) -> Path:
    return download(url, destination, checksum_of(body), alternatives=ALTERNATIVES, pause_seconds=0)


def test_a_whole_file_arrives_and_nothing_else(tmp_path: Path) -> None:
    with serving(Behaviour()) as url:
        fetch(url, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == BODY
    assert os.listdir(tmp_path) == ["file.bin"]


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    with serving(Behaviour()) as url:
        download(
            url,
            tmp_path / "file.bin",
            checksum_of(BODY),
            alternatives="",
            progress=lambda *values: seen.append(values),
        )
    assert seen[0] == ("Downloading file.bin", 0, len(BODY))
    assert seen[-1] == ("Downloading file.bin", len(BODY), len(BODY))


def test_a_file_that_is_there_is_not_asked_for_again(tmp_path: Path) -> None:
    behaviour = Behaviour()
    with serving(behaviour) as url:
        fetch(url, tmp_path / "file.bin")
        fetch(url, tmp_path / "file.bin")
    assert len(behaviour.ranges) == 1


def test_a_connection_that_breaks_off_is_continued(tmp_path: Path) -> None:
    behaviour = Behaviour(broken_off=[100_000, 200_000])
    with serving(behaviour) as url:
        fetch(url, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == BODY
    assert behaviour.ranges == [None, "bytes=100000-", "bytes=200000-"]


def test_a_later_call_continues_an_earlier_one(tmp_path: Path) -> None:
    behaviour = Behaviour(broken_off=[1_000 * (number + 1) for number in range(ATTEMPTS)])
    with serving(behaviour) as url:
        with pytest.raises(UserError, match=f"broke off after 4000 of {len(BODY)} bytes"):
            fetch(url, tmp_path / "file.bin")
        assert not (tmp_path / "file.bin").exists()
        fetch(url, tmp_path / "file.bin")
    assert behaviour.ranges[-1] == "bytes=4000-"
    assert os.listdir(tmp_path) == ["file.bin"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(tmp_path: Path) -> None:
    with serving(Behaviour(broken_off=[1_000] * ATTEMPTS)) as url, pytest.raises(UserError):
        fetch(url, tmp_path / "file.bin")
    with serving(Behaviour(body=BODY[::-1], tag='"two"')) as url:
        fetch(url, tmp_path / "file.bin", BODY[::-1])
    assert (tmp_path / "file.bin").read_bytes() == BODY[::-1]


def test_a_wrong_start_that_was_continued_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "file.bin.partial").write_bytes(b"x" * 1_000)
    (tmp_path / "file.bin.partial.etag").write_text('"one"', encoding="utf-8")
    behaviour = Behaviour()
    with serving(behaviour) as url:
        fetch(url, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == BODY
    assert behaviour.ranges == ["bytes=1000-", None]


def test_a_wrong_file_is_refused_and_not_kept(tmp_path: Path) -> None:
    behaviour = Behaviour(body=b"<html>")
    with (
        serving(behaviour) as url,
        pytest.raises(UserError, match="not the expected .*wrong checksum.*; use something else"),
    ):
        fetch(url, tmp_path / "file.bin")
    assert os.listdir(tmp_path) == []
    assert len(behaviour.ranges) == 1


def test_a_missing_file_is_not_asked_for_twice(tmp_path: Path) -> None:
    behaviour = Behaviour(status=404)
    with (
        serving(behaviour) as url,
        pytest.raises(UserError, match="answers 404 Not Found; use something else"),
    ):
        fetch(url, tmp_path / "file.bin")
    assert len(behaviour.ranges) == 1
    assert os.listdir(tmp_path) == []


def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    behaviour = Behaviour(status=503)
    with (
        serving(behaviour) as url,
        pytest.raises(UserError, match="Service Unavailable.*; try again with a network"),
    ):
        fetch(url, tmp_path / "file.bin")
    assert len(behaviour.ranges) == ATTEMPTS


def test_no_server_is_a_sentence_with_alternatives(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/file.bin"
        with pytest.raises(UserError, match="refused.*use something else"):
            fetch(url, tmp_path / "file.bin")
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_not_taken_for_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with (
        serving(Behaviour()) as url,
        pytest.raises(RunFailedError, match="No space left on device"),
    ):
        fetch(url, tmp_path / "file.bin")
    assert not (tmp_path / "file.bin").exists()
