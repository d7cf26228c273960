"""Measures whether the server's memory grows: mixed requests and new versions for a long time.

A leak shows in the memory in use. Resident memory, which has freed pieces besides, is reported too.
"""

import asyncio
import http.client
import itertools
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import grpc
import numpy as np

from benchmarks.common.bars import Bar
from benchmarks.common.paragraphs import paragraph
from benchmarks.common.tables import number, table
from benchmarks.serving.calls import (
    SECONDS_OF_REQUEST,
    InProcess,
    converted_rpc_errors,
    open_async_channel,
    predict_request,
    read_answer,
    stub,
)
from benchmarks.serving.process import Endpoint, mebibytes, memory_in_use, resources_of
from benchmarks.serving.versions import ModelFolder, Reloader
from serving.contract.signatures import N_BEST, SERVING_DEFAULT
from serving.protocol.messages import GET_MODEL_STATUS, PREDICT

_BATCH_SIZES = (1, 8, 32)
_REST = "REST"
_SECONDS_BETWEEN_SAMPLES = 2.0
_POLL_SECONDS = 0.1
_WINDOWS = 30
"""Number of equal parts of the measurement; the least memory of each counts."""
_WARM_UP = 1 / 3
"""Share of the windows before the slope counts: new lengths of text still trace new shapes."""
_MOST_GROWTH = 10.0
"""Mebibytes an hour."""

Expected = Mapping[bytes, bytes]
"""The translation of each sentence, made in process."""


Kind = Literal["in_use", "resident"]
"""A field of a sample."""


class Sample(NamedTuple):
    """The memory of the server at one moment."""

    seconds: float
    """Since the start."""
    in_use: int
    """Bytes."""
    resident: int


@dataclass(frozen=True)
class Soak:
    """The result of mixed requests for a long time."""

    seconds: float
    reloads: int
    answered: Counter[str] = field(default_factory=Counter)
    """Number of right answers, by the kind of the request."""
    failed: Counter[str] = field(default_factory=Counter)
    """Number of failed requests, by the kind of the request and its status."""
    mixed_up: Counter[str] = field(default_factory=Counter)
    """Number of answers of another sentence, by the kind of the request."""
    memory: list[Sample] = field(default_factory=list)

    def minima(self, kind: Kind) -> list[tuple[float, int]]:
        """Returns the seconds and the bytes of the least memory of each window.

        Reloads and large requests need memory for a moment; what stays is between them.
        """
        size = self.seconds / _WINDOWS
        samples = [(each.seconds, getattr(each, kind)) for each in self.memory]
        windows = itertools.groupby(samples, lambda sample: int(sample[0] / size))
        return [min(window, key=lambda sample: sample[1]) for _, window in windows]

    def growth(self, kind: Kind) -> float:
        """Returns the slope of the least-squares line through the minima, in mebibytes an hour."""
        minima = self.minima(kind)
        after = minima[int(len(minima) * _WARM_UP) :]
        line = statistics.linear_regression(*zip(*after, strict=True))
        return line.slope * 3600 / (1 << 20)


def measure_soak(
    model: InProcess,
    endpoint: Endpoint,
    folder: ModelFolder,
    sentences: Sequence[bytes],
    seconds: float,
    reloads: int,
) -> Soak:
    """Sends requests of several kinds while versions change, and reads the server's memory.

    Args:
      model: gives the right answers beforehand.
      endpoint: the server.
      folder: the model directory of the server.
      sentences: the sentences, sent again and again.
      seconds: duration.
      reloads: number of versions to add, at equal distances.

    Raises:
      RunFailedError: a version is not loaded, or the server ends.
    """
    expected = {text: bytes(model([text])["translation"][0]) for text in dict.fromkeys(sentences)}
    soak = Soak(seconds, reloads)
    asyncio.run(_soak(endpoint, folder, expected, soak))
    return soak


