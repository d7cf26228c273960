"""A time limit for calls that cannot be interrupted."""

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class TimeLimitError(Exception):
    """A call exceeded its time limit."""


def within(seconds: float, function: Callable[[], Result]) -> Result:
    """Calls a function in a separate thread and waits at most `seconds`.

    Raises:
      TimeLimitError: it did not end; its thread still runs, so the process should exit soon.
    """
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(function())
        except BaseException as error:  # raised again in the caller's thread
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise TimeLimitError(f"no end after {seconds:g} seconds, which is the limit")
    return outcome[0]
