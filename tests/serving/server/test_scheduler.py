import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager

import grpc
import numpy as np
import pytest

from serving.server.errors import RequestError
from serving.server.returning_clients import PATIENCE
from serving.server.scheduler import BatchScheduler
from serving.server.settings import BatchSettings
from serving.server.slicing import Inputs
from tests.serving.server.fake_model import LONG, REFUSED, fake_answers


class RecordingSignature:
    """A model that records its batches, and waits for `may_answer` before it answers."""

    def __init__(self, shares_batches: bool = True):
        self.shares_batches = shares_batches
        self.batches: list[list[bytes]] = []
        self.started = threading.Semaphore(0)
        self.may_answer = threading.Event()
        self.may_answer.set()

    def run(self, inputs: Inputs) -> dict[str, np.ndarray]:
        self.batches.append(list(inputs["text"]))
        self.started.release()
        assert self.may_answer.wait(LONG)
        return fake_answers("serving_default", inputs)

    @contextmanager
    def busy(self, scheduler: BatchScheduler, workers: int = 1) -> Iterator[None]:
        """Keeps workers busy with a text each, so requests sent meanwhile stay in the queue."""
        self.may_answer.clear()
        for _ in range(workers):
            scheduler.submit(self, [{"text": [b"first"]}], None)
            assert self.started.acquire(timeout=LONG)
        self.batches.clear()
        yield
        self.may_answer.set()


Start = Callable[..., BatchScheduler]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[BatchScheduler] = []

    def start_scheduler(**settings: float) -> BatchScheduler:
        scheduler = BatchScheduler(BatchSettings(**{"workers": 1, **settings}))  # type: ignore[arg-type]
        started.append(scheduler)
        return scheduler

    yield start_scheduler
    for scheduler in started:
        assert scheduler.close(LONG)


def _send(
    scheduler: BatchScheduler,
    signature: RecordingSignature,
    *texts: bytes,
    deadline: float | None = None,
) -> Future:
    (future,) = scheduler.submit(signature, [{"text": list(texts)}], deadline)
    return future


def _translations(futures: Sequence[Future]) -> list[list[bytes]]:
    return [future.result(LONG)["translation"].tolist() for future in futures]


def test_requests_that_came_while_the_model_was_busy_run_together(start: Start) -> None:
    scheduler, signature = start(), RecordingSignature()
    with signature.busy(scheduler):
        futures = [_send(scheduler, signature, text) for text in (b"a", b"b c", b"d")]
    assert _translations(futures) == [[b"A"], [b"B C"], [b"D"]]
    assert signature.batches == [[b"a", b"b c", b"d"]]


def test_a_reply_has_the_shape_that_it_would_have_alone(start: Start) -> None:
    scheduler, signature = start(), RecordingSignature()
    with signature.busy(scheduler):
        short = _send(scheduler, signature, b"a")
        _send(scheduler, signature, b"one two three four")
    outputs, alone = short.result(LONG), fake_answers("serving_default", {"text": [b"a"]})
    assert signature.batches == [[b"a", b"one two three four"]]
    assert outputs.keys() == alone.keys()
    for name, values in alone.items():
        np.testing.assert_array_equal(outputs[name], values)


def test_the_texts_of_one_request_stay_together(start: Start) -> None:
    scheduler, signature = start(max_batch_size=4), RecordingSignature()
    with signature.busy(scheduler):
        for texts in ((b"a", b"b", b"c"), (b"d", b"e"), (b"f",)):
            _send(scheduler, signature, *texts)
    scheduler.close(LONG)
    assert signature.batches == [[b"a", b"b", b"c"], [b"d", b"e", b"f"]]


def test_only_requests_for_the_same_signature_run_together(start: Start) -> None:
    scheduler, signature, other = start(), RecordingSignature(), RecordingSignature()
    with signature.busy(scheduler):
        for each, text in ((signature, b"a"), (other, b"b"), (signature, b"c"), (other, b"d")):
            _send(scheduler, each, text)
    scheduler.close(LONG)
    assert (signature.batches, other.batches) == ([[b"a", b"c"]], [[b"b", b"d"]])


def test_what_cannot_be_cut_apart_runs_alone(start: Start) -> None:
    scheduler, signature = start(), RecordingSignature(shares_batches=False)
    with signature.busy(scheduler):
        for text in (b"a", b"b"):
            _send(scheduler, signature, text)
    scheduler.close(LONG)
    assert signature.batches == [[b"a"], [b"b"]]


def test_a_batch_that_may_wait_is_filled(start: Start) -> None:
    scheduler, signature = start(max_batch_size=3, batch_timeout_seconds=LONG), RecordingSignature()
    futures = [_send(scheduler, signature, text) for text in (b"a", b"b", b"c")]
    assert _translations(futures) == [[b"A"], [b"B"], [b"C"]]
    assert signature.batches == [[b"a", b"b", b"c"]]


def test_a_batch_that_is_not_filled_runs_when_its_time_is_up(start: Start) -> None:
    scheduler, signature = start(batch_timeout_seconds=0.01), RecordingSignature()
    assert _translations([_send(scheduler, signature, b"a")]) == [[b"A"]]


def test_a_signature_waiting_for_its_batch_delays_no_other(start: Start) -> None:
    scheduler = start(batch_timeout_seconds=LONG)
    _send(scheduler, RecordingSignature(), b"a")
    alone = RecordingSignature(shares_batches=False)
    assert _translations([_send(scheduler, alone, b"b")]) == [[b"B"]]


