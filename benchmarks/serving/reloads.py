"""Measures the effect of new versions on clients: failures, mixed-up answers, longer times."""

import asyncio
import contextlib
import itertools
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import grpc

from benchmarks.common.bars import Bar
from benchmarks.common.paragraphs import paragraph
from benchmarks.common.tables import number, table
from benchmarks.common.timings import PERCENTILE_COLUMNS, Call, Percentiles
from benchmarks.serving.calls import (
    SECONDS_OF_REQUEST,
    Answer,
    InProcess,
    converted_rpc_errors,
    open_async_channel,
    predict_request,
    read_answer,
    stub,
)
from benchmarks.serving.process import Endpoint, mebibytes, resources_of
from benchmarks.serving.versions import ModelFolder, Reloader
from serving.protocol.messages import GET_MODEL_STATUS, PREDICT

_POLL_SECONDS = 0.02
_CLIENTS = 8
_SECONDS_OF_REST = 2.0
"""Pause between two reloads, to get requests for comparison."""

Essence = tuple[bytes, tuple[bytes, ...]]
"""The compared part of an answer: its translation and source tokens."""


@dataclass(frozen=True)
class SentRequest:
    """A request sent while versions changed."""

    call: Call
    failure: str = ""
    """gRPC's status code if the request failed."""
    is_own: bool = True
    """Whether the answer belongs to the request's sentence."""


@dataclass(frozen=True)
class Reloads:
    """The result of reloads under load."""

    requests: Sequence[SentRequest]
    loading: Sequence[tuple[float, float]]
    """Start and end of each reload, on the clock of the calls: from the first step of loading the
    version to the end of the version before it."""
    memory: Sequence[int]
    """Resident bytes of the server before the first reload and after each."""

    @property
    def failures(self) -> list[str]:
        """The status codes of the failed requests."""
        return [request.failure for request in self.requests if request.failure]

    @property
    def mixed_up(self) -> int:
        """Number of answers that did not belong to their request's sentence."""
        return sum(not request.is_own for request in self.requests)

    def answered(self, *, while_loading: bool) -> list[float]:
        """Returns the seconds of the answered requests.

        Args:
          while_loading: whether to return requests overlapping a reload, or the others.
        """
        return [
            request.call.seconds
            for request in self.requests
            if not request.failure and request.call.overlaps(self.loading) is while_loading
        ]


def measure_reloads(
    model: InProcess,
    endpoint: Endpoint,
    folder: ModelFolder,
    sentences: Sequence[bytes],
    reloads: int,
    seconds_of_rest: float = _SECONDS_OF_REST,
) -> Reloads:
    """Replaces the version again and again while clients translate.

    Args:
      model: gives the right answers beforehand.
      endpoint: the server.
      folder: the model directory of the server.
      sentences: the sentences, sent one by one, again and again, by each client.
      reloads: number of versions to add.
      seconds_of_rest: pause between two reloads.

    Raises:
      RunFailedError: a version is not loaded.
    """
    expected = {text: _essence(model([text])) for text in sentences}
    return asyncio.run(_measure(endpoint, folder, expected, reloads, seconds_of_rest))


def reload_section(reloads: Reloads) -> str:
    """Writes the result in Markdown."""
    rows = []
    for name, while_loading in (("while a version is loaded", True), ("otherwise", False)):
        if seconds := reloads.answered(while_loading=while_loading):
            rows.append([name, number(len(seconds), 0), *Percentiles.of(seconds).cells()])
    failures = reloads.failures
    named = ", ".join(f"{code} {failures.count(code)}" for code in sorted(set(failures)))
    took = statistics.mean(end - start for start, end in reloads.loading)
    held = ", ".join(map(mebibytes, reloads.memory))
    explanation = paragraph(
        f"{len(reloads.loading)} new versions while {_CLIENTS} clients send one sentence after the",
        f"other: {number(len(reloads.requests), 0)} requests,",
        f"{len(failures)} failed{f' ({named})' if named else ''}, and {reloads.mixed_up} got",
        "another translation or other source tokens than their sentence has in process.",
        "A version is being loaded from when GetModelStatus first says so to the end of the",
        f"version before it, {number(took, 1)} s on average.",
        f"The server held, before and after each: {held}.",
    )
    return f"""\
## New versions under load

{table(["milliseconds", "requests", *PERCENTILE_COLUMNS], rows)}

{explanation}
"""


def reload_bars(reloads: Reloads) -> list[Bar]:
    """Returns the bounds of the result."""
    return [
        Bar("requests that failed while versions changed", len(reloads.failures), 0),
        Bar("answers that were not their sentence's", reloads.mixed_up, 0),
    ]


def _essence(answer: Answer) -> Essence:
    length = int(answer["source_length"][0])
    return answer["translation"][0], tuple(answer["source_tokens"][0][:length])


async def _measure(
    endpoint: Endpoint,
    folder: ModelFolder,
    expected: Mapping[bytes, Essence],
    reloads: int,
    seconds_of_rest: float,
) -> Reloads:
    sent: list[SentRequest] = []
    loading = []
    memory = [resources_of(endpoint.pid).memory]
    async with (
        _translating(endpoint, expected, sent),
        open_async_channel(endpoint) as channel,
    ):
        reloader = Reloader(folder, endpoint.model, stub(channel, GET_MODEL_STATUS), _POLL_SECONDS)
        with converted_rpc_errors():
            for _ in range(reloads):
                await asyncio.sleep(seconds_of_rest)
                await reloader.add()
                start = time.perf_counter()
                await reloader.wait_until_available()
                await reloader.wait_until_alone()
                loading.append((start, time.perf_counter()))
                memory.append(resources_of(endpoint.pid).memory)
            await asyncio.sleep(seconds_of_rest)
    return Reloads(sent, loading, memory)


@contextlib.asynccontextmanager
async def _translating(
    endpoint: Endpoint, expected: Mapping[bytes, Essence], sent: list[SentRequest]
) -> AsyncIterator[None]:
    """Runs clients that translate without pause, and stops them after their last answers."""
    stopped = asyncio.Event()
    apart = len(expected) // _CLIENTS
    clients = [
        asyncio.create_task(_translate(endpoint, expected, client * apart, sent, stopped))
        for client in range(_CLIENTS)
    ]
    try:
        yield
    finally:
        stopped.set()
        await asyncio.gather(*clients)


async def _translate(
    endpoint: Endpoint,
    expected: Mapping[bytes, Essence],
    offset: int,
    sent: list[SentRequest],
    stopped: asyncio.Event,
) -> None:
    """Sends one sentence after the other, starting at an offset, and records the requests."""
    texts = itertools.islice(itertools.cycle(expected), offset, None)
    async with open_async_channel(endpoint) as channel:
        predict = stub(channel, PREDICT)
        for text in texts:
            if stopped.is_set():
                return
            request = predict_request(endpoint.model, [text])
            started = time.perf_counter()
            try:
                reply = await predict(request, timeout=SECONDS_OF_REQUEST)
            except grpc.aio.AioRpcError as error:
                call = Call(started, time.perf_counter())
                sent.append(SentRequest(call, failure=error.code().name))
            else:
                call = Call(started, time.perf_counter())
                is_own = _essence(read_answer(reply)) == expected[text]
                sent.append(SentRequest(call, is_own=is_own))
