"""Knows whether clients that were answered are about to send again.

After a batch of several requests the clients that just got their answers may be about to send their
next ones. Whoever serves the first to come back serves it nearly alone, and all others after it; it
is better to wait a moment until they are all there. That holds for clients that call in a loop, not
where each request has come from somebody else. Which of the two it is shows in what came after the
last batch.
"""

from collections import deque
from dataclasses import dataclass

PATIENCE = 0.2
"""How long to wait for the clients of a batch, as a part of the time that it took."""
_MOST = 0.75
"""Clients return if so large a part of them was back within that time."""


@dataclass
class _Batch:
    requests: int
    missing: int  # of those clients
    patience_ends: float


class ReturningClients:
    """Follows the requests for one signature. All times are in seconds, of a clock of one's own."""

    def __init__(self) -> None:
        self._batches: deque[_Batch] = deque()  # those whose clients may still come, oldest first
        self._do_return = False

    def answered(self, requests: int, now: float, seconds: float) -> None:
        """Notes that a batch of so many requests, which took so long, has been answered."""
        self._judge(now)
        self._batches.append(_Batch(requests, requests, now + PATIENCE * seconds))

    def came(self, requests: int, now: float) -> None:
        """Notes that so many requests have come; they are taken for those of the oldest batch."""
        self._judge(now)
        for batch in self._batches:
            back = min(requests, batch.missing)
            batch.missing -= back
            requests -= back

    def seconds_to_wait(self, now: float, coming: int = 0) -> float:
        """Returns how long those who are still missing should be waited for, at most; 0 where
        nobody is, or they would not come.

        Args:
          now: the time.
          coming: requests that have just come and were not noted.
        """
        self._judge(now)
        if not self._do_return or sum(batch.missing for batch in self._batches) <= coming:
            return 0.0
        return max(batch.patience_ends for batch in self._batches if batch.missing) - now

    def _judge(self, now: float) -> None:
        """Lets go of the batches whose clients have had their time."""
        while self._batches and self._batches[0].patience_ends <= now:
            batch = self._batches.popleft()
            self._do_return = batch.requests - batch.missing >= _MOST * batch.requests
