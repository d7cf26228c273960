"""A uvicorn server that shares its process with other servers."""

import contextlib
from collections.abc import Iterator

import uvicorn


class UvicornServer(uvicorn.Server):
    """Handles no signals: the owner of the process handles them for all its servers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
