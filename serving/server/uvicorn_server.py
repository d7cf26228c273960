"""An HTTP server that shares its process with others."""

import contextlib
from collections.abc import Iterator

import uvicorn


class UvicornServer(uvicorn.Server):
    """Leaves the process's signals alone: they end all servers, not one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
