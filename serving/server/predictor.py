"""Answers requests for translations, over gRPC or REST."""

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass

import grpc

from serving.server.errors import RequestError, invalid, shutting_down, too_late
from serving.server.loaded_model import LoadedSignature
from serving.server.requests import Target, find_signature
from serving.server.scheduler import BatchScheduler
from serving.server.settings import BatchSettings
from serving.server.slicing import Inputs, Outputs, join, rows_of, split
from serving.server.versions import Lease, Versions

_LEAST_ROWS_OF_A_PIECE = 4
"""A smaller piece takes nearly as long."""

Read = Callable[[LoadedSignature], Inputs]
"""Reads the inputs for a signature; raises RequestError."""


class Gate:
    """Counts the requests in flight, and rejects new ones during the shutdown."""

    def __init__(self) -> None:
        self._is_open = True
        self._inside = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def passed(self) -> Iterator[None]:
        """Counts a request while it is answered.

        Raises:
          RequestError: UNAVAILABLE if the gate is closed.
        """
        with self._changed:
            if not self._is_open:
                raise shutting_down()
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def close(self, seconds: float) -> int:
        """Rejects new requests, waits for those in flight, and returns how many are left."""
        with self._changed:
            self._is_open = False
            self._changed.wait_for(lambda: not self._inside, seconds)
            return self._inside


class Caller:
    """A caller in a thread, which waits for an answer and may leave before it is ready."""

    def __init__(self, deadline: float | None):
        """Creates the caller.

        Args:
          deadline: on the clock of `time.monotonic`; None for no deadline.
        """
        self.deadline = deadline
        self._lock = threading.Lock()
        self._has_left = False
        self._futures: Sequence[Future] = ()

    def leave(self) -> None:
        """Cancels the request, from any thread; its texts still in the queue are removed."""
        with self._lock:
            self._has_left = True
        self._give_up()

    def wait(self, futures: Sequence[Future]) -> list[Outputs]:
        """Waits for the outputs of all futures.

        Raises:
          RequestError: the deadline passed, the caller left, or the model failed.
        """
        with self._lock:
            self._futures = futures
        if self._has_left:
            self._give_up()
        try:
            return [future.result(_seconds_until(self.deadline)) for future in futures]
        except TimeoutError as error:
            raise too_late() from error
        except CancelledError as error:
            if self.deadline is not None and time.monotonic() >= self.deadline:
                raise too_late() from error
            raise RequestError(
                grpc.StatusCode.CANCELLED, "Nobody waits for the answer any more."
            ) from error
        finally:
            self._give_up()

    def _give_up(self) -> None:
        for future in self._futures:
            future.cancel()


@dataclass(frozen=True)
class Answer:
    """The outputs of a signature, with its version."""

    version: int
    signature: LoadedSignature
    outputs: Outputs


class Predictor:
    """Finds the version, queues the texts, and joins the outputs."""

    def __init__(self, versions: Versions, scheduler: BatchScheduler, settings: BatchSettings):
        self.versions = versions
        self._scheduler = scheduler
        self._settings = settings

    def predict(self, target: Target, read: Read, caller: Caller) -> Answer:
        """Answers one request, in the caller's thread.

        Args:
          target: the model, version and signature.
          read: reads the inputs.
          caller: the caller waiting for the answer.

        Raises:
          RequestError: the request is invalid, too large or too late, or the model failed.
        """
        with self.versions.lease(target) as lease:
            signature, pieces = self._read(lease, target, read)
            futures = self._submit(lease, signature, pieces, caller.deadline)
            outputs = join(caller.wait(futures))
            return Answer(lease.model.number, signature, outputs)

    async def predict_async(self, target: Target, read: Read, deadline: float | None) -> Answer:
        """Answers one request without blocking the event loop.

        Args:
          target: the model, version and signature.
          read: reads the inputs.
          deadline: on the clock of `time.monotonic`; None for no deadline.

        Raises:
          RequestError: the request is invalid, too large or too late, or the model failed.
          asyncio.CancelledError: the caller left; its texts still in the queue are removed.
        """
        with self.versions.lease(target) as lease:
            signature, pieces = self._read(lease, target, read)
            futures = self._submit(lease, signature, pieces, deadline)
            waiting = [asyncio.wrap_future(future) for future in futures]
            try:
                async with asyncio.timeout(_seconds_until(deadline)):
                    outputs = join(await asyncio.gather(*waiting))
            except TimeoutError as error:
                raise too_late() from error
            finally:
                for each in waiting:
                    each.cancel()
            return Answer(lease.model.number, signature, outputs)

    def _read(
        self, lease: Lease, target: Target, read: Read
    ) -> tuple[LoadedSignature, list[Inputs]]:
        """Returns the signature and the texts, split into pieces for the queue."""
        signature = find_signature(lease.model, target.signature)
        inputs = read(signature)
        rows = rows_of(inputs)
        self.refuse_too_many(rows)
        if self._settings.strict and rows == 0:
            raise invalid(
                "The request holds no texts. TensorFlow Serving would keep it until another "
                "request joins its batch."
            )
        return signature, split(inputs, self._rows_of_a_piece(signature, rows))

    def refuse_too_many(self, rows: int) -> None:
        """Rejects a request with too many texts.

        Raises:
          RequestError: TensorFlow Serving would reject it, or the queue could never hold it.
        """
        most = self._settings.max_batch_size
        if self._settings.strict and rows > most:
            # TensorFlow Serving's own words.
            raise invalid(f"Task size {rows} is larger than maximum input batch size {most}")
        if rows > self._settings.max_queued_rows:
            raise RequestError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"The request holds {rows} texts, and at most "
                f"{self._settings.max_queued_rows} may wait: send fewer at once.",
            )

    def _rows_of_a_piece(self, signature: LoadedSignature, rows: int) -> int:
        """Returns the size of the pieces of a request, chosen to spread it over all workers."""
        most = self._settings.max_batch_size
        if not signature.shares_batches:
            return most
        share = math.ceil(rows / self._settings.workers)
        return min(most, max(share, _LEAST_ROWS_OF_A_PIECE))

    def _submit(
        self,
        lease: Lease,
        signature: LoadedSignature,
        pieces: Sequence[Inputs],
        deadline: float | None,
    ) -> list[Future]:
        futures = self._scheduler.submit(signature, pieces, deadline)
        for future in futures:
            # A run cannot be interrupted: it keeps the version even after its caller left.
            _until_done(future, lease.share())
        return futures


def _until_done(future: Future, lease: Lease) -> None:
    """Releases a lease when a future ends, with any result."""
    future.add_done_callback(lambda _: lease.release())


def _seconds_until(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
