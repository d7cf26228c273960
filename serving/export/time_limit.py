"""A limit to the time that a call may take, for calls that cannot be interrupted."""

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class TimeLimitError(Exception):
    """Something did not end within its time."""


def within(seconds: float, function: Callable[[], Result]) -> Result:
    """Calls a function in a thread of its own and waits no longer than `seconds`.

    Raises:
      TimeLimitError: it did not end; its thread goes on, so the process should end itself soon.
    """
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(function())
        except BaseException as error:  # handed to the caller's thread
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise TimeLimitError(f"no end after {seconds:g} seconds, which is the limit")
    return outcome[0]
