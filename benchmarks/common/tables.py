"""Tables in Markdown, aligned to be readable as plain text too."""

import math
from collections.abc import Sequence

MISSING = "–"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table; its first column is aligned to the left, the others to the right.

    Args:
      header: [columns] names.
      rows: [rows, columns] cells.
    """
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(
        "| " + " | ".join([cells[0].ljust(widths[0]), *_right(cells[1:], widths[1:])]) + " |"
        for cells in (header, rule, *rows)
    )


def number(value: float | None, decimals: int = 2) -> str:
    """Formats a number with thousands separators; None and non-finite numbers become a dash."""
    return MISSING if value is None or not math.isfinite(value) else f"{value:,.{decimals}f}"


def percent(share: float | None, decimals: int = 1) -> str:
    """Formats a share, 0 to 1, in percent."""
    return MISSING if share is None else f"{number(100 * share, decimals)} %"


def _right(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
