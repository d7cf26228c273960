"""Which failed calls are tried again, and when: backoff within one deadline for all attempts."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from serving.client.errors import InvalidSettings, ServingError, Unavailable


@dataclass(frozen=True)
class RetryPolicy:
    """How often a call is tried while no server answers, and how long is waited in between.

    Delays grow by a factor up to a limit. Half of each is random ("equal jitter", Brooker,
    "Exponential Backoff and Jitter", 2015), so that clients of a server that comes back do not all
    ask in the same moment.
    """

    attempts: int = 5
    """The first one included; 1 never tries again."""
    first_delay: float = 0.2
    """Seconds."""
    factor: float = 2.0
    max_delay: float = 5.0
    """Seconds."""

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise InvalidSettings(f"A call needs at least 1 attempt, not {self.attempts}.")
        if not (0 < self.first_delay <= self.max_delay < math.inf and 1 <= self.factor < math.inf):
            raise InvalidSettings(
                f"Delays of {self.first_delay:g} to {self.max_delay:g} seconds that grow "
                f"{self.factor:g} times cannot be: give a positive first_delay, a max_delay that "
                "is not below it, and a factor of at least 1."
            )


class Attempts:
    """The attempts of one call, which share its deadline."""

    def __init__(
        self,
        policy: RetryPolicy,
        timeout: float,
        random: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ):
        """Starts the time.

        Args:
          policy: when to try again.
          timeout: seconds for all attempts and the delays between them; infinity for no limit.
          random: gives numbers in [0, 1).
          clock: gives seconds.
        """
        self._random = random
        self._clock = clock
        self._deadline = clock() + timeout
        self._left = policy.attempts
        self._policy = policy
        self._delay = policy.first_delay

    def remaining(self) -> float | None:
        """Returns the seconds that the next attempt may take; None if there is no limit."""
        seconds = self._deadline - self._clock()
        return None if seconds == math.inf else max(0.0, seconds)

    def delay_after(self, error: ServingError) -> float | None:
        """Returns the seconds to wait before the next attempt.

        Args:
          error: how the last attempt failed.

        Returns:
          None where there should be no other attempt: it would not help, there were enough, or the
          deadline would be over.
        """
        self._left -= 1
        delay = self._delay * (1 + self._random()) / 2
        self._delay = min(self._policy.max_delay, self._delay * self._policy.factor)
        is_worth_it = isinstance(error, Unavailable) and self._left > 0
        return delay if is_worth_it and self._clock() + delay < self._deadline else None
