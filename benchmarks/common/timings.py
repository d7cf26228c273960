"""Statistics of times: percentiles, the median of paired differences, throughput."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.common.tables import number

PERCENTILE_COLUMNS = ["p50", "p90", "p99", "longest"]
_TWO_SIDED_95 = 1.96
"""Standard deviations; 5 % of a normal distribution lie further away, on both sides together."""


@dataclass(frozen=True)
class Call:
    """Start and end of a request, in seconds on the clock of `time.perf_counter`."""

    started: float
    ended: float

    @property
    def seconds(self) -> float:
        """Waiting time of the client."""
        return self.ended - self.started

    def overlaps(self, spans: Iterable[tuple[float, float]]) -> bool:
        """Returns whether the request overlaps any of the spans, each (start, end)."""
        return any(self.started < end and start < self.ended for start, end in spans)


@dataclass(frozen=True)
class Percentiles:
    """Percentiles of times, in seconds.

    Linear between neighbours (Hyndman and Fan, 1996, definition 7).
    """

    p50: float
    p90: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Percentiles":
        """Computes the percentiles of one or more times."""
        p50, p90, p99, longest = np.percentile(seconds, [50, 90, 99, 100])
        return cls(float(p50), float(p90), float(p99), float(longest))

    def cells(self) -> list[str]:
        """Returns the cells for `PERCENTILE_COLUMNS`, in milliseconds."""
        return [milliseconds(each) for each in (self.p50, self.p90, self.p99, self.longest)]


@dataclass(frozen=True)
class Median:
    """A median and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Median":
        """Computes the median of one or more values.

        Both ends of the interval are order statistics, so it holds for any distribution. Their
        ranks come from the normal approximation to the binomial (Conover, "Practical Nonparametric
        Statistics", section 3.2). With few values the interval covers all of them.
        """
        ordered = sorted(values)
        middle = len(ordered) / 2
        reach = _TWO_SIDED_95 * math.sqrt(len(ordered)) / 2
        first = max(1, math.floor(middle - reach))
        last = min(len(ordered), math.ceil(middle + reach) + 1)
        return cls(statistics.median(ordered), ordered[first - 1], ordered[last - 1])


def differences(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """Returns, pair by pair, the second time minus the first."""
    return [late - early for early, late in zip(first, second, strict=True)]


def ended_within(calls: Iterable[Call], start: float, stop: float) -> list[Call]:
    """Returns the calls with an end in [start, stop).

    For clients without pauses their number divided by the time is the throughput: calls begun
    before the start make up for those cut off at the end.
    """
    return [call for call in calls if start <= call.ended < stop]


def milliseconds(seconds: float) -> str:
    """Formats a time in milliseconds."""
    return number(1000 * seconds, 1)
