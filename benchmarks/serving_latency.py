"""What a server adds to the time of one sentence."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.bars import Bar
from benchmarks.paragraphs import paragraph
from benchmarks.serving_calls import (
    SECONDS_OF_REQUEST,
    Answer,
    InProcess,
    failures_told,
    open_channel,
    predict_request,
    read_answer,
    same_answers,
    stub,
)
from benchmarks.serving_process import Endpoint
from benchmarks.tables import number, table
from benchmarks.timings import PERCENTILE_COLUMNS, Median, Percentiles, differences
from serving.protocol import PREDICT
from serving.server.cutting import cut

_WARM_UPS = 20
_TURN = 10
"""How many sentences are translated one way before they are translated the other way."""
_SETTLING = 2
"""Requests at the start of a turn that do not count: until then the other process's threads still
look for work, and the caches hold its weights."""
_MOST_MILLISECONDS = 2.0


@dataclass(frozen=True)
class Latencies:
    """The times of the same sentences in process and over gRPC, in seconds, pair by pair."""

    in_process: list[float]
    over_grpc: list[float]
    different: int
    """How many of the answers over gRPC were not those in process, to the last bit."""

    @property
    def overhead(self) -> Median:
        """Of the paired differences, in seconds."""
        return Median.of(differences(self.in_process, self.over_grpc))


def measure_latency(model: InProcess, endpoint: Endpoint, sentences: Sequence[bytes]) -> Latencies:
    """Translates sentences in process and over gRPC, a few one way and then the same the other way,
    never both at the same time.

    Both times are those from texts to NumPy arrays, so that over gRPC they include what the client
    does to write the request and to read the reply.

    Raises:
      RunFailedError: the server fails a request.
    """
    in_process: list[float] = []
    over_grpc: list[float] = []
    different = 0
    with open_channel(endpoint) as channel, failures_told():
        predict = partial(stub(channel, PREDICT), timeout=SECONDS_OF_REQUEST)

        def call(text: bytes) -> Answer:
            return cut(model([text]), 0, 1)

        def ask(text: bytes) -> Answer:
            return read_answer(predict(predict_request(endpoint.model, [text])))

        # The same texts go round, should there be few.
        warm_up = [sentences[position % len(sentences)] for position in range(_WARM_UPS)]
        for way in (call, ask):
            _take_turn(way, warm_up)
        for number, start in enumerate(range(0, len(sentences), _TURN)):
            turn = sentences[start : start + _TURN]
            # Who comes first changes, so that a machine that gets slower favours neither.
            ways = (call, ask) if number % 2 == 0 else (ask, call)
            taken = {way: _take_turn(way, turn) for way in ways}
            in_process += [seconds for seconds, _ in taken[call]]
            over_grpc += [seconds for seconds, _ in taken[ask]]
            different += sum(
                not same_answers(own, served)
                for (_, own), (_, served) in zip(taken[call], taken[ask], strict=True)
            )
    return Latencies(in_process, over_grpc, different)


def _take_turn(
    translate: Callable[[bytes], Answer], sentences: Sequence[bytes]
) -> list[tuple[float, Answer]]:
    """Translates sentences one after the other: seconds and answer of each."""
    taken = []
    for sentence in [*sentences[:_SETTLING], *sentences]:
        started = time.perf_counter()
        answer = translate(sentence)
        taken.append((time.perf_counter() - started, answer))
    return taken[-len(sentences) :]


def latency_section(latencies: Latencies) -> str:
    """Writes the result in Markdown."""
    overhead = latencies.overhead
    rows = [
        [name, number(len(seconds), 0), *Percentiles.of(seconds).cells()]
        for name, seconds in (
            ("in process", latencies.in_process),
            ("over gRPC", latencies.over_grpc),
        )
    ]
    low, middle, high = (
        number(1000 * each) for each in (overhead.low, overhead.value, overhead.high)
    )
    finding = paragraph(
        f"The server adds {middle} ms: the median of the paired differences, with 95 % confidence",
        f"from {low} to {high} ms.",
        f"{latencies.different} of the answers differ from those in process, to the last bit.",
    )
    return f"""\
## One sentence

{table(["milliseconds", "sentences", *PERCENTILE_COLUMNS], rows)}

{finding}

One request at a time: {_TURN} sentences are translated in process (the SavedModel, called directly)
and the same over gRPC, the next {_TURN} over gRPC and then in process, and so on. The first
{_SETTLING} requests of a turn do not count, nor do {_WARM_UPS} each way before all. Both times go
from texts to NumPy arrays.
"""


def latency_bars(latencies: Latencies) -> list[Bar]:
    """Returns what the result must keep."""
    return [
        Bar(
            "overhead of gRPC on one sentence, median",
            1000 * latencies.overhead.value,
            _MOST_MILLISECONDS,
            "ms",
            decimals=2,
        )
    ]
