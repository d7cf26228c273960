"""Measures the time of the first request to a new version."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.common.bars import Bar
from benchmarks.common.paragraphs import paragraph
from benchmarks.common.tables import number, table
from benchmarks.common.timings import milliseconds
from benchmarks.serving.calls import (
    SECONDS_OF_REQUEST,
    converted_rpc_errors,
    open_async_channel,
    predict_request,
    stub,
)
from benchmarks.serving.process import Endpoint
from benchmarks.serving.versions import ModelFolder, Reloader
from pipeline.errors import RunFailedError
from serving.protocol.messages import GET_MODEL_STATUS, PREDICT

_POLL_SECONDS = 0.002
_LATER_REQUESTS = 50
_MOST_TIMES_SLOWER = 3.0


@dataclass(frozen=True)
class FirstRequest:
    """Seconds of the first request to a new version, and of later ones with the same sentence."""

    first: float
    later: Sequence[float]

    @property
    def usual(self) -> float:
        """Median of the later requests."""
        return statistics.median(self.later)

    @property
    def ratio(self) -> float:
        """Time of the first request, divided by the usual time."""
        return self.first / self.usual


def measure_first_requests(
    endpoint: Endpoint,
    folder: ModelFolder,
    sentences: Sequence[bytes],
    reloads: int,
    later_requests: int = _LATER_REQUESTS,
) -> list[FirstRequest]:
    """Sends a request as soon as a new version is available, over a connection already in use.

    Args:
      endpoint: the server.
      folder: the model directory of the server.
      sentences: one for each reload, repeated if there are too few.
      reloads: number of versions to add.
      later_requests: number of later requests, for comparison.

    Raises:
      RunFailedError: a version is not loaded, or the server fails a request.
    """
    return asyncio.run(_measure(endpoint, folder, sentences, reloads, later_requests))


def first_request_section(found: Sequence[FirstRequest]) -> str:
    """Writes the result in Markdown."""
    pause = f"{1000 * _POLL_SECONDS:g}"
    rows = [
        [str(position), milliseconds(each.first), milliseconds(each.usual), number(each.ratio)]
        for position, each in enumerate(found, start=1)
    ]
    explanation = paragraph(
        f"A request is sent as soon as GetModelStatus, asked every {pause} ms, says AVAILABLE,",
        "over the same connection, while the version before is being retired.",
        f"{len(found[0].later)} requests of the same sentence follow when that has ended.",
        "Each new version gets another sentence.",
    )
    return f"""\
## The first request to a new version

{table(["new version", "first, ms", "median after it, ms", "ratio"], rows)}

{explanation}
"""


def first_request_bars(found: Sequence[FirstRequest]) -> list[Bar]:
    """Returns the bounds of the result."""
    return [
        Bar(
            "first request to a version over the median after it, worst",
            max(each.ratio for each in found),
            _MOST_TIMES_SLOWER,
            decimals=2,
        )
    ]


async def _measure(
    endpoint: Endpoint,
    folder: ModelFolder,
    sentences: Sequence[bytes],
    reloads: int,
    later_requests: int,
) -> list[FirstRequest]:
    found = []
    async with open_async_channel(endpoint) as channel:
        predict = stub(channel, PREDICT)
        reloader = Reloader(folder, endpoint.model, stub(channel, GET_MODEL_STATUS), _POLL_SECONDS)

        async def seconds(request: Any) -> float:
            started = time.perf_counter()
            reply = await predict(request, timeout=SECONDS_OF_REQUEST)
            ended = time.perf_counter()
            if (version := reply.model_spec.version.value) != reloader.newest:
                raise RunFailedError(
                    f"Version {version} answered, and {reloader.newest} was said to be available."
                )
            return ended - started

        with converted_rpc_errors():
            for position in range(reloads):
                request = predict_request(endpoint.model, [sentences[position % len(sentences)]])
                await reloader.add()
                await reloader.wait_until_available()
                first = await seconds(request)
                await reloader.wait_until_alone()
                later = [await seconds(request) for _ in range(later_requests)]
                found.append(FirstRequest(first, later))
    return found
