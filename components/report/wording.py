"""Formats the numbers of a report."""

from __future__ import annotations

import math


def number(value: float | None, decimals: int = 2) -> str:
    """Formats a number with a real minus sign, or None as `missing`."""
    if value is None:
        return "missing"
    if not math.isfinite(value):
        return str(value)
    # Adding 0 turns -0.0 into 0.0.
    return f"{round(value, decimals) + 0.0:,.{decimals}f}".replace("-", "−")


def signed(value: float, decimals: int = 2) -> str:
    """Formats a difference, with `+` if it is positive."""
    written = number(value, decimals)
    return f"+{written}" if round(value, decimals) > 0 else written


def short(value: float | None) -> str:
    """Formats any metric: integers without decimals, others with four digits."""
    if value is None or not math.isfinite(value):
        return number(value)
    if value == int(value):
        return number(value, 0)
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    return number(value, min(digits, 4))


def percent(share: float, decimals: int = 1) -> str:
    """Formats a share, 0 to 1, as a percentage."""
    return f"{number(100 * share, decimals)} %"


def counted(count: int, noun: str) -> str:
    """Formats a count with its noun; the plural takes an s."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Formats a time in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
