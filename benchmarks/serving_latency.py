"""What a server adds to the time of one sentence."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.bars import Bar
from benchmarks.paragraphs import paragraph
from benchmarks.serving_calls import (
    SECONDS_OF_REQUEST,
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
    """Translates each sentence in process and then over gRPC, never both at the same time.

    Both times are those from texts to NumPy arrays, so that over gRPC they include what the client
    does to write the request and to read the reply.

    Raises:
      RunFailedError: the server fails a request.
    """
    in_process, over_grpc, different = [], [], 0
    # The same texts go round, should there be few.
    warm_up = [sentences[position % len(sentences)] for position in range(_WARM_UPS)]
    with open_channel(endpoint) as channel, failures_told():
        ask = partial(stub(channel, PREDICT), timeout=SECONDS_OF_REQUEST)
        for position, sentence in enumerate([*warm_up, *sentences]):
            started = time.perf_counter()
            own = model([sentence])
            between = time.perf_counter()
            reply = read_answer(ask(predict_request(endpoint.model, [sentence])))
            ended = time.perf_counter()
            if position >= _WARM_UPS:
                in_process.append(between - started)
                over_grpc.append(ended - between)
                different += not same_answers(cut(own, 0, 1), reply)
    return Latencies(in_process, over_grpc, different)


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

Each sentence is translated in process (the SavedModel, called directly) and then over gRPC, and so
on, one request at a time, after {_WARM_UPS} pairs to warm up. Both times go from texts to NumPy
arrays.
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
