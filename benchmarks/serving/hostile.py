"""Sends hostile requests to a server and counts the statuses of its answers."""

import contextlib
import http.client
import random
import re
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc

from benchmarks.common.bars import Bar
from benchmarks.common.paragraphs import paragraph
from benchmarks.common.tables import number, percent, table
from benchmarks.serving.calls import (
    Answer,
    converted_rpc_errors,
    open_channel,
    predict_request,
    read_answer,
    same_answers,
    stub,
)
from benchmarks.serving.hostile_grpc import GRPC_KINDS
from benchmarks.serving.hostile_kinds import (
    CLOSED,
    HANGING,
    SECONDS,
    GrpcCall,
    HttpRequest,
    Kind,
    RawBytes,
    Request,
    Victim,
)
from benchmarks.serving.hostile_rest import REST_KINDS
from benchmarks.serving.process import Endpoint, Resources, mebibytes, resources_of
from pipeline.errors import UserError
from serving.protocol.messages import PREDICT

KINDS: Sequence[Kind] = (*GRPC_KINDS, *REST_KINDS)
_AT_ONCE = 4
_PARTS = 10
"""Number of parts of the attack; the server's resources are read at the start and after each."""
_ORDINARY = 8
"""Number of sentences translated before and after the attack; both answers must be equal."""
_SECONDS_TO_LISTEN = 0.05
"""Time for an answer to raw bytes before the client closes its side of the connection."""
_READ_SIZE = 1 << 16
_HTTP_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")


@dataclass(frozen=True)
class Hostility:
    """A server's reaction to hostile requests."""

    statuses: Mapping[str, Counter[str]]
    """Number of answers with each status, by the name of the kind."""
    resources: Sequence[Resources]
    """Before the requests and after each tenth of them, the last tenth included."""
    exceptions: int
    """Number of unexpected exceptions in the server's log."""
    ordinary: int
    """Number of sentences translated before and after the requests."""
    different: int
    """Number of these sentences with different answers before and after."""

    @property
    def requests(self) -> int:
        """Number of requests."""
        return sum(counts.total() for counts in self.statuses.values())

    @property
    def late_growth(self) -> float:
        """Growth of the server's memory over the second half of the requests, as a share."""
        return self.resources[-1].memory / self.resources[_PARTS // 2].memory - 1

    @property
    def hanging(self) -> int:
        """Number of requests not answered in time."""
        return sum(counts[HANGING] for counts in self.statuses.values())

    @property
    def wrong(self) -> int:
        """Number of requests answered with a status not allowed for their kind."""
        return sum(_wrong(kind, self.statuses[kind.name]) for kind in KINDS)


def attack(
    endpoint: Endpoint,
    sentences: Sequence[bytes],
    requests: int,
    seed: int,
    logged_exceptions: Callable[[], int] = lambda: 0,
) -> Hostility:
    """Sends hostile requests of every kind in random order, several at a time.

    Args:
      endpoint: the server.
      sentences: material for the requests.
      requests: number of requests, at least one of each kind.
      seed: seed of the requests and their order.
      logged_exceptions: returns the number of unexpected exceptions in the server's log.

    Raises:
      UserError: there are fewer requests than kinds.
      RunFailedError: the server has ended, or fails an ordinary request before or after.
    """
    if requests < len(KINDS):
        raise UserError(f"There are {len(KINDS)} kinds of hostile requests: send at least as many.")
    victim = Victim(endpoint.model, sentences)
    counts = apportion([kind.share for kind in KINDS], requests)
    order = [kind for kind, count in zip(KINDS, counts, strict=True) for _ in range(count)]
    random.Random(seed).shuffle(order)
    statuses: dict[str, Counter[str]] = {kind.name: Counter() for kind in KINDS}
    with open_channel(endpoint) as channel, ThreadPoolExecutor(_AT_ONCE) as pool:

        def send_one(position: int) -> str:
            # Made here to save memory, and from its own seed to be independent of the threads.
            numbers = random.Random(f"{seed} {position}")
            return send(endpoint, channel, order[position].make(numbers, victim))

        before = _ordinary_answers(endpoint, sentences[:_ORDINARY])
        resources = [resources_of(endpoint.pid)]
        for part in range(_PARTS):
            positions = range(part * requests // _PARTS, (part + 1) * requests // _PARTS)
            for position, status in zip(positions, pool.map(send_one, positions), strict=True):
                statuses[order[position].name][status] += 1
            resources.append(resources_of(endpoint.pid))
        after = _ordinary_answers(endpoint, sentences[:_ORDINARY])
    different = sum(not same_answers(*pair) for pair in zip(before, after, strict=True))
    return Hostility(statuses, resources, logged_exceptions(), len(before), different)


def apportion(shares: Sequence[float], total: int) -> list[int]:
    """Divides a number by shares: each gets at least 1, and the rest goes by largest remainders.

    Args:
      shares: positive numbers.
      total: at least the number of shares.
    """
    spare = total - len(shares)
    quotas = [spare * share / sum(shares) for share in shares]
    parts = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(shares)), key=lambda i: parts[i] - quotas[i])
    for position in by_remainder[: spare - sum(parts)]:
        parts[position] += 1
    return [1 + part for part in parts]


