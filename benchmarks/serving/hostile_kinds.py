"""What a hostile request is, and what those to gRPC and those to REST are both made of.

Every request is made from random numbers alone, so that a seed makes the same ones again.
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
"""Bytes of a message, one more than `nmt serve` takes."""


@dataclass(frozen=True)
class GrpcCall:
    """Bytes for a gRPC method."""

    path: str
    content: bytes
    seconds: float = SECONDS


@dataclass(frozen=True)
class HttpRequest:
    """A request to REST whose frame is right."""

    verb: str
    path: str
    body: bytes = b""


@dataclass(frozen=True)
class RawBytes:
    """Bytes for a port, without any protocol around them."""

    is_grpc: bool
    """Whether for the port of gRPC, not that of REST."""
    content: bytes


Request = GrpcCall | HttpRequest | RawBytes


@dataclass(frozen=True)
class Victim:
    """What the requests are about."""

    model: str
    sentences: Sequence[bytes]


Make = Callable[[random.Random, Victim], Request]


@dataclass(frozen=True)
class Kind:
    """Requests that are wrong in the same way."""

    name: str
    share: float
    """How many of them there are in relation to other kinds."""
    allowed: Collection[str]
    """gRPC's status codes, HTTP's as `HTTP 400`, or `CLOSED`."""
    make: Make


def unknown_name(numbers: random.Random) -> str:
    """Returns a name that nothing has."""
    characters = numbers.choices("aä/.\x00 ☃\U0001f600-_", k=numbers.randrange(1, 20))
    return "no " + "".join(characters)


def invalid_texts(numbers: random.Random) -> list[bytes]:
    """Returns texts that are no UTF-8, but for chance."""
    return [b"a " + numbers.randbytes(numbers.randrange(1, 12)) for _ in range(2)]


def mutated(numbers: random.Random, content: bytes) -> bytes:
    """Changes some bytes, and may cut a piece out or double one."""
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
    """Returns what makes random bytes for a port."""

    def make(numbers: random.Random, _: Victim) -> Request:
        return RawBytes(is_grpc, numbers.randbytes(numbers.choice([1, 10, 100, 1000, 100_000])))

    return make
