"""Runs the gateway, and a model server in the same process if there is no other."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import replace

from serving.http.descriptors import connections_for
from serving.http.uvicorn_server import HttpLimits, UvicornServer
from serving.server.ports import address, bind
from serving.server.settings import ServerSettings
from serving.web.gateway import create_app
from serving.web.settings import WebSettings

Report = Callable[[str], None]
"""Receives messages about events, in sentences."""

_MOST_CONNECTIONS = 256
_MOST_BODY_BYTES = 32 << 20
"""Of all requests together; one has at most 4 MiB."""
_NO_PROXY = "no_grpc_proxy"


async def serve_page(
    settings: WebSettings, own_server: ServerSettings | None, report: Report
) -> bool:
    """Serves the page until SIGTERM, SIGINT or SIGHUP; a second signal ends the process at once.

    Args:
      settings: the settings of the page; with `own_server`, its `server` is ignored.
      own_server: the settings of a model server to run in this process, at any free ports.
      report: receives the address of the page.

    Returns:
      Whether a thread is still in TensorFlow, which nothing can interrupt.

    Raises:
      StartError: a port is in use, or there is no model to serve.
      InvalidSettings: the server's address or certificates are invalid.
    """
    # Bound first: a used port must be reported before the model is loaded, which takes a while.
    with bind(settings.host, settings.port, "--port") as listening:
        if own_server is None:
            await _serve_until_signal(settings, listening, report)
            return False
        # Imported only here: it is not needed with another server.
        from serving.server.server import ModelServer

        server = ModelServer(own_server, report)
        await server.start()
        try:
            _keep_from_proxies(own_server.host)
            settings = replace(
                settings,
                server=address(own_server.host, server.port),
                model_directory=own_server.model_directory,
            )
            await _serve_until_signal(settings, listening, report)
        finally:
            ending = await server.stop()
        return ending.has_threads


def make_server(settings: WebSettings) -> UvicornServer:
    """Creates the HTTP server of the gateway; `serve(sockets=...)` runs it.

    Raises:
      InvalidSettings: the model server's address or certificates are invalid.
    """
    limits = HttpLimits(
        connections=connections_for(1, _MOST_CONNECTIONS), body_memory=_MOST_BODY_BYTES
    )
    return UvicornServer(create_app(settings), limits)


async def _serve_until_signal(
    settings: WebSettings, listening: socket.socket, report: Report
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for each in signals:
        loop.add_signal_handler(each, stop.set)
    server = make_server(settings)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    report(f"The page: http://{address(settings.host, listening.getsockname()[1])}")
    await stop.wait()
    for each in signals:
        loop.remove_signal_handler(each)
    server.should_exit = True
    await serving


def _keep_from_proxies(host: str) -> None:
    """Excludes a host from the environment's proxy settings, so gRPC connects to it directly."""
    named = os.environ.get(_NO_PROXY)
    os.environ[_NO_PROXY] = f"{named},{host}" if named else host
