"""Shows the progress of a command through the lines of a file."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_READ_SIZE = 1 << 20


@contextmanager
def shown_lines(
    lines: str | int | None, *, hidden: bool = False
) -> Iterator[Callable[[int], None]]:
    """Shows a progress bar on standard error if it is a terminal.

    Args:
        lines: the file with the lines, or their number; None if neither is known.
        hidden: whether to show nothing in any case.

    Yields:
        A function to call with the number of lines done since its last call.
    """
    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield lambda done: None
        return
    columns = (TextColumn("lines"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        task = bars.add_task("", total=count_lines(lines) if isinstance(lines, str) else lines)
        yield lambda done: bars.advance(task, done)


def count_lines(path: str) -> int | None:
    """Counts the lines of a file, including a last line without a newline.

    Returns None for a pipe or a device, because these can be read only once.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        return None
    lines, last = 0, b"\n"
    with open(path, "rb") as file:
        while block := file.read(_READ_SIZE):
            lines += block.count(b"\n")
            last = block[-1:]
    return lines + (last != b"\n")
