"""The HTTP server of REST and of the page: uvicorn, with limits that uvicorn lacks.

uvicorn waits for ever for the end of a request, and counts a connection only after its headers.
"""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.http.body_memory import BodyMemory
from serving.http.log_limit import limit_log

_LOG = logging.getLogger("uvicorn.error")
_BACKLOG = 128
"""asyncio accepts as many connections at once, before it looks at any of them."""


@dataclass(frozen=True, kw_only=True)
class HttpLimits:
    """Limits of an HTTP server against slow, many and large requests."""

    connections: int = 256
    """Most open connections; the next one is answered 503."""
    header_seconds: float = 10.0
    """Time for the headers of a request, from its first byte or from the connection's start."""
    transfer_seconds: float = 60.0
    """Time for the body of a request, and for a client to take its answer."""
    body_memory: int = 64 << 20
    """Most bytes of all bodies together."""
    seconds_to_send: int = 1
    """Time for the last answers when the server ends."""


class UvicornServer(uvicorn.Server):
    """Handles no signals: the owner of the process handles them for all its servers."""

    def __init__(self, application: ASGIApp, limits: HttpLimits):
        limit_log("asyncio", _LOG.name)
        super().__init__(
            uvicorn.Config(
                BodyMemory(application, limits.body_memory),
                http=functools.partial(_LimitedProtocol, limits),  # type: ignore[arg-type]
                backlog=_BACKLOG,
                lifespan="off",
                ws="none",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=limits.seconds_to_send,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _LimitedProtocol(H11Protocol):
    """One connection. `conn.their_state` says what is missing of a request."""

    def __init__(self, limits: HttpLimits, **kwargs: Any):
        super().__init__(**kwargs)
        self._limits = limits
        self._reading: object = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            _LOG.warning("%d connections are open: more are refused.", self._limits.connections)
            self._refuse(b"503 Service Unavailable", b"Too many connections. Try again.\n")
            return
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._read_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_timer = self._after(self._limits.transfer_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()

    def _watch(self) -> None:
        """Starts a timer for the part of the request that is missing now."""
        state = self.conn.their_state
        if state is self._reading:
            return
        self._reading = state
        if self._read_timer is not None:
            self._read_timer.cancel()
        if state is h11.IDLE:
            self._read_timer = self._after(self._limits.header_seconds, self._is_late)
        elif state is h11.SEND_BODY:
            self._read_timer = self._after(self._limits.transfer_seconds, self._is_late)

    def _is_late(self) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._refuse(b"408 Request Timeout", b"The request did not arrive in time.\n")
        else:
            self.transport.abort()

    def _refuse(self, status: bytes, sentence: bytes) -> None:
        self.transport.write(
            b"HTTP/1.1 %b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
            b"Connection: close\r\n\r\n%b" % (status, len(sentence), sentence)
        )
        self.transport.close()

    def _after(self, seconds: float, call: Any) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, call)
