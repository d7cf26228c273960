"""The gateway: serves the page's files, and forwards its requests to a model server over gRPC.

GET  /                the files of `static/`
GET  /api/model       the model, its languages, the example sentences
GET  /api/versions    the versions on the server
POST /api/translate   a text in, the beam's translations with their attention out
POST /api/source      a text in, where an encoder of self-attention looks out
POST /api/picture     a heatmap as a PNG or SVG file
     /translate, ...  the API of LibreTranslate, for other programs (`serving.web.libretranslate`)

A failed request is answered with `{"error": SENTENCE}`, and the page shows the sentence.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from serving.client import AsyncTranslationClient, RetryPolicy, ServingError
from serving.client.model_info import ModelChoice, VersionState, VersionStatus
from serving.contract.signatures import SOURCE_ATTENTION
from serving.heatmap.labels import printable
from serving.segments.splitting import SplitTexts
from serving.versions.directory import time_of
from serving.web import messages
from serving.web.disconnects import unless_gone
from serving.web.guards import Guards
from serving.web.libretranslate import LibreTranslate
from serving.web.page_errors import PageError, no_version, page_error
from serving.web.pictures import MEDIA_TYPES, PictureDrawer
from serving.web.scores import read_scores
from serving.web.settings import WebSettings
from text.direction import isolate_words

_STATIC = Path(__file__).parent / "static"
_MOST_BODY_BYTES = 4 << 20
"""Twice the size of the largest picture's matrix, with four decimals per weight."""
_MOST_SOURCE_WEIGHTS = 200_000
"""Weights between subwords in one answer; the first sentence is shown in any case."""
_RETRY = RetryPolicy(attempts=3)
"""A user waits, and half a second is enough to detect a missing server."""

_LOG = logging.getLogger(__name__)


def create_app(settings: WebSettings) -> ASGIApp:
    """Creates the ASGI application.

    Args:
      settings: the settings of the page.

    Raises:
      InvalidSettings: the server's address or a file of `tls` is invalid.
    """
    gateway = _Gateway(settings)
    api = FastAPI(
        openapi_url=None,  # its pages would load scripts from other servers
        max_body_size=_MOST_BODY_BYTES,
        # The users' texts are private.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        exception_handlers={
            PageError: _answer_page_error,
            RequestValidationError: _answer_invalid_request,
            HTTPException: _answer_http_error,
            Exception: _answer_failure,
        },
    )
    api.get("/api/model")(gateway.describe_model)
    api.get("/api/versions")(gateway.list_versions)
    api.post("/api/translate")(gateway.translate)
    api.post("/api/source")(gateway.show_source)
    api.post("/api/picture")(gateway.draw)
    LibreTranslate(settings, gateway.asking).add_routes(api)
    api.mount("/", StaticFiles(directory=_STATIC, html=True))
    return Guards(api, {settings.host, *settings.allowed_hosts})