def soak_section(soak: Soak) -> str:
    """Writes the result in Markdown."""
    kinds = sorted(soak.answered | soak.failed | soak.mixed_up)
    rows = [
        [kind, *(number(counts[kind], 0) for counts in (soak.answered, soak.failed, soak.mixed_up))]
        for kind in kinds
    ]
    kinds_of_memory: tuple[Kind, ...] = ("in_use", "resident")
    memory = []
    for kind in kinds_of_memory:
        minima = [each for _, each in soak.minima(kind)]
        shown = (minima[0], minima[int(len(minima) * _WARM_UP)], minima[-1])
        rise = f"{number(soak.growth(kind), 1)} MiB"
        memory.append([kind.replace("_", " "), *map(mebibytes, shown), rise])
    explanation = paragraph(
        f"{number(soak.seconds / 60, 0)} minutes with {soak.reloads} new versions, in {_WINDOWS}",
        "equal parts, of which the least memory counts. The rise is that of the line through those",
        "after the first third. Resident memory has freed pieces besides what is in use.",
    )
    return f"""\
## Long use

{table(["requests", "right", "failed", "another's answer"], rows)}

{table(["memory", "first part", "after a third", "last part", "rise in an hour"], memory)}

{explanation}
"""


def soak_bars(soak: Soak) -> list[Bar]:
    """Returns the bounds of the result."""
    return [
        Bar("requests that failed in long use", soak.failed.total(), 0),
        Bar("answers of another sentence in long use", soak.mixed_up.total(), 0),
        Bar(
            "growth of memory in use, in long use",
            soak.growth("in_use"),
            *(_MOST_GROWTH, "MiB/h"),
            decimals=1,
        ),
    ]


async def _soak(endpoint: Endpoint, folder: ModelFolder, expected: Expected, soak: Soak) -> None:
    start = time.monotonic()

    def runs() -> bool:
        return time.monotonic() < start + soak.seconds

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_reload(endpoint, folder, soak.seconds, soak.reloads))
        for signature, size in itertools.product((SERVING_DEFAULT, N_BEST), _BATCH_SIZES):
            tasks.create_task(_send(endpoint, expected, soak, signature, size, runs))
        tasks.create_task(_send_rest(endpoint, expected, soak, runs))
        while runs():
            in_use = await asyncio.to_thread(memory_in_use, endpoint)
            resident = resources_of(endpoint.pid).memory
            soak.memory.append(Sample(time.monotonic() - start, in_use, resident))
            await asyncio.sleep(min(_SECONDS_BETWEEN_SAMPLES, soak.seconds / _WINDOWS / 4))


async def _reload(endpoint: Endpoint, folder: ModelFolder, seconds: float, reloads: int) -> None:
    async with open_async_channel(endpoint) as channel:
        reloader = Reloader(folder, endpoint.model, stub(channel, GET_MODEL_STATUS), _POLL_SECONDS)
        with converted_rpc_errors():
            for _ in range(reloads):
                await asyncio.sleep(seconds / (reloads + 1))
                await reloader.add()
                await reloader.wait_until_available()


async def _send(
    endpoint: Endpoint,
    expected: Expected,
    soak: Soak,
    signature: str,
    size: int,
    runs: Callable[[], bool],
) -> None:
    """Sends batches of a size to a signature, one after the other."""
    kind = f"{signature}, {size}"
    texts = itertools.cycle(expected)
    async with open_async_channel(endpoint) as channel:
        predict = stub(channel, PREDICT)
        while runs():
            batch = list(itertools.islice(texts, size))
            try:
                reply = await predict(
                    predict_request(endpoint.model, batch, signature), timeout=SECONDS_OF_REQUEST
                )
            except grpc.aio.AioRpcError as error:
                soak.failed[f"{kind}: {error.code().name}"] += 1
            else:
                found = read_answer(reply)["translation"].reshape(size, -1)[:, 0]
                _count(soak, kind, np.array_equal(found, [expected[text] for text in batch]))


async def _send_rest(
    endpoint: Endpoint,
    expected: Expected,
    soak: Soak,
    runs: Callable[[], bool],
) -> None:
    """Sends single sentences over REST, each on a connection of its own."""
    texts = itertools.cycle(expected)
    while runs():
        text = next(texts)
        status, body = await asyncio.to_thread(_post, endpoint, text)
        if status == 200:
            found = json.loads(body)["predictions"][0]["translation"]
            _count(soak, _REST, found.encode("utf-8") == expected[text])
        else:
            soak.failed[f"{_REST}: {status}"] += 1


def _post(endpoint: Endpoint, text: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(
        endpoint.host, endpoint.rest_port, timeout=SECONDS_OF_REQUEST
    )
    try:
        body = json.dumps({"instances": [text.decode("utf-8")]})
        path = f"/v1/models/{endpoint.model}:predict"
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def _count(soak: Soak, kind: str, is_right: bool) -> None:
    (soak.answered if is_right else soak.mixed_up)[kind] += 1
