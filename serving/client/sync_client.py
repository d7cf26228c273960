"""The client for threads, with blocking calls."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent import futures
from typing import Any, Generic, Self, TypeVar

import grpc

from serving.client.base import ConfiguredClient
from serving.client.connection import bind
from serving.client.errors import BatchFailed
from serving.client.model_info import (
    ModelMetadata,
    VersionStatus,
    metadata_request,
    read_metadata,
    read_status,
    status_request,
)
from serving.client.requests import (
    Job,
    require_several,
    scoring_job,
    source_attention_job,
    translation_job,
)
from serving.contract.batching import in_order, windows
from serving.contract.source_attention import SourceAttention
from serving.contract.translation import ScoredTranslation, Translation
from serving.protocol.messages import GET_MODEL_METADATA, GET_MODEL_STATUS, PREDICT, Method
from serving.segments.splitting import SplitTexts
from text.glossary import Glossary

Result = TypeVar("Result")


class _Flight(Generic[Result]):
    """The requests for one list of texts; they can be cancelled together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.answers: list[futures.Future[list[Result]]] = []
        self._calls: set[grpc.Future] = set()
        self._is_given_up = False
        self._lock = threading.Lock()

    def reply(self, start: Callable[[], Any]) -> Any:
        """Starts a call and waits for its reply."""
        with self._lock:
            if self._is_given_up:
                raise futures.CancelledError
            call = start()
            self._calls.add(call)
        try:
            return call.result()
        finally:
            with self._lock:
                self._calls.discard(call)

    def give_up(self) -> None:
        """Cancels the pending calls and starts no further ones."""
        for answer in self.answers:
            answer.cancel()
        with self._lock:
            self._is_given_up = True
            calls = list(self._calls)
        for call in calls:
            call.cancel()