def send(endpoint: Endpoint, channel: grpc.Channel, request: Request) -> str:
    """Sends a request and returns the status of its answer, as in `Kind.allowed`."""
    match request:
        case GrpcCall():
            return _call_grpc(channel, request)
        case HttpRequest():
            return _send_http(endpoint, request)
        case RawBytes():
            port = endpoint.port if request.is_grpc else endpoint.rest_port
            return _send_raw_bytes(endpoint.host, port, request.content)


def hostility_section(hostility: Hostility) -> str:
    """Writes the result in Markdown."""
    rows = []
    for kind in KINDS:
        counts = hostility.statuses[kind.name]
        answers = ", ".join(f"{status} {count}" for status, count in counts.most_common())
        wrong = _wrong(kind, counts)
        rows.append([kind.name, answers, number(counts.total(), 0), number(wrong, 0)])
    held = [
        [f"{100 * part // _PARTS} %", mebibytes(each.memory), number(each.files, 0)]
        for part, each in enumerate(hostility.resources)
    ]
    explanation = paragraph(
        "An answer is wrong if its status is none that its kind may get",
        "(`benchmarks/serving/hostile_grpc.py`, `benchmarks/serving/hostile_rest.py`).",
        f"{_AT_ONCE} requests at a time, each with {SECONDS:g} s to be answered.",
        f'"{CLOSED}" is a connection that the server ended without an answer of HTTP.',
        f"The server logged {hostility.exceptions} exceptions that it had not expected.",
        f"The same {hostility.ordinary} sentences were asked before and after, and",
        f"{hostility.different} of them answered otherwise.",
    )
    return f"""\
## Hostile requests

{table(["kind", "answers", "requests", "wrong"], rows)}

{explanation}

{table(["requests sent", "memory", "open files"], held)}

Memory is what the server's process has resident; over the second half of the requests it changed
by {percent(hostility.late_growth)}.
"""


def hostility_bars(hostility: Hostility) -> list[Bar]:
    """Returns the bounds of the result."""
    return [
        Bar("hostile requests without an answer in time", hostility.hanging, 0),
        Bar("hostile requests with a wrong status", hostility.wrong, 0),
        Bar("sentences answered otherwise after them", hostility.different, 0),
    ]


def _wrong(kind: Kind, counts: Counter[str]) -> int:
    return sum(count for status, count in counts.items() if status not in kind.allowed)


def _ordinary_answers(endpoint: Endpoint, sentences: Sequence[bytes]) -> list[Answer]:
    # On a separate connection, as another client.
    with open_channel(endpoint) as channel, converted_rpc_errors():
        predict = stub(channel, PREDICT)
        return [
            read_answer(predict(predict_request(endpoint.model, [text]), timeout=SECONDS))
            for text in sentences
        ]


def _call_grpc(channel: grpc.Channel, request: GrpcCall) -> str:
    try:
        channel.unary_unary(request.path)(request.content, timeout=request.seconds)
    except grpc.RpcError as error:
        code = error.code()
        is_late = code is grpc.StatusCode.DEADLINE_EXCEEDED and request.seconds == SECONDS
        return HANGING if is_late else code.name
    return grpc.StatusCode.OK.name


def _send_http(endpoint: Endpoint, request: HttpRequest) -> str:
    connection = http.client.HTTPConnection(endpoint.host, endpoint.rest_port, timeout=SECONDS)
    try:
        # The server may answer and close the connection before it has read the whole request.
        with contextlib.suppress(ConnectionError):
            connection.request(request.verb, request.path, request.body)
        response = connection.getresponse()
        response.read()
        return f"HTTP {response.status}"
    except TimeoutError:
        return HANGING
    except (http.client.HTTPException, ConnectionError):
        return CLOSED
    finally:
        connection.close()


def _send_raw_bytes(host: str, port: int, content: bytes) -> str:
    """Sends bytes, closes the sending side soon after, and reads until the server closes."""
    received = b""
    end = time.monotonic() + SECONDS
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as connection:
            connection.sendall(content)
            if select.select([connection], [], [], _SECONDS_TO_LISTEN)[0]:
                received = connection.recv(_READ_SIZE)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(_READ_SIZE):
                received += part
                if time.monotonic() > end:
                    return HANGING
    except TimeoutError:
        return HANGING
    except OSError:  # the server closed the connection while this client was sending
        pass
    found = _HTTP_STATUS.match(received)
    return f"HTTP {found[1].decode()}" if found else CLOSED
