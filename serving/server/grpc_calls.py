"""Common parts of all gRPC methods: reading the request, the status code, the metrics."""

import logging
import time
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from serving.protocol.messages import Method
from serving.server.errors import RequestError, invalid
from serving.server.metrics import Metrics

Respond = Callable[[Any, grpc.ServicerContext], Any]
"""Returns the response to a request; raises RequestError."""

_LONGEST_SECONDS = 365 * 24 * 3600.0
"""A later deadline counts as none."""

_LOG = logging.getLogger(__name__)


def unary(method: Method, respond: Respond, metrics: Metrics) -> grpc.RpcMethodHandler:
    """Returns the handler of a method.

    It parses and serialises the messages itself: gRPC would answer malformed bytes with an internal
    error.
    """
    name = method.path.rpartition("/")[2]

    def handle(content: bytes, context: grpc.ServicerContext) -> bytes:
        started = time.perf_counter()
        code = grpc.StatusCode.INTERNAL
        try:
            reply = respond(_parse(method, content), context)
            code = grpc.StatusCode.OK
            return reply.SerializeToString()
        except RequestError as error:
            code = error.code
            context.abort(code, error.sentence)
            raise  # for the type checker: `abort` has raised
        except Exception as error:
            _LOG.exception("%s failed", name)
            context.abort(code, f"The server failed: {type(error).__name__}.")
            raise
        finally:
            metrics.answered("grpc", name, code.name, time.perf_counter() - started)

    return grpc.unary_unary_rpc_method_handler(handle)


def deadline_of(context: grpc.ServicerContext) -> float | None:
    """Returns a call's deadline on the clock of `time.monotonic`; None for no deadline."""
    remaining = context.time_remaining()
    # gRPC returns a few centuries for calls without a deadline.
    is_endless = remaining is None or remaining > _LONGEST_SECONDS
    return None if is_endless else time.monotonic() + remaining


def _parse(method: Method, content: bytes) -> Any:
    try:
        return method.request.FromString(content)
    except DecodeError as error:
        kind = method.request.DESCRIPTOR.name
        raise invalid(f"The request is not a valid {kind}.") from error
