"""The gateway: the page's files, and its requests put to a model server over gRPC.

GET  /                what `static/` holds
GET  /api/model       the model, its languages, the example sentences
GET  /api/versions    the versions on the server
POST /api/translate   a text in, the beam's translations with their attention out
POST /api/picture     a heatmap as a PNG or SVG file

What goes wrong is answered with `{"error": SENTENCE}`, which the page shows.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from serving.client import AsyncTranslationClient, RetryPolicy, ServingError
from serving.client.model_info import ModelChoice, VersionState, VersionStatus
from serving.web import messages
from serving.web.guards import Guards
from serving.web.page_errors import PageError, no_version, page_error
from serving.web.pictures import MEDIA_TYPES, Draughtsman
from serving.web.settings import WebSettings

_STATIC = Path(__file__).parent / "static"
_MOST_BODY_BYTES = 4 << 20
"""A matrix of the largest picture, each weight with four decimals, and as much again."""
_RETRY = RetryPolicy(attempts=3)
"""Somebody waits: half a second is enough to find out that there is no server."""
_CLIENT_CLOSED_REQUEST = 499

_LOG = logging.getLogger(__name__)

Result = TypeVar("Result")


def create_app(settings: WebSettings) -> ASGIApp:
    """Makes the ASGI application.

    Args:
      settings: whom to ask, and what to let through.

    Raises:
      InvalidSettings: the server's address, or a file of `tls`, cannot be used.
    """
    gateway = _Gateway(settings)
    api = FastAPI(
        openapi_url=None,  # its pages would load scripts from elsewhere
        max_body_size=_MOST_BODY_BYTES,
        # What people type is nobody else's business.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        exception_handlers={
            PageError: _tell_page_error,
            RequestValidationError: _tell_invalid_request,
            HTTPException: _tell_http_error,
            Exception: _tell_failure,
        },
    )
    api.get("/api/model")(gateway.tell_model)
    api.get("/api/versions")(gateway.tell_versions)
    api.post("/api/translate")(gateway.translate)
    api.post("/api/picture")(gateway.draw)
    api.mount("/", StaticFiles(directory=_STATIC, html=True))
    return Guards(api, {settings.host, *settings.allowed_hosts})


class _Gateway:
    """The routes, as methods."""

    def __init__(self, settings: WebSettings):
        self._settings = settings
        self._draughtsman = Draughtsman()
        self._client(None)  # what is wrong with the settings is told now

    async def tell_model(self) -> messages.ModelAnswer:
        settings = self._settings
        return messages.ModelAnswer(
            model=settings.model,
            server=settings.server,
            source_language=settings.source_language,
            target_language=settings.target_language,
            examples=list(settings.examples),
            max_characters=settings.max_characters,
        )

    async def tell_versions(self) -> messages.VersionsAnswer:
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
                )
                for each in statuses
            ],
        )

    async def translate(
        self, asked: messages.TranslationRequest, request: Request
    ) -> messages.TranslationAnswer:
        self._check_text(asked.text)
        return await _unless_gone(request, self._translate(asked))

    async def draw(self, asked: messages.PictureRequest) -> Response:
        try:
            heatmap = asked.matrix.heatmap()
        except ValueError as error:
            raise PageError(422, str(error)) from error
        picture = await self._draughtsman.draw(heatmap, asked.format, asked.shown_title())
        return Response(
            picture.content,
            media_type=MEDIA_TYPES[asked.format],
            headers={
                "Content-Disposition": f'attachment; filename="attention.{asked.format}"',
                "Lacks-Letters": "true" if picture.lacks_letters else "false",
            },
        )

    async def _translate(self, asked: messages.TranslationRequest) -> messages.TranslationAnswer:
        version = await self._live() if asked.version is None else int(asked.version)
        async with self._asking(version) as client:
            [best] = await client.translate([asked.text], n_best=True)
        hypotheses = [messages.Hypothesis.of(asked.text, each) for each in best.n_best]
        return messages.TranslationAnswer.model_construct(
            version=str(version), truncated=best.truncated, hypotheses=hypotheses
        )

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
        """Finds the version that is asked by default: the highest that is available, as TensorFlow
        Serving chooses."""
        statuses = await self._statuses()
        live = _live(statuses)
        if live is None:
            raise no_version([each.state.value for each in statuses], self._settings.model)
        return live

    async def _statuses(self) -> list[VersionStatus]:
        async with self._asking(None) as client:
            return await client.status()

    @asynccontextmanager
    async def _asking(self, version: int | None) -> AsyncIterator[AsyncTranslationClient]:
        """A client of a version, whose errors are told as the page shall show them."""
        try:
            async with self._client(version) as client:
                yield client
        except ServingError as error:
            _LOG.warning("%s", error)  # with what only the operator can do something about
            raise page_error(
                error,
                server=self._settings.server,
                model=str(ModelChoice(self._settings.model, version)),
                timeout=self._settings.timeout,
            ) from error

    def _client(self, version: int | None) -> AsyncTranslationClient:
        """Makes a client. Each request has its own: a version is part of the client, and a new
        connection does not wait as one does that has failed before."""
        settings = self._settings
        return AsyncTranslationClient(
            settings.server,
            settings.model,
            version=version,
            tls=settings.tls,
            timeout=settings.timeout,
            retry=_RETRY,
        )


def _live(statuses: list[VersionStatus]) -> int | None:
    available = (each.version for each in statuses if each.state is VersionState.AVAILABLE)
    return max(available, default=None)


async def _unless_gone(request: Request, answering: Coroutine[Any, Any, Result]) -> Result:
    """Awaits an answer, and gives up on it when the page is closed or asks something else."""
    task = asyncio.ensure_future(answering)
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise PageError(_CLIENT_CLOSED_REQUEST, "The page did not wait for the answer.")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


def _complain(status: int, sentence: str) -> Response:
    return JSONResponse(messages.Complaint(error=sentence).model_dump(), status)


async def _tell_page_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, PageError)
    return _complain(error.status, str(error))


async def _tell_invalid_request(_: Request, error: Exception) -> Response:
    """Names what is wrong without repeating what was sent."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return _complain(422, f"The gateway cannot read the request ({place}: {first['msg']}).")


async def _tell_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _complain(error.status_code, f"{error.detail}.")


async def _tell_failure(_: Request, error: Exception) -> Response:
    """The traceback is for the log; Starlette raises the error again once this is answered."""
    return _complain(500, f"The gateway failed ({type(error).__name__}). Its log says why.")
