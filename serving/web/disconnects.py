"""Gives up a request of a client that has gone."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from serving.web.page_errors import PageError

_CLIENT_CLOSED_REQUEST = 499

Result = TypeVar("Result")


async def unless_gone(request: Request, answering: Coroutine[Any, Any, Result]) -> Result:
    """Awaits an answer, and cancels it if the client closes the connection.

    Args:
      request: its body must have been read.
      answering: makes the answer.

    Raises:
      PageError: nobody waits for the answer.
    """
    task = asyncio.ensure_future(answering)
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise PageError(_CLIENT_CLOSED_REQUEST, "The client did not wait for the answer.")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
