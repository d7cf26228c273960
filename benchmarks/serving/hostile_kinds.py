"""Types and helpers for hostile requests, to gRPC and to REST.

Every request depends only on random numbers, so the same seed gives the same requests.
"""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

SECONDS = 30.0
"""The deadline of every request."""
HANGING = "no answer in time"
CLOSED = "closed"
"""The server closed the connection without an answer."""
LARGER_THAN_ALLOWED = (64 << 20) + 1
"""Bytes of a message, one above the limit of `nmt serve`."""


@dataclass(frozen=True)
class GrpcCall:
    """Bytes for a gRPC method."""

    path: str
    content: bytes
    seconds: float = SECONDS


@dataclass(frozen=True)
class HttpRequest:
    """A well-formed HTTP request to REST; its path or body may be wrong."""

    verb: str
    path: str
    body: bytes = b""


@dataclass(frozen=True)
class RawBytes:
    """Bytes sent to a port as they are, without a protocol."""

    is_grpc: bool
    """True for the port of gRPC, False for the port of REST."""
    content: bytes


Request = GrpcCall | HttpRequest | RawBytes


@dataclass(frozen=True)
class Victim:
    """The attacked model, and sentences for requests."""

    model: str
    sentences: Sequence[bytes]


Make = Callable[[random.Random, Victim], Request]


@dataclass(frozen=True)
class Kind:
    """Requests with the same kind of mistake."""

    name: str
    share: float
    """Relative number of these requests among all kinds."""
    allowed: Collection[str]
    """Status codes of gRPC, of HTTP as `HTTP 400`, or `CLOSED`."""
    make: Make


def unknown_name(numbers: random.Random) -> str:
    """Returns a name not in use."""
    characters = numbers.choices("aä/.\x00 ☃\U0001f600-_", k=numbers.randrange(1, 20))
    return "no " + "".join(characters)


def invalid_texts(numbers: random.Random) -> list[bytes]:
    """Returns random texts, almost never valid UTF-8."""
    return [b"a " + numbers.randbytes(numbers.randrange(1, 12)) for _ in range(2)]


def mutated(numbers: random.Random, content: bytes) -> bytes:
    """Changes some bytes, and sometimes removes or doubles a piece."""
    changed = bytearray(content)
    for _ in range(numbers.choice([1, 1, 2, 5])):
        changed[numbers.randrange(len(changed))] = numbers.randrange(256)
    start = numbers.randrange(len(changed))
    end = start + numbers.randrange(8)
    match numbers.randrange(4):
        case 0:
            del changed[start:end]
        case 1:
            changed[start:start] = changed[start:end]
    return bytes(changed)


def raw_bytes(*, is_grpc: bool) -> Make:
    """Returns a maker of random bytes for a port."""

    def make(numbers: random.Random, _: Victim) -> Request:
        return RawBytes(is_grpc, numbers.randbytes(numbers.choice([1, 10, 100, 1000, 100_000])))

    return make
