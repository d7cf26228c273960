import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from benchmarks.serving import hostile
from benchmarks.serving.calls import open_channel
from benchmarks.serving.hostile import (
    KINDS,
    Hostility,
    apportion,
    attack,
    hostility_bars,
    hostility_section,
    send,
)
from benchmarks.serving.hostile_kinds import CLOSED, HANGING, Kind, RawBytes, Victim
from benchmarks.serving.process import Endpoint, Resources
from pipeline.errors import UserError
from serving.contract.signatures import SERVE_EXAMPLES
from serving.server.loaded_model import LoadedModel
from tests.benchmarks.serving.loopback_server import SENTENCES, load, loopback_server

REQUESTS = 3 * len(KINDS)
HTTP_STATUSES = {"HTTP 200", *(f"HTTP {code}" for code in (400, 404, 405, 413, 421, 501))}


def test_a_server_that_does_everything_right_gives_no_wrong_answer(tmp_path: Path) -> None:
    with loopback_server(tmp_path) as (endpoint, _):
        found = attack(endpoint, SENTENCES, REQUESTS, seed=1)
    wrong = {
        kind.name: set(found.statuses[kind.name]) - set(kind.allowed)
        for kind in KINDS
        if set(found.statuses[kind.name]) - set(kind.allowed)
    }
    assert wrong == {}
    assert (found.requests, found.hanging, found.different, found.ordinary) == (REQUESTS, 0, 0, 8)
    assert len(found.resources) == 11
    assert [bar.is_met for bar in hostility_bars(found)] == [True, True, True]


def test_a_wrong_status_is_counted_where_it_belongs(tmp_path: Path) -> None:
    def load_what_fails(path: str, number: int) -> LoadedModel:
        model = load(path, number)

        def fail(inputs):
            raise RuntimeError("This was not expected.")

        broken = replace(model.signatures[SERVE_EXAMPLES], call=fail)
        return replace(model, signatures={**model.signatures, SERVE_EXAMPLES: broken})

    with loopback_server(tmp_path, load_what_fails) as (endpoint, _):
        found = attack(endpoint, SENTENCES, REQUESTS, seed=1)
    examples = found.statuses["examples that are none"]
    assert found.wrong == examples.total() == examples["INTERNAL"] > 0
    assert not hostility_bars(found)[1].is_met


def test_fewer_requests_than_kinds_are_refused(tmp_path: Path) -> None:
    nowhere = Endpoint("debian", "127.0.0.1", 1, 1, 1)
    with pytest.raises(UserError, match="send at least as many"):
        attack(nowhere, SENTENCES, len(KINDS) - 1, seed=1)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_seed_makes_the_same_requests_again(kind: Kind) -> None:
    victim = Victim("debian", SENTENCES)
    first, again, other = (
        [kind.make(numbers, victim) for _ in range(2)]
        for numbers in (random.Random(1), random.Random(1), random.Random(2))
    )
    assert first == again
    # Requests with too many texts are the same for every seed.
    assert first != other or kind.name == "more texts than a batch holds"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_a_kind_may_get_is_a_status_that_exists_and_no_failure_of_the_server(
    kind: Kind,
) -> None:
    codes = {code.name for code in grpc.StatusCode} - {"INTERNAL", "UNKNOWN", "UNAVAILABLE"}
    assert set(kind.allowed) <= codes | HTTP_STATUSES | {CLOSED}


def test_kinds_have_names_of_their_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("total", [4, 5, 17, 1000])
def test_requests_are_divided_by_shares_and_every_kind_gets_one(total: int) -> None:
    shares = [0.01, 1, 2, 5]
    parts = apportion(shares, total)
    assert sum(parts) == total
    assert min(parts) >= 1
    assert parts == sorted(parts)
    assert all(
        abs(part - 1 - (total - 4) * share / 8.01) < 1
        for part, share in zip(parts, shares, strict=True)
    )


@contextmanager
def _endpoint_that(answers: bytes | None) -> Iterator[Endpoint]:
    """Yields a server that answers and closes, or only listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                if answers is None:
                    ended.wait(60)
                else:
                    connection.recv(100)
                    connection.sendall(answers)

        ended = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Endpoint("debian", "127.0.0.1", port, port, 1)
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404"),
        (b"", CLOSED),
        (b"\x00\x00\x18\x04", CLOSED),
        (None, HANGING),
    ],
)
def test_an_answer_to_raw_bytes_is_a_status_or_an_end(
    answers: bytes | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hostile, "SECONDS", 0.2)
    with _endpoint_that(answers) as endpoint, open_channel(endpoint) as channel:
        assert send(endpoint, channel, RawBytes(False, b"anything")) == expected


def test_the_section_shows_what_was_wrong_and_what_the_server_held() -> None:
    statuses = {kind.name: Counter({str(next(iter(kind.allowed))): 2}) for kind in KINDS}
    statuses["wrong dtype"] = Counter({"INVALID_ARGUMENT": 5, "OK": 1, HANGING: 2})
    sizes = (100, 200, 200, 300, 300, 400, 400, 400, 450, 500, 500)
    found = Hostility(statuses, [Resources(size << 20, 9) for size in sizes], 3, 8, 0)
    assert (found.wrong, found.hanging, found.late_growth) == (3, 2, 0.25)
    text = hostility_section(found)
    (row,) = (line for line in text.splitlines() if line.startswith("| wrong dtype "))
    assert [cell.strip() for cell in row.split("|")[2:-1]] == [
        "INVALID_ARGUMENT 5, no answer in time 2, OK 1",
        "8",
        "3",
    ]
    assert "| 50 %          | 400 MiB |          9 |" in text
