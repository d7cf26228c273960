"""Batches concurrent requests: a queue, and worker threads that each run one batch at a time.

A batch holds requests for one signature of one version, in order of arrival. The texts of a request
stay together. A free worker takes the waiting requests at once, so batches grow with the load. It
takes no more than its share of all texts, waiting or running, to keep every worker busy. A batch
may wait for clients that are expected to send again (`serving.server.returning_clients`). A single
client never waits.

Only the workers run the model. oneDNN keeps up to 1,024 prepared operations for each thread and
type, some 25 MB, so memory would grow with the number of threads that ever ran it.

A request that was cancelled in the queue, or whose deadline passed there, never reaches the model.
If a batch fails, each of its requests runs again alone, so one malformed text fails only its own
request.
"""

import functools
import itertools
import math
import threading
import time
import weakref
from collections import Counter
from collections.abc import MutableMapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import grpc

from serving.server.errors import RequestError, shutting_down, too_late
from serving.server.returning_clients import ReturningClients
from serving.server.settings import BatchSettings
from serving.server.slicing import Inputs, Outputs, concatenate, rows_of, slice_rows


class BatchedSignature(Protocol):
    """A signature of a loaded version. Requests of the same object share batches."""

    @property
    def shares_batches(self) -> bool:
        """Whether the outputs can be sliced by request."""

    def run(self, inputs: Inputs) -> Outputs:
        """Runs the model and blocks until it returns."""


class BatchObserver(Protocol):
    """Receives the statistics of each batch."""

    def batch_ended(self, rows: int, waited: Sequence[float], seconds: float) -> None:
        """Called after each batch.

        Args:
          rows: number of texts.
          waited: seconds in the queue, one for each request.
          seconds: time of the model.
        """


@dataclass(eq=False)
class _Task:
    """A request, or a piece of one, in the queue."""

    signature: BatchedSignature
    inputs: Inputs
    rows: int
    deadline: float | None
    queued_at: float = field(default_factory=time.monotonic)
    future: "Future[Outputs]" = field(default_factory=Future)

    def starts(self, now: float) -> bool:
        """Marks the task as running; returns False if it was cancelled or its deadline passed."""
        if not self.future.set_running_or_notify_cancel():
            return False
        if self.deadline is not None and now >= self.deadline:
            self.future.set_exception(too_late())
            return False
        return True