class TranslationClient(ConfiguredClient):
    """Translates with a model server; threads may share it, but it does not survive a fork.

    Failures raise a subclass of `ServingError` from `serving.client.errors`, with a remedy in its
    message.
    """

    def _open(self) -> None:
        self._channel = self._connection.open()
        self._methods = bind(self._channel)
        self._workers = futures.ThreadPoolExecutor(
            self._max_in_flight, thread_name_prefix="translation-client"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; pending calls of other threads end with `ClientClosed`."""
        self._is_closed = True
        self._channel.close()
        self._workers.shutdown(cancel_futures=True)

    def translate(
        self,
        texts: Sequence[str | bytes],
        n_best: bool = False,
        timeout: float | None = None,
        split: bool = True,
        glossary: Glossary | None = None,
    ) -> list[Translation]:
        """Translates texts.

        Args:
          texts: any number; an empty list sends no request. Invalid UTF-8 is read as U+FFFD.
          n_best: whether to return all hypotheses of the beam.
          timeout: seconds for each request, by default the client's.
          split: whether to translate each sentence of a text by itself, as the model was trained.
          glossary: terms that the translations must have; see `text.glossary`. They are written by
            this client, so any server and any version will do.

        Returns:
          One translation per text, in the order of the texts.

        Raises:
          ServingError: a request failed; the requests for the other texts are cancelled.
        """
        self._require_open()
        whole = self._split(texts, split, glossary)
        job = translation_job(whole.sentences, n_best)
        return whole.join(self._receive(self._send(job, self._seconds(timeout))))

    def translate_stream(
        self,
        texts: Iterable[str | bytes],
        n_best: bool = False,
        timeout: float | None = None,
        split: bool = True,
        glossary: Glossary | None = None,
    ) -> Generator[Translation, None, None]:
        """Translates texts while they are read, such as a file's lines, in constant memory.

        Consecutive texts form a window, sorted by length into batches. While the caller reads the
        translations of one window, the next is already sent. So up to
        `2 * batch_size * max_in_flight` texts are read ahead.

        Args:
          texts: any number, even an infinite iterable.
          n_best: whether to return all hypotheses of the beam.
          timeout: seconds for each request, by default the client's.
          split, glossary: as for `translate`.

        Returns:
          A generator of one translation per text, in the order of the texts. Closing it cancels the
          pending requests.

        Raises:
          ServingError: a request failed. The unread translations of its window are lost.
        """
        self._require_open()
        require_several(texts)
        return self._stream(texts, n_best, self._seconds(timeout), split, glossary)

    def score(
        self,
        texts: Sequence[str | bytes],
        targets: Sequence[str | bytes],
        timeout: float | None = None,
    ) -> list[ScoredTranslation]:
        """Scores given translations by forced decoding.

        Args:
          texts: the sources.
          targets: a translation of each.
          timeout: seconds for each request, by default the client's.

        Returns:
          One result per pair, in order, with each target token's log-probability and attention.

        Raises:
          ValueError: the numbers of targets and texts differ.
          ServingError: a request failed; the requests for the other pairs are cancelled.
        """
        self._require_open()
        return self._receive(self._send(scoring_job(texts, targets), self._seconds(timeout)))

    def source_attention(
        self, texts: Sequence[str | bytes], timeout: float | None = None
    ) -> list[SourceAttention]:
        """Shows where an encoder of self-attention looks in each text.

        Args:
          texts: [batch], each read as a whole.
          timeout: seconds for each request, by default the client's.

        Returns:
          One result per text, in order.

        Raises:
          ServingError: a request failed, as the model has no such encoder, for example.
        """
        self._require_open()
        return self._receive(self._send(source_attention_job(texts), self._seconds(timeout)))

    def status(self, timeout: float | None = None) -> list[VersionStatus]:
        """Requests the versions of the model on the server, and their states.

        Args:
          timeout: seconds for the request, by default the client's.

        Returns:
          All versions known to the server, the highest first.

        Raises:
          ServingError: the request failed.
        """
        request = status_request(self._model)
        return read_status(self._ask(GET_MODEL_STATUS, request, self._seconds(timeout), _Flight()))

    def metadata(self, timeout: float | None = None) -> ModelMetadata:
        """Requests the signatures of the model, with their tensors.

        Args:
          timeout: seconds for the request, by default the client's.

        Raises:
          ServingError: the request failed.
        """
        request = metadata_request(self._model)
        return read_metadata(
            self._ask(GET_MODEL_METADATA, request, self._seconds(timeout), _Flight())
        )

    def check_model(self, timeout: float | None = None) -> ModelMetadata:
        """Checks if the model has the signatures needed by this client.

        Args:
          timeout: seconds for the request, by default the client's.

        Returns:
          Its metadata.

        Raises:
          UnsuitableModel: some are missing or have another form; the message names all of them.
          ServingError: the request failed.
        """
        return self._checked(self.metadata(timeout))

    def _stream(
        self,
        texts: Iterable[str | bytes],
        n_best: bool,
        timeout: float,
        split: bool,
        glossary: Glossary | None,
    ) -> Generator[Translation, None, None]:
        flights: deque[tuple[SplitTexts, _Flight[Translation]]] = deque()

        def receive() -> list[Translation]:
            whole, flight = flights.popleft()
            return whole.join(self._receive(flight))

        try:
            for window in windows(texts, self._window):
                whole = self._split(window, split, glossary)
                job = translation_job(whole.sentences, n_best)
                flights.append((whole, self._send(job, timeout)))
                if len(flights) > 1:
                    yield from receive()
            while flights:
                yield from receive()
        finally:
            for _, flight in flights:
                flight.give_up()

    def _send(self, job: Job[Result], timeout: float) -> _Flight[Result]:
        """Submits the batches of a job to the workers, one worker per request in flight."""
        flight: _Flight[Result] = _Flight()

        def answer(batch: Sequence[int]) -> list[Result]:
            failure: BatchFailed | None = None
            for rows, seconds in self._attempts(len(batch), timeout):
                request = job.request(self._model, batch, rows)
                try:
                    return job.results(self._ask(PREDICT, request, seconds, flight), batch, rows)
                except BatchFailed as error:
                    failure = error
            assert failure is not None
            raise failure

        for batch in job.batches(self._batch_size):
            try:
                flight.answers.append(self._workers.submit(answer, batch))
            except RuntimeError:
                self._require_open()  # if another thread closed the client meanwhile
                raise
            flight.batches.append(batch)
        return flight

    def _receive(self, flight: _Flight[Result]) -> list[Result]:
        """Waits for all answers, or for the first failure."""
        try:
            done, _ = futures.wait(flight.answers, return_when=futures.FIRST_EXCEPTION)
            for answer in done:
                answer.result()
            return in_order(flight.batches, [answer.result() for answer in flight.answers])
        except futures.CancelledError:
            self._require_open()
            raise
        finally:
            flight.give_up()

    def _ask(self, method: Method, request: Any, timeout: float, flight: _Flight) -> Any:
        """Sends a request, with the attempts of the retry policy, and waits for its reply."""
        self._require_open()
        try:
            return flight.reply(
                lambda: self._methods[method].future(request, **self._settings(timeout))
            )
        except grpc.RpcError as error:
            self._require_open()  # on a closed channel, a call fails with this or a ValueError
            raise self._error_of(error, timeout) from error
        except ValueError:
            self._require_open()
            raise
