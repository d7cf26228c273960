"""Measures sentences per second for several sizes of requests and numbers of clients."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass

from benchmarks.common.bars import Bar
from benchmarks.common.paragraphs import paragraph
from benchmarks.common.tables import number, percent, table
from benchmarks.common.timings import PERCENTILE_COLUMNS, Call, Percentiles, ended_within
from benchmarks.serving.calls import (
    SECONDS_OF_REQUEST,
    InProcess,
    converted_rpc_errors,
    open_async_channel,
    predict_request,
)
from benchmarks.serving.process import Endpoint
from pipeline.errors import UserError
from serving.protocol.messages import PREDICT

BATCH_SIZES = (1, 8, 32)
CLIENTS = (1, 4, 16)
_LEAST_GAIN = 4.0
"""Smallest throughput of the most clients in `CLIENTS`, relative to one client's."""
_WARM_UP = 0.5
"""As a share of the measured time."""


@dataclass(frozen=True)
class Setting:
    """A number of clients, each sending one request after the other."""

    batch_size: int
    clients: int


SETTINGS = tuple(Setting(size, clients) for size in BATCH_SIZES for clients in CLIENTS)


@dataclass(frozen=True)
class Load:
    """The result of a setting in one round."""

    calls: Sequence[Call]
    """The calls that ended during the measurement."""
    sentences_per_second: float
    client_share: float
    """Share of one core used by this process: its clients and, in process, the model."""


@dataclass(frozen=True)
class Round:
    """The results of a setting, in process and over gRPC."""

    in_process: Load
    over_grpc: Load


Loads = dict[Setting, list[Round]]


def measure_loads(
    model: InProcess,
    endpoint: Endpoint,
    sentences: Sequence[bytes],
    *,
    seconds: float,
    rounds: int,
    settings: Sequence[Setting] = SETTINGS,
) -> Loads:
    """Measures each setting in process and over gRPC, never both at the same time.

    Args:
      model: called by one thread for each client.
      endpoint: called over one connection for each client.
      sentences: the sentences, sent again and again.
      seconds: duration of each measurement, after the time to warm up.
      rounds: number of measurements for each setting.
      settings: the settings to measure.

    Raises:
      RunFailedError: the server fails a request.
      UserError: `seconds` is too short for a single request.
    """
    loads: Loads = {setting: [] for setting in settings}
    for size in {setting.batch_size for setting in settings}:
        model(batches_of(sentences, size)[0])  # the first call does extra work
    for _ in range(rounds):
        for setting in settings:
            batches = batches_of(sentences, setting.batch_size)
            window = _Window(seconds, setting)
            in_process = window.load(_call_in_threads(model, batches, window))
            requests = [
                predict_request(endpoint.model, batch).SerializeToString() for batch in batches
            ]
            with converted_rpc_errors():
                over_grpc = asyncio.run(_load_of_tasks(endpoint, requests, seconds, setting))
            loads[setting].append(Round(in_process, over_grpc))
    return loads


