"""The client for asyncio: the calls of `serving.client.sync_client` as coroutines."""

import asyncio
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Iterable,
    Mapping,
    Sequence,
)
from typing import Any, Self, TypeVar

import grpc

from serving.client.base import ConfiguredClient
from serving.client.connection import bind
from serving.client.errors import BatchFailed, InvalidSettings
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
from text.glossary import Glossary

Result = TypeVar("Result")
Texts = Iterable[str | bytes] | AsyncIterable[str | bytes]


class AsyncTranslationClient(ConfiguredClient):
    """Translates with a model server; bound to the event loop of its first call.

        async with AsyncTranslationClient("localhost:8500", model="debian") as client:
            [translation] = await client.translate(["The cat is on the mat."])

    Cancelling a waiting task also cancels its requests on the server.
    """

    def _open(self) -> None:
        self._in_flight = asyncio.Semaphore(self._max_in_flight)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._channel: grpc.aio.Channel | None = None
        self._methods: Mapping[Method, Any] = {}
        if self._connection.tls is not None:
            self._connection.tls.credentials()  # reports an invalid file now, not at the first call

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connection; pending calls of other tasks end with `ClientClosed`."""
        self._is_closed = True
        if self._channel is not None:
            await self._channel.close()

    async def translate(
        self,
        texts: Sequence[str | bytes],
        n_best: bool = False,
        timeout: float | None = None,
        split: bool = True,
        glossary: Glossary | None = None,
    ) -> list[Translation]:
        """Translates texts; see `TranslationClient.translate`."""
        self._require_open()
        return await self._translate(texts, n_best, self._seconds(timeout), split, glossary)

    def translate_stream(
        self,
        texts: Texts,
        n_best: bool = False,
        timeout: float | None = None,
        split: bool = True,
        glossary: Glossary | None = None,
    ) -> AsyncGenerator[Translation, None]:
        """Translates texts while they are read; see `TranslationClient.translate_stream`.

        Args:
          texts: an asynchronous iterable, or an ordinary one that does not block the event loop.
          n_best: whether to return all hypotheses of the beam.
          timeout: seconds for each request, by default the client's.
          split: as for `TranslationClient.translate`.

        Returns:
          An asynchronous generator. If you leave it early, close it, best with
          `contextlib.aclosing`; this cancels the pending requests.

        Raises:
          ServingError: as `TranslationClient.translate_stream`.
        """
        self._require_open()
        require_several(texts)
        return self._stream(texts, n_best, self._seconds(timeout), split, glossary)

    async def score(
        self,
        texts: Sequence[str | bytes],
        targets: Sequence[str | bytes],
        timeout: float | None = None,
    ) -> list[ScoredTranslation]:
        """Scores given translations by forced decoding; see `TranslationClient.score`."""
        self._require_open()
        return await self._answer(scoring_job(texts, targets), self._seconds(timeout))

    async def source_attention(
        self, texts: Sequence[str | bytes], timeout: float | None = None
    ) -> list[SourceAttention]:
        """Shows where the encoder looks; see `TranslationClient.source_attention`."""
        self._require_open()
        return await self._answer(source_attention_job(texts), self._seconds(timeout))

    async def status(self, timeout: float | None = None) -> list[VersionStatus]:
        """Requests the versions and their states; see `TranslationClient.status`."""
        request = status_request(self._model)
        return read_status(await self._ask(GET_MODEL_STATUS, request, self._seconds(timeout)))

    async def metadata(self, timeout: float | None = None) -> ModelMetadata:
        """Requests the signatures of the model; see `TranslationClient.metadata`."""
        request = metadata_request(self._model)
        return read_metadata(await self._ask(GET_MODEL_METADATA, request, self._seconds(timeout)))

    async def check_model(self, timeout: float | None = None) -> ModelMetadata:
        """Checks the model's signatures; see `TranslationClient.check_model`."""
        return self._checked(await self.metadata(timeout))

    async def _stream(
        self, texts: Texts, n_best: bool, timeout: float, split: bool, glossary: Glossary | None
    ) -> AsyncGenerator[Translation, None]:
        flights: deque[asyncio.Task[list[Translation]]] = deque()
        try:
            async for window in _windows(texts, self._window):
                answers = self._translate(window, n_best, timeout, split, glossary)
                flights.append(asyncio.create_task(answers))
                if len(flights) > 1:
                    for translation in await flights[0]:
                        yield translation
                    flights.popleft()
            while flights:
                for translation in await flights[0]:
                    yield translation
                flights.popleft()
        finally:
            await _give_up(flights)

    async def _translate(
        self,
        texts: Sequence[str | bytes],
        n_best: bool,
        timeout: float,
        split: bool,
        glossary: Glossary | None,
    ) -> list[Translation]:
        whole = self._split(texts, split, glossary)
        return whole.join(await self._answer(translation_job(whole.sentences, n_best), timeout))

    async def _answer(self, job: Job[Result], timeout: float) -> list[Result]:
        """Sends the batches of a job, at most `max_in_flight` at a time, and waits for all."""

        async def answer(batch: Sequence[int]) -> list[Result]:
            failure: BatchFailed | None = None
            async with self._in_flight:
                for rows, seconds in self._attempts(len(batch), timeout):
                    request = job.request(self._model, batch, rows)
                    try:
                        return job.results(await self._ask(PREDICT, request, seconds), batch, rows)
                    except BatchFailed as error:
                        failure = error
            assert failure is not None
            raise failure

        batches = job.batches(self._batch_size)
        tasks = [asyncio.create_task(answer(batch)) for batch in batches]
        try:
            return in_order(batches, await asyncio.gather(*tasks))
        finally:
            await _give_up(tasks)

    async def _ask(self, method: Method, request: Any, timeout: float) -> Any:
        """Sends a request, with the attempts of the retry policy, and waits for its reply."""
        self._require_open()
        self._connect()
        try:
            return await self._methods[method](request, **self._settings(timeout))
        except grpc.RpcError as error:
            raise self._error_of(error, timeout) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                self._require_open()  # closing cancels the calls, not the tasks waiting for them
            raise

    def _connect(self) -> None:
        """Creates the channel at the first call: before it, there may be no event loop."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop, self._channel = loop, self._connection.open_async()
            self._methods = bind(self._channel)
        elif self._loop is not loop:
            raise InvalidSettings(
                "This client belongs to another event loop: create a client in each loop."
            )


async def _give_up(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels tasks and waits until they have ended."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _windows(texts: Texts, size: int) -> AsyncIterator[list[str | bytes]]:
    """Yields consecutive texts in lists, as `windows`, from an iterable of either kind."""
    if not isinstance(texts, AsyncIterable):
        for window in windows(texts, size):
            yield window
        return
    window = []
    async for text in texts:
        window.append(text)
        if len(window) == size:
            yield window
            window = []
    if window:
        yield window
