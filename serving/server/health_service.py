"""The standard health service of gRPC, with threads and a bound for its streams."""

import threading
from collections.abc import Callable
from typing import Any

import grpc
from grpc_health.v1 import health

MOST_WATCHING = 32
"""Each stream holds a thread, and lasts as long as its client likes."""


class LimitedHealth(health.HealthServicer):
    """Leaves room for the requests for translations."""

    def __init__(self) -> None:
        # Without threads, a stream that ends while the status is set locks the server for ever: the
        # status waits with the lock until it is sent, and the end of the stream for the lock.
        super().__init__(experimental_non_blocking=False)
        self._free = threading.Semaphore(MOST_WATCHING)

    def Watch(
        self,
        request: Any,
        context: grpc.ServicerContext,
        send_response_callback: Callable[[Any], None] | None = None,
    ) -> Any:
        """Sends the status now and whenever it changes."""
        if not self._free.acquire(blocking=False):
            context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{MOST_WATCHING} health streams are open, and no more are allowed.",
            )
        if not context.add_callback(self._free.release):
            self._free.release()  # the stream has ended already
            return None
        return super().Watch(request, context, send_response_callback)
