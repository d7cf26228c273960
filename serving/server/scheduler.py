"""Runs concurrent requests together: a queue, and worker threads that each take a batch from it.

A batch holds requests for one signature of one version, in the order in which they came; the texts
of one request stay together. A worker that is free takes what is there, so batches form by
themselves while the model is busy, and grow with the load; but it takes no more than its share of
the texts that wait or run, so that all workers are busy. Clients that were just answered and are
about to send again are waited for (`serving.server.returning_clients`). A client by itself waits
for nobody: its request may even be run in the thread that brought it, in a worker's stead.

The texts of a request that was cancelled, or whose deadline passed while it waited, never reach the
model. Where a batch of several requests fails, each is run again alone, so that nobody fails for
another's text.
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

from serving.server.cutting import Inputs, Outputs, concatenate, cut, rows_of
from serving.server.errors import RequestError, shutting_down, too_late
from serving.server.returning_clients import ReturningClients
from serving.server.settings import BatchSettings


class Lane(Protocol):
    """A signature of a version; only requests of the same lane, the same object, share a batch."""

    @property
    def shares_batches(self) -> bool:
        """Whether its answers can be cut into those of each request."""

    def run(self, inputs: Inputs) -> Outputs:
        """Answers the texts; blocks until it has."""


class BatchObserver(Protocol):
    """Is told what runs."""

    def batch_ended(self, rows: int, waited: Sequence[float], seconds: float) -> None:
        """A batch has been answered.

        Args:
          rows: its texts.
          waited: how long each of its requests was in the queue, in seconds.
          seconds: how long the model took.
        """


@dataclass(eq=False)
class _Task:
    """A request, or a piece of one, that waits for its turn."""

    lane: Lane
    inputs: Inputs
    rows: int
    deadline: float | None
    queued_at: float = field(default_factory=time.monotonic)
    future: "Future[Outputs]" = field(default_factory=Future)

    def starts(self, now: float) -> bool:
        """Marks it as running, unless it is too late for that or nobody wants it any more."""
        if not self.future.set_running_or_notify_cancel():
            return False
        if self.deadline is not None and now >= self.deadline:
            self.future.set_exception(too_late())
            return False
        return True


class BatchScheduler:
    """A queue of requests and the threads that work it off."""

    def __init__(self, settings: BatchSettings, observer: BatchObserver | None = None):
        """Starts the threads; `close` ends them."""
        self._settings = settings
        self._observer = observer
        self._queue: dict[_Task, None] = {}  # in order of arrival, and quick to remove from
        self._queued_rows = 0
        self._running_rows: Counter[Lane] = Counter()
        self._free = settings.workers  # how many more batches may run
        self._clients: MutableMapping[Lane, ReturningClients] = weakref.WeakKeyDictionary()
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
        """Texts that wait."""
        return self._queued_rows

    def run_here(self, lane: Lane, inputs: Inputs, deadline: float | None) -> Outputs | None:
        """Runs a request in the caller's thread, where a worker would take it at once and alone.

        That saves the way to the worker's thread and back.

        Args:
          lane: what is to answer.
          inputs: at most `max_batch_size` texts.
          deadline: by `time.monotonic`; None for no end.

        Returns:
          The outputs; None where the request has to wait in the queue.

        Raises:
          RequestError: DEADLINE_EXCEEDED; or whatever the model raises.
        """
        rows, started = rows_of(inputs), time.monotonic()
        with self._changed:
            seconds = self._seconds_of_company(lane, rows, started, requests_coming=1)
            has_to_wait = self._queue or seconds > 0
            if self._closed or not self._free or has_to_wait:
                return None
            self._clients_of(lane).came(1, started)
            self._begin(lane, rows)
        try:
            outputs = cut(lane.run(inputs), 0, rows)
        finally:
            self._end(lane, rows)
        self._note(lane, rows, [0.0], started)
        if deadline is not None and time.monotonic() >= deadline:
            raise too_late()
        return outputs

    def submit(self, lane: Lane, pieces: Sequence[Inputs], deadline: float | None) -> list[Future]:
        """Queues the pieces of one request: all of them, or none.

        Args:
          lane: what is to answer.
          pieces: each of at most `max_batch_size` texts.
          deadline: by `time.monotonic`; None for no end.

        Returns:
          One future for each piece, of its outputs; cancel it to give up its place.

        Raises:
          RequestError: RESOURCE_EXHAUSTED where the queue is too full, UNAVAILABLE once closed.
        """
        tasks = [_Task(lane, piece, rows_of(piece), deadline) for piece in pieces]
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
            self._clients_of(lane).came(len(tasks), time.monotonic())
            self._changed.notify(len(tasks))
        for task in tasks:
            task.future.add_done_callback(functools.partial(self._forget, task))
        return [task.future for task in tasks]

    def close(self, seconds: float) -> bool:
        """Takes no more requests, and waits for those that were taken.

        Returns:
          Whether all of them ended within `seconds`.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            # Including what runs in the threads of its callers.
            is_idle = self._changed.wait_for(self._has_nothing_to_do, seconds)
        for thread in self._threads:
            thread.join(seconds if is_idle else 0)
        return is_idle and not any(thread.is_alive() for thread in self._threads)

    def _has_nothing_to_do(self) -> bool:
        return not self._queue and self._free == self._settings.workers

    def _forget(self, task: _Task, _: Future) -> None:
        """Frees the place of a task that was cancelled while it waited."""
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
            self._end(batch[0].lane, sum(task.rows for task in batch))

    def _next_batch(self) -> list[_Task] | None:
        """Waits for tasks and takes those that run together; None once all is done."""
        with self._changed:
            while not (tasks := self._take_what_is_due()):
                if self._closed and not self._queue:
                    return None
                waits = [self._seconds_to_wait(tasks) for tasks in self._lanes() if self._free]
                self._changed.wait(min(waits, default=None))
            self._begin(tasks[0].lane, sum(task.rows for task in tasks))
        return tasks

    def _begin(self, lane: Lane, rows: int) -> None:
        self._free -= 1
        self._running_rows[lane] += rows

    def _end(self, lane: Lane, rows: int) -> None:
        with self._changed:
            self._free += 1
            self._running_rows -= Counter({lane: rows})
            if self._closed:
                self._changed.notify_all()
            elif self._queue:
                self._changed.notify()

    def _take_what_is_due(self) -> list[_Task]:
        """Takes a batch of the first lane that need not wait for company."""
        for waiting in self._lanes() if self._free else ():
            if self._seconds_to_wait(waiting) <= 0:
                batch = self._first_batch(waiting)
                for task in batch:
                    self._drop(task)
                return batch
        return []

    def _lanes(self) -> list[list[_Task]]:
        """The tasks of each lane in order of arrival, the lane of the oldest task first."""
        lanes: dict[Lane, list[_Task]] = {}
        for task in self._queue:
            lanes.setdefault(task.lane, []).append(task)
        return list(lanes.values())

    def _seconds_to_wait(self, waiting: Sequence[_Task]) -> float:
        """How long the tasks of a lane should still wait for company; 0 or less if no longer."""
        first, rows = waiting[0], sum(task.rows for task in waiting)
        return self._seconds_of_company(first.lane, rows, first.queued_at)

    def _seconds_of_company(
        self, lane: Lane, rows: int, since: float, requests_coming: int = 0
    ) -> float:
        """The same of a lane with so many texts, the first of which came at `since`;
        so many requests among them were not noted as having come."""
        if self._closed or not lane.shares_batches or rows >= self._settings.max_batch_size:
            return 0.0
        now = time.monotonic()
        return max(
            since + self._settings.batch_timeout_seconds - now,
            self._clients_of(lane).seconds_to_wait(now, requests_coming),
        )

    def _clients_of(self, lane: Lane) -> ReturningClients:
        return self._clients.setdefault(lane, ReturningClients())

    def _first_batch(self, waiting: Sequence[_Task]) -> list[_Task]:
        """The first tasks of a lane, as many as are a worker's share and fit into a batch, and at
        least one."""
        lane = waiting[0].lane
        if not lane.shares_batches:
            return [waiting[0]]
        totals = list(itertools.accumulate(task.rows for task in waiting))
        share = math.ceil((totals[-1] + self._running_rows[lane]) / self._settings.workers)
        most = min(share, self._settings.max_batch_size)
        return list(waiting[: max(1, sum(total <= most for total in totals))])

    def _run(self, batch: Sequence[_Task]) -> None:
        """Runs tasks together and gives each its own answer, or its own error."""
        lane = batch[0].lane
        started = time.monotonic()
        try:
            outputs = lane.run(concatenate([task.inputs for task in batch]))
            ends = itertools.accumulate(task.rows for task in batch)
            answers = [
                cut(outputs, end - task.rows, end) for task, end in zip(batch, ends, strict=True)
            ]
        except Exception as error:  # whatever it is, it belongs to who asked
            if len(batch) == 1:
                batch[0].future.set_exception(error)
            else:
                for task in batch:
                    self._run([task])
            return
        waited = [started - task.queued_at for task in batch]
        self._note(lane, sum(task.rows for task in batch), waited, started)
        for task, answer in zip(batch, answers, strict=True):
            task.future.set_result(answer)

    def _note(self, lane: Lane, rows: int, waited: Sequence[float], started: float) -> None:
        """Remembers a batch that was answered, and tells of it."""
        ended = time.monotonic()
        with self._changed:
            self._clients_of(lane).answered(len(waited), ended, ended - started)
        if self._observer is not None:
            self._observer.batch_ended(rows, waited, ended - started)
