"""Bounds the memory for the bodies of all requests together."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FREE_BYTES = 64 << 10
"""The start of each body is not counted, so that ordinary requests pass beside large ones."""


class BodyMemory:
    """Counts the bytes of bodies until their requests are answered."""

    def __init__(self, application: ASGIApp, most_bytes: int):
        self._application = application
        self._left = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = counted = 0

        async def receive_counted() -> Message:
            nonlocal read, counted
            message = await receive()
            read += len(message.get("body", b""))
            more = max(0, read - FREE_BYTES) - counted
            if more > self._left:
                raise HTTPException(
                    503, "The server is busy with other large requests. Try again in a moment"
                )
            counted += more
            self._left -= more
            return message

        try:
            await self._application(scope, receive_counted, send)
        finally:
            self._left += counted
