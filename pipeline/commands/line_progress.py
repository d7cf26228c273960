"""How far a command has come that goes through a file line by line."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_READ_SIZE = 1 << 20


@contextmanager
def shown_lines(path: str | None, *, hidden: bool = False) -> Iterator[Callable[[int], None]]:
    """Gives a function that is told how many more lines are done, and shows a bar on standard
    error if that is a terminal.

    Args:
        path: the file whose lines they are; None where it is not known.
        hidden: whether nothing is shown in any case.
    """
    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield lambda done: None
        return
    columns = (TextColumn("lines"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        task = bars.add_task("", total=None if path is None else count_lines(path))
        yield lambda done: bars.advance(task, done)


def count_lines(path: str) -> int | None:
    """Counts the lines of a file, a last one without a newline included; None for a pipe or a
    device, which can be read only once."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        return None
    lines, last = 0, b"\n"
    with open(path, "rb") as file:
        while block := file.read(_READ_SIZE):
            lines += block.count(b"\n")
            last = block[-1:]
    return lines + (last != b"\n")
