"""What clients notice of new versions: failed requests, foreign answers, longer times."""

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
"""Between two reloads, so that there are requests to compare with."""

Essence = tuple[bytes, tuple[bytes, ...]]
"""Of an answer: its translation and its source tokens."""


@dataclass(frozen=True)
class SentRequest:
    """A request that was sent while versions came and went."""

    call: Call
    failure: str = ""
    """gRPC's status code, if it failed."""
    is_own: bool = True
    """Whether the answer is that of its sentence."""


@dataclass(frozen=True)
class Reloads:
    """What came of reloads under load."""

    asked: Sequence[SentRequest]
    loading: Sequence[tuple[float, float]]
    """When each version was loaded, from its first step to the end of the version before it, by the
    clock of the calls."""
    memory: Sequence[int]
    """Resident bytes of the server before the first reload and after each."""

    @property
    def failures(self) -> list[str]:
        """The status codes of the requests that failed."""
        return [asked.failure for asked in self.asked if asked.failure]

    @property
    def mixed_up(self) -> int:
        """How many answers were not those of their sentences."""
        return sum(not asked.is_own for asked in self.asked)

    def answered(self, *, while_loading: bool) -> list[float]:
        """Returns the seconds of the requests that were answered beside a version that was being
        loaded, or of the others."""
        return [
            asked.call.seconds
            for asked in self.asked
            if not asked.failure and asked.call.overlaps(self.loading) is while_loading
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
      model: says beforehand what the right answers are.
      endpoint: the server.
      folder: of the server.
      sentences: that each client sends one by one; they go round.
      reloads: how many versions to add.
      seconds_of_rest: between two of them.

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
        f"other: {number(len(reloads.asked), 0)} requests,",
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
    """Returns what the result must keep."""
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
    asked: list[SentRequest] = []
    loading = []
    memory = [resources_of(endpoint.pid).memory]
    async with (
        _translating(endpoint, expected, asked),
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
    return Reloads(asked, loading, memory)


@contextlib.asynccontextmanager
async def _translating(
    endpoint: Endpoint, expected: Mapping[bytes, Essence], asked: list[SentRequest]
) -> AsyncIterator[None]:
    """Lets clients translate without pause, and stops them when they have their last answers."""
    stopped = asyncio.Event()
    apart = len(expected) // _CLIENTS
    clients = [
        asyncio.create_task(_translate(endpoint, expected, client * apart, asked, stopped))
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
    asked: list[SentRequest],
    stopped: asyncio.Event,
) -> None:
    """Sends one sentence after the other, beginning at an offset, and notes what it gets."""
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
                asked.append(SentRequest(call, failure=error.code().name))
            else:
                call = Call(started, time.perf_counter())
                asked.append(
                    SentRequest(call, is_own=_essence(read_answer(reply)) == expected[text])
                )