def batches_of(sentences: Sequence[bytes], size: int) -> list[list[bytes]]:
    """Cuts sentences into batches; the last is filled up with the first sentences."""
    endless = itertools.cycle(sentences)
    return [list(itertools.islice(endless, size)) for _ in range(-(-len(sentences) // size))]


def gains(loads: Loads) -> list[float]:
    """Returns, for each round, the throughput of the most clients divided by one client's.

    Both are over gRPC, with one sentence in each request.
    """
    one, most = (loads[Setting(1, clients)] for clients in (min(CLIENTS), max(CLIENTS)))
    return [
        many.over_grpc.sentences_per_second / single.over_grpc.sentences_per_second
        for single, many in zip(one, most, strict=True)
    ]


def load_section(loads: Loads) -> str:
    """Writes the result in Markdown."""
    rows = []
    for setting, rounds in loads.items():
        for name, measured in (
            ("in process", [each.in_process for each in rounds]),
            ("over gRPC", [each.over_grpc for each in rounds]),
        ):
            times = [call.seconds for each in measured for call in each.calls]
            share = statistics.mean(each.client_share for each in measured)
            rows.append(
                [
                    name,
                    number(setting.batch_size, 0),
                    number(setting.clients, 0),
                    number(statistics.mean(each.sentences_per_second for each in measured), 1),
                    *Percentiles.of(times).cells(),
                    number(len(times), 0),
                    percent(share, 0) if name == "over gRPC" else "",
                ]
            )
    header = ["", "sentences a request", "clients", "sentences a second", *PERCENTILE_COLUMNS]
    found = gains(loads)
    finding = paragraph(
        f"{max(CLIENTS)} clients of one sentence each get {number(statistics.median(found))} times",
        f"the throughput of one: the median of {len(found)} rounds, from {number(min(found))} to",
        f"{number(max(found))}.",
    )
    return f"""\
## Throughput

{table([*header, "requests", "clients' CPU"], rows)}

{finding}

Percentiles are of the time of a request, in milliseconds. Every client sends its next request when
the last is answered: in process from a thread of its own, over gRPC over a connection of its own,
all from one process whose share of a core is the last column. These clients send requests made
before and leave the replies unread.
"""


def load_bars(loads: Loads) -> list[Bar]:
    """Returns the bounds of the result."""
    return [
        Bar(
            f"throughput of {max(CLIENTS)} clients over that of one, median",
            statistics.median(gains(loads)),
            _LEAST_GAIN,
            is_minimum=True,
            decimals=2,
        )
    ]


class _Window:
    """The time window of a measurement; it begins when the object is made."""

    def __init__(self, seconds: float, setting: Setting):
        self.setting = setting
        self._seconds = seconds
        self._opened = time.perf_counter()
        self._start = self._opened + _WARM_UP * seconds
        self._stop = self._start + seconds
        self._processor_seconds = time.process_time()

    @property
    def is_open(self) -> bool:
        """Whether clients should still send."""
        return time.perf_counter() < self._stop

    def load(self, calls: Sequence[Call]) -> Load:
        """Counts the calls of all clients, after all have ended.

        Raises:
          UserError: no request ended within the window.
        """
        used = time.process_time() - self._processor_seconds
        elapsed = time.perf_counter() - self._opened
        counted = ended_within(calls, self._start, self._stop)
        if not counted:
            raise UserError(
                f"No request of {self.setting.batch_size} sentences ended within "
                f"{self._seconds:g} s: give more --seconds."
            )
        rate = self.setting.batch_size * len(counted) / self._seconds
        return Load(counted, rate, used / elapsed)

    def position(self, client: int, count: int) -> int:
        """Returns the position of a client's next batch: different for clients at the same time.

        Args:
          client: number of the client.
          count: number of its earlier calls.
        """
        return count * self.setting.clients + client


def _call_in_threads(
    model: InProcess, batches: Sequence[Sequence[bytes]], window: _Window
) -> list[Call]:
    def run(client: int) -> list[Call]:
        calls: list[Call] = []
        while window.is_open:
            texts = batches[window.position(client, len(calls)) % len(batches)]
            started = time.perf_counter()
            model(texts)
            calls.append(Call(started, time.perf_counter()))
        return calls

    with ThreadPoolExecutor(window.setting.clients) as pool:
        return [call for calls in pool.map(run, range(window.setting.clients)) for call in calls]


async def _load_of_tasks(
    endpoint: Endpoint, requests: Sequence[bytes], seconds: float, setting: Setting
) -> Load:
    async with AsyncExitStack() as stack:
        methods = []
        for _ in range(setting.clients):
            channel = await stack.enter_async_context(open_async_channel(endpoint))
            methods.append(channel.unary_unary(PREDICT.path))
        for predict in methods:  # connects before the measurement
            await predict(requests[0], timeout=SECONDS_OF_REQUEST)
        window = _Window(seconds, setting)

        async def run(client: int) -> list[Call]:
            calls: list[Call] = []
            while window.is_open:
                content = requests[window.position(client, len(calls)) % len(requests)]
                started = time.perf_counter()
                await methods[client](content, timeout=SECONDS_OF_REQUEST)
                calls.append(Call(started, time.perf_counter()))
            return calls

        several = await asyncio.gather(*(run(client) for client in range(setting.clients)))
        return window.load([call for calls in several for call in calls])
