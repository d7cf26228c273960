"""Answers requests for translations, however they came: over gRPC or over REST."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import grpc

from serving.server.cutting import Inputs, Outputs, join, rows_of, split
from serving.server.errors import RequestError, shutting_down, too_late
from serving.server.loaded_model import LoadedSignature
from serving.server.requests import Target, find_signature
from serving.server.scheduler import BatchScheduler
from serving.server.settings import BatchSettings
from serving.server.versions import Lease, Versions

_LEAST_ROWS_OF_A_PIECE = 4
"""Fewer texts take nearly as long."""


class Gate:
    """Counts the requests in flight, and lets no more in once the server is to end."""

    def __init__(self) -> None:
        self._is_open = True
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @contextlib.contextmanager
    def passed(self) -> Iterator[None]:
        """Holds a request's place while it is answered.

        Raises:
          RequestError: UNAVAILABLE, the gate is closed.
        """
        if not self._is_open:
            raise shutting_down()
        self._inside += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    async def close(self, seconds: float) -> int:
        """Lets nobody in, waits for those inside, and returns how many there still are."""
        self._is_open = False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), seconds)
        return self._inside


@dataclass(frozen=True)
class Answer:
    """What a signature of a version said."""

    version: int
    signature: LoadedSignature
    outputs: Outputs


class Predictor:
    """Finds the version, queues the texts, and puts the answer together."""

    def __init__(self, versions: Versions, scheduler: BatchScheduler, settings: BatchSettings):
        self.versions = versions
        self._scheduler = scheduler
        self._settings = settings

    async def predict(
        self, target: Target, read: Callable[[LoadedSignature], Inputs], deadline: float | None
    ) -> Answer:
        """Answers one request.

        Args:
          target: the model, version and signature.
          read: makes the inputs once the signature is known.
          deadline: by `time.monotonic`; None for no end.

        Raises:
          RequestError: it is wrong, too much, too late, or the model failed.
          asyncio.CancelledError: nobody waits for the answer any more; texts that are still in the
            queue leave it.
        """
        with self.versions.lease(target) as lease:
            signature = find_signature(lease.model, target.signature)
            inputs = read(signature)
            rows = rows_of(inputs)
            if rows > self._settings.max_queued_rows:
                raise RequestError(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    f"The request holds {rows} texts, and at most "
                    f"{self._settings.max_queued_rows} may wait: send fewer at once.",
                )
            pieces = split(inputs, self._rows_of_a_piece(signature, rows))
            outputs = await self._run(lease, signature, pieces, deadline)
            return Answer(lease.model.number, signature, outputs)

    def _rows_of_a_piece(self, signature: LoadedSignature, rows: int) -> int:
        """How many texts of a request go together, so that all workers have some of them."""
        most = self._settings.max_batch_size
        if not signature.shares_batches:
            return most
        share = math.ceil(rows / self._settings.workers)
        return min(most, max(share, _LEAST_ROWS_OF_A_PIECE))

    async def _run(
        self,
        lease: Lease,
        signature: LoadedSignature,
        pieces: Sequence[Inputs],
        deadline: float | None,
    ) -> Outputs:
        futures = self._scheduler.submit(signature, pieces, deadline)
        for future in futures:
            # A run cannot be interrupted: it keeps the version, even when its caller has gone.
            _until_done(future, lease.share())
        waiting = [asyncio.wrap_future(future) for future in futures]
        try:
            async with asyncio.timeout(_seconds_until(deadline)):
                return join(await asyncio.gather(*waiting))
        except TimeoutError as error:
            raise too_late() from error
        finally:
            for each in waiting:
                each.cancel()


def _until_done(future: Future, lease: Lease) -> None:
    """Gives a lease back when a future ends, in whatever way."""
    future.add_done_callback(lambda _: lease.give_back())


def _seconds_until(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