class _Gateway:
    """The routes, as methods."""

    def __init__(self, settings: WebSettings):
        self._settings = settings
        self._drawer = PictureDrawer()
        # By version, whether its export shows where the encoder looks.
        self._shows_source: dict[int, bool] = {}
        self._client(None)  # raises an error for invalid settings now, not at the first request

    async def describe_model(self) -> messages.ModelAnswer:
        settings = self._settings
        return messages.ModelAnswer(
            model=settings.model,
            server=settings.server,
            source_language=settings.source_language,
            target_language=settings.target_language,
            examples=list(settings.examples),
            max_characters=settings.max_characters,
        )

    async def list_versions(self) -> messages.VersionsAnswer:
        statuses = await self._statuses()
        live = _live(statuses)
        return messages.VersionsAnswer(
            live=None if live is None else str(live),
            versions=[
                messages.VersionState(
                    version=str(each.version),
                    state=each.state.value,
                    is_available=each.state is VersionState.AVAILABLE,
                    problem=each.problem,
                    date=_date(each.version),
                    **read_scores(self._settings.model_directory, each.version),
                )
                for each in statuses
            ],
        )

    async def translate(
        self, asked: messages.TranslationRequest, request: Request
    ) -> messages.TranslationAnswer:
        self._check_text(asked.text)
        return await unless_gone(request, self._translate(asked))

    async def show_source(
        self, asked: messages.TranslationRequest, request: Request
    ) -> messages.SourceAnswer:
        self._check_text(asked.text)
        return await unless_gone(request, self._show_source(asked))

    async def _show_source(self, asked: messages.TranslationRequest) -> messages.SourceAnswer:
        """Answers for each sentence, as they are translated, up to a number of weights."""
        version = await self._live() if asked.version is None else int(asked.version)
        languages = self._settings.source_language, self._settings.target_language
        sentences = SplitTexts([asked.text], languages).sentences
        answer = messages.SourceAnswer(sentences=[], omitted=len(sentences))
        weights = 0
        async with self.asking(version) as client:
            for sentence in sentences:
                [found] = await client.source_attention([sentence])
                weights += found.weights.size
                if answer.sentences and weights > _MOST_SOURCE_WEIGHTS:
                    break
                answer.sentences.append(messages.SourceSentence.of(found))
                answer.omitted -= 1
        return answer

    async def draw(self, asked: messages.PictureRequest) -> Response:
        try:
            heatmap = asked.matrix.heatmap()
        except ValueError as error:
            raise PageError(422, str(error)) from error
        picture = await self._drawer.draw(heatmap, asked.format, asked.shown_title())
        return Response(
            picture.content,
            media_type=MEDIA_TYPES[asked.format],
            headers={
                "Content-Disposition": f'attachment; filename="attention.{asked.format}"',
                "Missing-Fonts": picture.missing_fonts,
            },
        )

    async def _translate(self, asked: messages.TranslationRequest) -> messages.TranslationAnswer:
        version = await self._live() if asked.version is None else int(asked.version)
        async with self.asking(version) as client:
            [best] = await client.translate(
                [asked.text], n_best=True, glossary=self._settings.glossary
            )
        hypotheses = [messages.Hypothesis.of(asked.text, each) for each in best.n_best]
        return messages.TranslationAnswer.model_construct(
            version=str(version),
            truncated=best.truncated,
            warnings=[isolate_words(printable(each)) for each in best.warnings],
            hypotheses=hypotheses,
            shows_source=await self._can_show_source(version),
        )

    async def _can_show_source(self, version: int) -> bool:
        if version not in self._shows_source:
            try:
                async with self._client(version) as client:
                    signatures = (await client.metadata()).signatures
            except ServingError:  # there is a translation all the same
                return False
            self._shows_source[version] = SOURCE_ATTENTION in signatures
        return self._shows_source[version]

    def _check_text(self, text: str) -> None:
        most = self._settings.max_characters
        if not text.strip():
            raise PageError(422, "There is no text yet. Type a sentence.")
        if len(text) > most:
            raise PageError(
                422,
                f"This text has {len(text):,} characters, and {most:,} are allowed. Shorten it.",
            )

    async def _live(self) -> int:
        """Returns the default version: the highest available one, as in TensorFlow Serving."""
        statuses = await self._statuses()
        live = _live(statuses)
        if live is None:
            raise no_version([each.state.value for each in statuses], self._settings.model)
        return live

    async def _statuses(self) -> list[VersionStatus]:
        async with self.asking(None) as client:
            return await client.status()

    @asynccontextmanager
    async def asking(self, version: int | None) -> AsyncIterator[AsyncTranslationClient]:
        """Yields a client of a version, and converts its errors to `PageError`."""
        try:
            async with self._client(version) as client:
                yield client
        except ServingError as error:
            _LOG.warning("%s", error)  # with the details for the operator
            raise page_error(
                error,
                server=self._settings.server,
                model=str(ModelChoice(self._settings.model, version)),
                timeout=self._settings.timeout,
            ) from error

    def _client(self, version: int | None) -> AsyncTranslationClient:
        """Creates a client; each request has a separate one.

        A client is bound to a version, and a new connection does not wait for the retry delay of a
        failed one.
        """
        settings = self._settings
        return AsyncTranslationClient(
            settings.server,
            settings.model,
            version=version,
            tls=settings.tls,
            timeout=settings.timeout,
            retry=_RETRY,
            languages=(settings.source_language, settings.target_language),
        )


def _live(statuses: list[VersionStatus]) -> int | None:
    available = (each.version for each in statuses if each.state is VersionState.AVAILABLE)
    return max(available, default=None)


def _date(version: int) -> str | None:
    time = time_of(version)
    return None if time is None else time.date().isoformat()


def _error_response(status: int, sentence: str) -> Response:
    return JSONResponse(messages.ErrorAnswer(error=sentence).model_dump(), status)


async def _answer_page_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, PageError)
    return _error_response(error.status, str(error))


async def _answer_invalid_request(_: Request, error: Exception) -> Response:
    """Names the invalid field without repeating its content."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return _error_response(422, f"The gateway cannot read the request ({place}: {first['msg']}).")


async def _answer_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error_response(error.status_code, f"{error.detail}.")


async def _answer_failure(_: Request, error: Exception) -> Response:
    """Answers 500. Starlette raises the error again afterwards, so the traceback is logged."""
    return _error_response(500, f"The gateway failed ({type(error).__name__}). See its log.")