def _expect_to_come_back(
    scheduler: BatchScheduler, signature: RecordingSignature, requests: int
) -> None:
    """Simulates requests answered just now, from clients that came back before."""
    clients, now = scheduler._clients_of(signature), time.monotonic()
    clients.answered(1, now - 1.0, 1.0)
    clients.came(1, now - 0.9)
    clients.answered(requests, now, LONG)


def test_clients_that_will_come_back_are_waited_for(start: Start) -> None:
    scheduler, signature = start(), RecordingSignature()
    _expect_to_come_back(scheduler, signature, 2)
    both = [_send(scheduler, signature, text) for text in (b"a", b"b")]
    assert _translations(both) == [[b"A"], [b"B"]]
    assert signature.batches == [[b"a", b"b"]]


def test_a_client_by_itself_waits_for_nobody(start: Start) -> None:
    scheduler, signature = start(), RecordingSignature()
    _expect_to_come_back(scheduler, signature, 1)
    started = time.monotonic()
    _translations([_send(scheduler, signature, b"a")])
    assert time.monotonic() - started < PATIENCE * LONG


def test_a_request_whose_deadline_passed_in_the_queue_never_reaches_the_model(
    start: Start,
) -> None:
    scheduler, signature = start(), RecordingSignature()
    with signature.busy(scheduler):
        late = _send(scheduler, signature, b"late", deadline=time.monotonic())
        in_time = _send(scheduler, signature, b"in time", deadline=time.monotonic() + LONG)
    assert _translations([in_time]) == [[b"IN TIME"]]
    with pytest.raises(RequestError) as refused:
        late.result(LONG)
    assert refused.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert signature.batches == [[b"in time"]]


def test_a_cancelled_request_leaves_the_queue_and_its_place(start: Start) -> None:
    scheduler, signature = start(max_queued_rows=1), RecordingSignature()
    with signature.busy(scheduler):
        cancelled = _send(scheduler, signature, b"gone")
        assert cancelled.cancel()
        assert scheduler.queued_rows == 0
        _send(scheduler, signature, b"next")
    scheduler.close(LONG)
    assert signature.batches == [[b"next"]]
    with pytest.raises(CancelledError):
        cancelled.result(LONG)


def test_a_full_queue_refuses_and_says_how_full_it_is(start: Start) -> None:
    scheduler, signature = start(max_queued_rows=2), RecordingSignature()
    with signature.busy(scheduler):
        _send(scheduler, signature, b"a", b"b")
        with pytest.raises(RequestError, match="2 texts wait, 1 more were sent, and 2 may") as full:
            _send(scheduler, signature, b"c")
    assert full.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_of_a_request_in_pieces_either_all_are_queued_or_none(start: Start) -> None:
    scheduler, signature = start(max_queued_rows=3), RecordingSignature()
    with signature.busy(scheduler):
        with pytest.raises(RequestError):
            scheduler.submit(signature, [{"text": [b"a", b"b"]}, {"text": [b"c", b"d"]}], None)
        assert scheduler.queued_rows == 0


def test_where_a_batch_fails_only_the_culprit_does(start: Start) -> None:
    scheduler, signature = start(), RecordingSignature()
    with signature.busy(scheduler):
        good, bad = _send(scheduler, signature, b"a"), _send(scheduler, signature, REFUSED)
        also_good = _send(scheduler, signature, b"b")
    assert _translations([good, also_good]) == [[b"A"], [b"B"]]
    with pytest.raises(RequestError, match="refuses this text"):
        bad.result(LONG)


def test_several_workers_run_batches_at_the_same_time(start: Start) -> None:
    scheduler, signature = start(workers=2), RecordingSignature()
    with signature.busy(scheduler, workers=2):
        pass  # both texts have started before either could end


def test_a_worker_takes_no_more_than_its_share(start: Start) -> None:
    scheduler, signature = start(workers=2), RecordingSignature()
    with signature.busy(scheduler, workers=2):
        texts = (b"a", b"b", b"c", b"d", b"e", b"f")
        futures = [_send(scheduler, signature, text) for text in texts]
    _translations(futures)
    # Six texts wait and one runs when the first worker is free; its share is half of the seven.
    assert signature.batches[0] == [b"a", b"b", b"c", b"d"]


def test_what_has_ended_counts_no_more(start: Start) -> None:
    scheduler, signature = start(workers=2), RecordingSignature()
    for text in (b"a", b"b"):
        _translations([_send(scheduler, signature, text)])
    scheduler.close(LONG)
    assert not scheduler._running_rows


def test_only_the_workers_run_the_model(start: Start) -> None:
    scheduler, signature = start(workers=2), RecordingSignature()
    threads = set()
    signature.run = lambda inputs: (  # type: ignore[method-assign]
        threads.add(threading.current_thread().name),
        fake_answers("serving_default", inputs),
    )[1]
    for text in (b"a", b"b", b"c"):
        _translations([_send(scheduler, signature, text)])
    assert threads <= {"model-0", "model-1"}


def test_a_closed_scheduler_ends_what_it_took_and_takes_no_more(start: Start) -> None:
    scheduler, signature = start(), RecordingSignature()
    with signature.busy(scheduler):
        queued = _send(scheduler, signature, b"queued")
        assert not scheduler.close(0)
        with pytest.raises(RequestError) as refused:
            _send(scheduler, signature, b"late")
        assert refused.value.code is grpc.StatusCode.UNAVAILABLE
    assert _translations([queued]) == [[b"QUEUED"]]
    assert scheduler.close(LONG)
