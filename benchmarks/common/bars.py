"""Bounds for measured numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.common.tables import number, table


@dataclass(frozen=True)
class Bar:
    """A measured number and its bound."""

    name: str
    measured: float
    bound: float
    unit: str = ""
    is_minimum: bool = False
    """Whether the number must be at least the bound, not at most."""
    decimals: int = 0

    @property
    def value(self) -> str:
        """The measured number with its unit."""
        return _with_unit(number(self.measured, self.decimals), self.unit)

    @property
    def is_met(self) -> bool:
        """Whether the number keeps its bound; NaN does not."""
        return self.measured >= self.bound if self.is_minimum else self.measured <= self.bound


def bar_table(bars: Sequence[Bar]) -> str:
    """Renders a row for each bar."""
    rows = []
    for bar in bars:
        bound = f"{'least' if bar.is_minimum else 'most'} {_with_unit(f'{bar.bound:g}', bar.unit)}"
        rows.append([bar.name, bar.value, f"at {bound}", "met" if bar.is_met else "MISSED"])
    return table(["what", "measured", "bar", ""], rows)


def shortfall(bars: Sequence[Bar]) -> str | None:
    """Returns a sentence with the missed bars; None if all are met."""
    missed = [f"{bar.name}, {bar.value}" for bar in bars if not bar.is_met]
    return f"Not every bar was met: {'; '.join(missed)}." if missed else None


def _with_unit(value: str, unit: str) -> str:
    return f"{value} {unit}".rstrip()
