"""Estimates whether the clients of the last batches are about to send their next requests.

A client in a loop sends again soon after an answer. If the first client to return is served at
once, its request runs nearly alone, and all the others wait for it. A short wait gathers them into
one batch. The wait is useless if each request comes from a different client. The number of requests
received after the last batch tells the two cases apart.
"""

from collections import deque
from dataclasses import dataclass

PATIENCE = 0.2
"""The wait for the clients of a batch, as a fraction of its running time."""
_MOST = 0.75
"""Clients count as returning if at least this fraction of them sent again within the wait."""


@dataclass
class _Batch:
    requests: int
    missing: int  # clients not yet back
    patience_ends: float


class ReturningClients:
    """Tracks the requests for one signature. All times are in seconds, on the caller's clock."""

    def __init__(self) -> None:
        self._batches: deque[_Batch] = deque()  # clients may still return; oldest first
        self._do_return = False

    def answered(self, requests: int, now: float, seconds: float) -> None:
        """Records the requests and the running time of an answered batch."""
        self._judge(now)
        self._batches.append(_Batch(requests, requests, now + PATIENCE * seconds))

    def came(self, requests: int, now: float) -> None:
        """Records new requests and attributes them to the oldest batches first."""
        self._judge(now)
        for batch in self._batches:
            back = min(requests, batch.missing)
            batch.missing -= back
            requests -= back

    def seconds_to_wait(self, now: float) -> float:
        """Returns the longest sensible wait for the missing clients; 0 if none is expected."""
        self._judge(now)
        waits = [batch.patience_ends - now for batch in self._batches if batch.missing]
        return max(waits, default=0.0) if self._do_return else 0.0

    def _judge(self, now: float) -> None:
        """Drops the batches whose wait has ended; their clients decide `_do_return`."""
        while self._batches and self._batches[0].patience_ends <= now:
            batch = self._batches.popleft()
            self._do_return = batch.requests - batch.missing >= _MOST * batch.requests
