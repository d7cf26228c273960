"""TensorFlow Serving's REST API and its metrics page.

GET  /v1/models/NAME[/versions/N|/labels/L]            the versions' states
GET  /v1/models/NAME[/versions/N|/labels/L]/metadata   the signatures
POST /v1/models/NAME[/versions/N|/labels/L]:predict    texts in, translations out
GET  /monitoring/prometheus/metrics
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import grpc
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from serving.server import json_format
from serving.server.errors import HTTP_STATUS, RequestError, invalid
from serving.server.loaded_model import LoadedSignature
from serving.server.metrics import Metrics
from serving.server.model_service import model_status
from serving.server.prediction_service import describe
from serving.server.predictor import Gate, Predictor
from serving.server.requests import Target
from serving.server.slicing import Inputs

METRICS_PATH = "/monitoring/prometheus/metrics"
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_JSON = "application/json"
_MODEL = (
    r"(?ia)/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
)
_PREDICT = re.compile(rf"{_MODEL}:(?P<method>classify|regress|predict)")
_STATUS = re.compile(rf"{_MODEL}(?P<metadata>/metadata)?")
_MAX_VERSION_DIGITS = 18
_TOO_LARGE = 413

_LOG = logging.getLogger(__name__)


class RestApi:
    """The routes, as methods."""

    def __init__(
        self,
        predictor: Predictor,
        gate: Gate,
        metrics: Metrics,
        *,
        timeout_seconds: float,
        max_body_bytes: int,
    ):
        self._predictor = predictor
        self._gate = gate
        self._metrics = metrics
        self._timeout_seconds = timeout_seconds
        self._max_body_bytes = max_body_bytes

    def application(self) -> Starlette:
        """The ASGI application."""
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        application = Starlette(
            routes=[
                Route(METRICS_PATH, self._show_metrics, methods=["GET"]),
                Route("/v1/{rest:path}", self._respond, methods=methods),
            ]
        )
        application.router.redirect_slashes = False
        return application

    async def _show_metrics(self, _: Request) -> Response:
        return Response(self._metrics.page(), headers={"Content-Type": _METRICS_TYPE})

    async def _respond(self, request: Request) -> Response:
        """Answers a request, and maps exceptions to error responses."""
        started = time.perf_counter()
        code, status = grpc.StatusCode.OK, 200
        # The undecoded path: a name may hold an encoded slash.
        path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1")
        name, respond = self._method(request.method, path.partition("?")[0])
        try:
            content = await respond(request)
        except RequestError as error:
            code, status = error.code, HTTP_STATUS.get(error.code, 500)
            content = json_format.write_error(error.sentence)
        except _BodyTooLargeError:
            code, status = grpc.StatusCode.RESOURCE_EXHAUSTED, _TOO_LARGE
            content = json_format.write_error(
                f"The request is larger than {self._max_body_bytes} bytes."
            )
        except HTTPException as error:  # of `BodyMemory`
            code, status = grpc.StatusCode.UNAVAILABLE, error.status_code
            content = json_format.write_error(f"{error.detail}.")
        except Exception as error:
            _LOG.exception("%s %s failed", request.method, path)
            code, status = grpc.StatusCode.INTERNAL, 500
            content = json_format.write_error(f"The server failed: {type(error).__name__}.")
        self._metrics.answered("rest", name, code.name, time.perf_counter() - started)
        return Response(content, status, media_type=_JSON)

    def _method(self, verb: str, path: str) -> tuple[str, Callable[[Request], Awaitable[bytes]]]:
        """Returns the gRPC name of the requested method, and its handler."""
        if verb == "POST" and (found := _PREDICT.fullmatch(path)):
            if found["method"].lower() != "predict":
                return "Other", _fail(
                    RequestError(
                        grpc.StatusCode.UNIMPLEMENTED, f"{found['method']} is not implemented."
                    )
                )
            return "Predict", lambda request: self._predict(request, found)
        if verb == "GET" and (found := _STATUS.fullmatch(path)):
            if found["metadata"]:
                return "GetModelMetadata", lambda _: self._model_metadata(found)
            return "GetModelStatus", lambda _: self._model_status(found)
        return "Other", _fail(invalid(f"Malformed request: {verb} {path}"))

    async def _predict(self, request: Request, found: re.Match[str]) -> bytes:
        body = await _read_body(request, self._max_body_bytes)
        with self._gate.passed():
            # In a thread: megabytes of JSON would block all other requests.
            parsed = await asyncio.to_thread(json_format.parse_body, body)

            def read(signature: LoadedSignature) -> Inputs:
                # Before each of a million texts is looked at.
                self._predictor.refuse_too_many(parsed.rows)
                return json_format.read_json_inputs(parsed, signature)

            answer = await _unless_gone(
                request,
                self._predictor.predict_async(
                    _target(found, parsed.signature),
                    read,
                    time.monotonic() + self._timeout_seconds,
                ),
            )
            return await asyncio.to_thread(
                json_format.write_predictions, answer.outputs, parsed.is_row_format
            )

    async def _model_status(self, found: re.Match[str]) -> bytes:
        return json_format.write_message(model_status(self._predictor.versions, _target(found)))

    async def _model_metadata(self, found: re.Match[str]) -> bytes:
        return json_format.write_metadata(*describe(self._predictor.versions, _target(found)))


class _BodyTooLargeError(Exception):
    """The body exceeds the size limit."""


def _target(found: re.Match[str], signature: str = "") -> Target:
    """Reads the target from a matched path.

    Raises:
      RequestError: the version has too many digits.
    """
    version, label = found["version"], found["label"]
    if version is not None and len(version) > _MAX_VERSION_DIGITS:
        raise invalid(f"Failed to convert version: {version} to numeric.")
    return Target(
        unquote(found["name"]),
        None if version is None else int(version),
        None if label is None else unquote(label),
        signature,
    )


def _fail(error: RequestError) -> Callable[[Request], Awaitable[bytes]]:
    async def respond(_: Request) -> bytes:
        raise error

    return respond


async def _read_body(request: Request, limit: int) -> bytes:
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > limit:
                raise _BodyTooLargeError
    except ClientDisconnect as error:
        raise _client_gone() from error
    return bytes(body)


def _client_gone() -> RequestError:
    return RequestError(grpc.StatusCode.CANCELLED, "The client closed the connection.")


async def _unless_gone(request: Request, answering: Awaitable[Any]) -> Any:
    """Awaits an answer, and cancels it if the client closes the connection."""
    task = asyncio.ensure_future(answering)
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise _client_gone()
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
