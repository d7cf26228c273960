"""Statistics of times: percentiles, the median of paired differences, throughput."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.common.tables import number

PERCENTILE_COLUMNS = ["p50", "p90", "p99", "longest"]
_TWO_SIDED_95 = 1.96
"""Standard deviations of the normal distribution that leave out 5 % on both sides together."""


@dataclass(frozen=True)
class Call:
    """A request, by the clock of `time.perf_counter`, in seconds."""

    started: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long the client waited."""
        return self.ended - self.started

    def overlaps(self, spans: Iterable[tuple[float, float]]) -> bool:
        """Whether it was under way at any moment of one of the spans, each (start, end)."""
        return any(self.started < end and start < self.ended for start, end in spans)


@dataclass(frozen=True)
class Percentiles:
    """Of times, in seconds; linear between neighbours (Hyndman and Fan, 1996, definition 7)."""

    p50: float
    p90: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Percentiles":
        """Takes them of at least one time."""
        p50, p90, p99, longest = np.percentile(seconds, [50, 90, 99, 100])
        return cls(float(p50), float(p90), float(p99), float(longest))

    def cells(self) -> list[str]:
        """Returns what stands in `PERCENTILE_COLUMNS`, in milliseconds."""
        return [milliseconds(each) for each in (self.p50, self.p90, self.p99, self.longest)]


@dataclass(frozen=True)
class Median:
    """A median and the interval that holds that of the population with 95 % confidence."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Median":
        """Takes it of at least one value.

        The interval goes from one order statistic to another, whatever the distribution; their
        ranks are those of the normal approximation to the binomial (Conover, "Practical
        Nonparametric Statistics", section 3.2). With few values it is all of them.
        """
        ordered = sorted(values)
        middle = len(ordered) / 2
        reach = _TWO_SIDED_95 * math.sqrt(len(ordered)) / 2
        first = max(1, math.floor(middle - reach))
        last = min(len(ordered), math.ceil(middle + reach) + 1)
        return cls(statistics.median(ordered), ordered[first - 1], ordered[last - 1])


def differences(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """Returns, pair by pair, what the second takes longer than the first."""
    return [late - early for early, late in zip(first, second, strict=True)]


def ended_within(calls: Iterable[Call], start: float, stop: float) -> list[Call]:
    """Returns the calls that ended from `start` to before `stop`.

    Of clients that ask without pause, their number over the time is the throughput: what is cut off
    at the end was counted in at the start.
    """
    return [call for call in calls if start <= call.ended < stop]


def milliseconds(seconds: float) -> str:
    """Writes a time in milliseconds."""
    return number(1000 * seconds, 1)
