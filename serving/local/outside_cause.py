"""Failures of helper processes that say nothing about the model.

A process that ended without a result gives no verdict, because TFX caches verdicts. SIGKILL comes
from outside: from the kernel when memory is short, or from a person. A crash is no verdict either,
even if it repeats: under `ulimit -v 1500000` TensorFlow ends by SIGSEGV each time, with any model.
Without a verdict nothing is pushed, so a model that really crashes is not pushed either.
"""

import signal
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class OutsideCauseError(Exception):
    """A helper process ended without a result; the message gives a remedy."""


def ended_early(what: str, status: int | None, last_words: str = "") -> OutsideCauseError:
    """Returns the error for a helper process that ended without a result.

    Args:
      what: the process, the subject of the sentence.
      status: the exit status, or a signal's number below 0.
      last_words: the end of its output.
    """
    said = f" Its last words: {last_words}" if last_words else ""
    return OutsideCauseError(
        f"{what} {fate(status)} before it had a result, perhaps for lack of memory. That is no "
        f"verdict on the model: free some memory and run again.{said}"
    )


def fate(status: int | None) -> str:
    """Describes an exit status; None stands for a process that still ran."""
    if status is None:
        return "closed its connection"
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def tried_twice(function: Callable[[], Result]) -> Result:
    """Calls a function, and once more if its helper process ended early.

    Raises:
      OutsideCauseError: it ended early both times.
    """
    try:
        return function()
    except OutsideCauseError:
        return function()


def lacks_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that caused it, is an allocation that failed."""
    while error is not None:
        # By its name: TensorFlow is imported late.
        if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
            return True
        error = error.__cause__ or error.__context__
    return False