class BatchScheduler:
    """A queue of requests and its worker threads."""

    def __init__(self, settings: BatchSettings, observer: BatchObserver | None = None):
        """Starts the threads; `close` ends them."""
        self._settings = settings
        self._observer = observer
        self._queue: dict[_Task, None] = {}  # in order of arrival, and quick to remove from
        self._queued_rows = 0
        self._running_rows: Counter[BatchedSignature] = Counter()
        self._clients: MutableMapping[BatchedSignature, ReturningClients] = (
            weakref.WeakKeyDictionary()
        )
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"model-{index}", daemon=True)
            for index in range(settings.workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def queued_rows(self) -> int:
        """Number of texts in the queue."""
        return self._queued_rows

    def submit(
        self, signature: BatchedSignature, pieces: Sequence[Inputs], deadline: float | None
    ) -> list[Future]:
        """Queues all pieces of one request, or none.

        Args:
          signature: the signature to run.
          pieces: each of at most `max_batch_size` texts.
          deadline: on the clock of `time.monotonic`; None for no deadline.

        Returns:
          A future of the outputs for each piece. Cancelling it removes the piece from the queue.

        Raises:
          RequestError: RESOURCE_EXHAUSTED if the queue is full, UNAVAILABLE after `close`.
        """
        tasks = [_Task(signature, piece, rows_of(piece), deadline) for piece in pieces]
        rows = sum(task.rows for task in tasks)
        with self._changed:
            if self._closed:
                raise shutting_down()
            if self._queued_rows + rows > self._settings.max_queued_rows:
                raise RequestError(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    f"The queue is full: {self._queued_rows} texts wait, {rows} more were sent, "
                    f"and {self._settings.max_queued_rows} may wait; try again later.",
                )
            self._queue.update(dict.fromkeys(tasks))
            self._queued_rows += rows
            self._clients_of(signature).came(len(tasks), time.monotonic())
            self._changed.notify(len(tasks))
        for task in tasks:
            task.future.add_done_callback(functools.partial(self._forget, task))
        return [task.future for task in tasks]

    def close(self, seconds: float) -> bool:
        """Stops accepting requests and waits for the accepted ones.

        Returns:
          Whether all of them ended within `seconds`.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _forget(self, task: _Task, _: Future) -> None:
        """Removes a task from the queue after it was cancelled."""
        with self._changed:
            if task in self._queue:
                self._drop(task)

    def _drop(self, task: _Task) -> None:
        del self._queue[task]
        self._queued_rows -= task.rows

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            # Outside the lock: a future that ends calls back.
            now = time.monotonic()
            if tasks := [task for task in batch if task.starts(now)]:
                self._run(tasks)
            with self._changed:
                rows = sum(task.rows for task in batch)
                self._running_rows -= Counter({batch[0].signature: rows})

    def _next_batch(self) -> list[_Task] | None:
        """Waits for a batch and removes it from the queue; None after the last one."""
        with self._changed:
            while not (tasks := self._take_due_batch()):
                if self._closed and not self._queue:
                    return None
                queues = self._by_signature()
                self._changed.wait(min(map(self._seconds_to_wait, queues), default=None))
            self._running_rows[tasks[0].signature] += sum(task.rows for task in tasks)
        return tasks

    def _take_due_batch(self) -> list[_Task]:
        """Removes a batch of the first signature with no delay left; empty if there is none."""
        for waiting in self._by_signature():
            if self._seconds_to_wait(waiting) <= 0:
                batch = self._first_batch(waiting)
                for task in batch:
                    self._drop(task)
                return batch
        return []

    def _by_signature(self) -> list[list[_Task]]:
        """Groups the queue by signature, in order of arrival."""
        by_signature: dict[BatchedSignature, list[_Task]] = {}
        for task in self._queue:
            by_signature.setdefault(task.signature, []).append(task)
        return list(by_signature.values())

    def _seconds_to_wait(self, waiting: Sequence[_Task]) -> float:
        """Seconds until these tasks of one signature are due; 0 or less if they are."""
        first, rows = waiting[0], sum(task.rows for task in waiting)
        return self._batching_delay(first.signature, rows, first.queued_at)

    def _batching_delay(self, signature: BatchedSignature, rows: int, since: float) -> float:
        """Seconds until the batch of a signature is run, full or not; 0 or less if at once.

        Args:
          signature: the signature.
          rows: number of its texts in the queue.
          since: arrival of the first of them, on the clock of `time.monotonic`.
        """
        if self._closed or not signature.shares_batches or rows >= self._settings.max_batch_size:
            return 0.0
        now = time.monotonic()
        return max(
            since + self._settings.batch_timeout_seconds - now,
            self._clients_of(signature).seconds_to_wait(now),
        )

    def _clients_of(self, signature: BatchedSignature) -> ReturningClients:
        return self._clients.setdefault(signature, ReturningClients())

    def _first_batch(self, waiting: Sequence[_Task]) -> list[_Task]:
        """The first tasks of one signature: a worker's share, at most a batch, at least one."""
        signature = waiting[0].signature
        if not signature.shares_batches:
            return [waiting[0]]
        totals = list(itertools.accumulate(task.rows for task in waiting))
        share = math.ceil((totals[-1] + self._running_rows[signature]) / self._settings.workers)
        most = min(share, self._settings.max_batch_size)
        return list(waiting[: max(1, sum(total <= most for total in totals))])

    def _run(self, batch: Sequence[_Task]) -> None:
        """Runs a batch and sets the result or error of each of its tasks."""
        signature = batch[0].signature
        started = time.monotonic()
        try:
            outputs = signature.run(concatenate([task.inputs for task in batch]))
            ends = itertools.accumulate(task.rows for task in batch)
            answers = [
                slice_rows(outputs, end - task.rows, end)
                for task, end in zip(batch, ends, strict=True)
            ]
        except Exception as error:  # of any kind: the caller of the future handles it
            if len(batch) == 1:
                batch[0].future.set_exception(error)
            else:
                for task in batch:
                    self._run([task])
            return
        waited = [started - task.queued_at for task in batch]
        self._note(signature, sum(task.rows for task in batch), waited, started)
        for task, answer in zip(batch, answers, strict=True):
            task.future.set_result(answer)

    def _note(
        self, signature: BatchedSignature, rows: int, waited: Sequence[float], started: float
    ) -> None:
        """Records a batch after it was run and informs the observer."""
        ended = time.monotonic()
        with self._changed:
            self._clients_of(signature).answered(len(waited), ended, ended - started)
        if self._observer is not None:
            self._observer.batch_ended(rows, waited, ended - started)
