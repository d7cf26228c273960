"""What a server adds to the time of one sentence."""

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
"""How many sentences are translated one way before they are translated the other way."""
_SETTLING = 2
"""Requests at the start of a turn of which no pair is made: until then the other process's threads
still look for work, and the caches hold its weights."""
_MOST_MILLISECONDS = 2.0


@dataclass(frozen=True)
class Latencies:
    """The times of the same sentences in process and over gRPC, in seconds, pair by pair."""

    in_process: list[float]
    over_grpc: list[float]
    added: list[float]
    """What a sentence took over gRPC beyond what its model took in the server: the mean of each
    turn, in seconds."""
    different: int
    """How many of the answers over gRPC were not those in process, to the last bit."""

    @property
    def overhead(self) -> Median:
        """What the server adds to its model, in seconds."""
        return Median.of(self.added)

    @property
    def difference(self) -> Median:
        """Of the pairs, in seconds: the overhead, and what one process takes longer than the other
        for the same model."""
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
    added: list[float] = []
    different = 0
    with open_channel(endpoint) as channel, converted_rpc_errors():
        predict = partial(stub(channel, PREDICT), timeout=SECONDS_OF_REQUEST)

        def call(text: bytes) -> Answer:
            return slice_rows(model([text]), 0, 1)

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
            taken, models_share = {}, 0.0
            for way in ways:
                before = model_seconds(endpoint)
                taken[way] = _take_turn(way, turn)
                models_share += model_seconds(endpoint) - before  # none in this process
            asked = [seconds for seconds, _ in taken[ask]]
            added.append((sum(asked) - models_share) / len(asked))
            counted = {way: each[-len(turn) :] for way, each in taken.items()}
            in_process += [seconds for seconds, _ in counted[call]]
            over_grpc += [seconds for seconds, _ in counted[ask]]
            different += sum(
                not same_answers(own, served)
                for (_, own), (_, served) in zip(counted[call], counted[ask], strict=True)
            )
    return Latencies(in_process, over_grpc, added, different)


def _take_turn(
    translate: Callable[[bytes], Answer], sentences: Sequence[bytes]
) -> list[tuple[float, Answer]]:
    """Translates sentences one after the other, the first few twice: seconds and answer of each."""
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
    """Returns what the result must keep."""
    return [
        Bar(
            "what the server adds to its model for one sentence, median",
            1000 * latencies.overhead.value,
            _MOST_MILLISECONDS,
            "ms",
            decimals=2,
        )
    ]
