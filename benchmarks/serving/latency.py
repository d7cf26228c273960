"""Measures the time added by the server to the translation of one sentence."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.common.bars import Bar
from benchmarks.common.paragraphs import paragraph
from benchmarks.common.tables import number, table
from benchmarks.common.timings import PERCENTILE_COLUMNS, Median, Percentiles, differences
from benchmarks.serving.calls import (
    SECONDS_OF_REQUEST,
    Answer,
    InProcess,
    converted_rpc_errors,
    open_channel,
    predict_request,
    read_answer,
    same_answers,
    stub,
)
from benchmarks.serving.process import Endpoint, model_seconds
from serving.protocol.messages import PREDICT
from serving.server.slicing import slice_rows

_WARM_UPS = 20
_TURN = 10
"""Number of sentences in a turn: translated one way, then the same ones the other way."""
_SETTLING = 2
"""Number of extra requests at the start of a turn, left out of the pairs: at first the other
process's threads still wait actively for work, and the caches hold its weights."""
_MOST_MILLISECONDS = 2.0


@dataclass(frozen=True)
class Latencies:
    """Seconds for the same sentences in process and over gRPC, pair by pair."""

    in_process: list[float]
    over_grpc: list[float]
    added: list[float]
    """Seconds for a sentence over gRPC minus those of the model in the server: means of the
    turns."""
    different: int
    """Number of answers over gRPC that differ from those in process, to the last bit."""

    @property
    def overhead(self) -> Median:
        """Seconds added by the server to the time of its model."""
        return Median.of(self.added)

    @property
    def difference(self) -> Median:
        """Difference of the pairs in seconds.

        It contains the overhead, and the difference of speed of the model in the two processes.
        """
        return Median.of(differences(self.in_process, self.over_grpc))


def measure_latency(model: InProcess, endpoint: Endpoint, sentences: Sequence[bytes]) -> Latencies:
    """Translates sentences in process and over gRPC, in alternating turns, never both at once.

    Both times are from texts to NumPy arrays, so over gRPC they include the client's work for
    writing the request and reading the reply.

    Raises:
      RunFailedError: the server fails a request.
    """
    in_process: list[float] = []
    over_grpc: list[float] = []
    added: list[float] = []
    different = 0
    with open_channel(endpoint) as channel, converted_rpc_errors():
        predict = partial(stub(channel, PREDICT), timeout=SECONDS_OF_REQUEST)

        def call_model(text: bytes) -> Answer:
            return slice_rows(model([text]), 0, 1)

        def call_server(text: bytes) -> Answer:
            return read_answer(predict(predict_request(endpoint.model, [text])))

        # Repeats the texts if there are too few.
        warm_up = [sentences[position % len(sentences)] for position in range(_WARM_UPS)]
        for way in (call_model, call_server):
            _take_turn(way, warm_up)
        for number, start in enumerate(range(0, len(sentences), _TURN)):
            turn = sentences[start : start + _TURN]
            # The order alternates, so a machine slowing down favours neither way.
            ways = (call_model, call_server) if number % 2 == 0 else (call_server, call_model)
            taken, models_share = {}, 0.0
            for way in ways:
                before = model_seconds(endpoint)
                taken[way] = _take_turn(way, turn)
                models_share += model_seconds(endpoint) - before  # none in this process
            served = [seconds for seconds, _ in taken[call_server]]
            added.append((sum(served) - models_share) / len(served))
            counted = {way: each[-len(turn) :] for way, each in taken.items()}
            in_process += [seconds for seconds, _ in counted[call_model]]
            over_grpc += [seconds for seconds, _ in counted[call_server]]
            different += sum(
                not same_answers(own, other)
                for (_, own), (_, other) in zip(
                    counted[call_model], counted[call_server], strict=True
                )
            )
    return Latencies(in_process, over_grpc, added, different)


def _take_turn(
    translate: Callable[[bytes], Answer], sentences: Sequence[bytes]
) -> list[tuple[float, Answer]]:
    """Translates sentences one by one, the first few twice; returns each one's time and answer."""
    taken = []
    for sentence in [*sentences[:_SETTLING], *sentences]:
        started = time.perf_counter()
        answer = translate(sentence)
        taken.append((time.perf_counter() - started, answer))
    return taken


def latency_section(latencies: Latencies) -> str:
    """Writes the result in Markdown."""
    rows = [
        [name, number(len(seconds), 0), *Percentiles.of(seconds).cells()]
        for name, seconds in (
            ("in process", latencies.in_process),
            ("over gRPC", latencies.over_grpc),
        )
    ]
    finding = paragraph(
        f"The server adds {_milliseconds(latencies.overhead)} to what its model takes: the median",
        f"of {number(len(latencies.added), 0)} turns.",
        f"The median of the paired differences is {_milliseconds(latencies.difference)}, in which",
        "is also how fast the two processes run the same model: that changes from start to start.",
        f"{latencies.different} of the answers differ from those in process, to the last bit.",
    )
    return f"""\
## One sentence

{table(["milliseconds", "sentences", *PERCENTILE_COLUMNS], rows)}

{finding}

One request at a time: {_TURN} sentences are translated in process (the SavedModel, called directly)
and the same over gRPC, the next {_TURN} over gRPC and then in process, and so on. The first
{_SETTLING} requests of a turn are not paired, nor are {_WARM_UPS} each way before all. All times go
from texts to NumPy arrays, but that of the model in the server, which is `nmt_batch_seconds` of its
metrics.
"""


def _milliseconds(median: Median) -> str:
    low, middle, high = (number(1000 * each) for each in (median.low, median.value, median.high))
    return f"{middle} ms (95 % confidence: {low} to {high})"


def latency_bars(latencies: Latencies) -> list[Bar]:
    """Returns the bounds of the result."""
    return [
        Bar(
            "what the server adds to its model for one sentence, median",
            1000 * latencies.overhead.value,
            _MOST_MILLISECONDS,
            "ms",
            decimals=2,
        )
    ]
