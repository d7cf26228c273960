"""Assembles, starts and stops the server."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.http.descriptors import connections_for
from serving.http.host_names import ForeignPages
from serving.http.uvicorn_server import HttpLimits, UvicornServer
from serving.protocol import messages
from serving.server.directory_watcher import DirectoryWatcher, Load, Report
from serving.server.health_service import LimitedHealth
from serving.server.loading import load_model
from serving.server.metrics import Metrics
from serving.server.model_service import model_service
from serving.server.ports import StartError, address, bind, check_free
from serving.server.prediction_service import prediction_service
from serving.server.predictor import Gate, Predictor
from serving.server.reflection import add_reflection
from serving.server.rest import RestApi
from serving.server.scheduler import BatchScheduler
from serving.server.settings import ServerSettings
from serving.server.version_policy import VersionPolicy
from serving.server.versions import Versions

_HEALTH_NAMES = ("", messages.PREDICTION_SERVICE, messages.MODEL_SERVICE)
_LONGEST_SETTLING = 60.0
"""Seconds to wait at the start for a first version with changing files."""
_SECONDS_TO_SEND = 1
"""Time to send the last responses, after everything else has ended."""
_SERVERS = 2
"""gRPC and REST share the file descriptors."""


@dataclass(frozen=True)
class Ending:
    """How the server ended."""

    given_up: int
    """Requests still running after the grace period."""
    has_threads: bool
    """Whether a thread is still in TensorFlow, which nothing can interrupt."""


class ModelServer:
    """A model server in this process, on the event loop that starts it.

    Each gRPC request has a thread; REST requests run on the event loop. `BatchScheduler` runs the
    model in threads, while TensorFlow releases Python's global lock. `DirectoryWatcher` loads
    versions in one more thread.
    """

    def __init__(
        self,
        settings: ServerSettings,
        report: Report = lambda sentence: None,
        load: Load = load_model,
    ):
        """Assembles the server; it does not listen before `start`.

        Args:
          settings: its settings.
          report: receives a message when a version is loaded, retired or fails.
          load: loads a version.
        """
        self.settings = settings
        self.port = settings.port
        self.rest_port = settings.rest_port
        self._gate = Gate()
        self._health = LimitedHealth()
        self.versions = Versions(settings.model_name, on_change=self._update_health)
        self._watcher = DirectoryWatcher(
            settings.model_directory,
            self.versions,
            load,
            poll_seconds=settings.poll_seconds,
            settle_seconds=settings.settle_seconds,
            linger_seconds=settings.linger_seconds,
            policy=VersionPolicy(latest=settings.latest_versions),
            report=report,
        )
        self._metrics = Metrics(self.versions, lambda: self._scheduler.queued_rows)

    async def start(self) -> None:
        """Binds the ports, loads the versions, and then accepts requests.

        Raises:
          StartError: a port is in use, or no version can be loaded.
        """
        with contextlib.ExitStack() as undo:
            self._take_ports(undo)
            self._scheduler = BatchScheduler(self.settings.batching, self._metrics)
            undo.callback(self._scheduler.close, 0)
            self._add_services()
            await asyncio.to_thread(self._load_first)
            undo.pop_all()
        self._update_health()
        self._grpc.start()
        self._rest_task = asyncio.create_task(self._rest.serve(sockets=[self._rest_socket]))
        while not self._rest.started:
            await asyncio.sleep(0.01)
        self._watcher.start()

    async def stop(self) -> Ending:
        """Rejects new requests, waits for those in flight within the grace period, and stops."""
        self._health.enter_graceful_shutdown()
        given_up = await asyncio.to_thread(self._gate.close, self.settings.grace_seconds)
        self._rest.should_exit = True
        is_silent = self._grpc.stop(_SECONDS_TO_SEND)
        await asyncio.gather(asyncio.to_thread(is_silent.wait), self._rest_task)
        is_idle = await asyncio.to_thread(self._scheduler.close, 0 if given_up else 1)
        has_watched = await asyncio.to_thread(self._watcher.stop, 0 if given_up else 1)
        return Ending(given_up, has_threads=not (is_idle and has_watched))

    def _take_ports(self, undo: contextlib.ExitStack) -> None:
        settings = self.settings
        check_free(settings.host, settings.port, "--port")
        most = settings.batching.max_requests
        self._connections = connections_for(_SERVERS, settings.max_connections)
        self._grpc = grpc.server(
            ThreadPoolExecutor(most, thread_name_prefix="grpc"),
            maximum_concurrent_rpcs=most,
            options=[
                # With the default, a second server would silently share the port.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", settings.max_message_bytes),
                ("grpc.max_send_message_length", settings.max_message_bytes),
                ("grpc.max_allowed_incoming_connections", self._connections),
                ("grpc.server_handshake_timeout_ms", round(1000 * settings.handshake_seconds)),
                # Ends streams that are left open for ever; clients connect again by themselves.
                ("grpc.max_connection_age_ms", round(1000 * settings.connection_seconds)),
                ("grpc.max_connection_age_grace_ms", round(1000 * settings.grace_seconds)),
            ],
        )
        undo.callback(self._grpc.stop, None)
        self.port = self._grpc.add_insecure_port(address(settings.host, settings.port))
        self._rest_socket = bind(settings.host, settings.rest_port, "--rest-port")
        undo.callback(self._rest_socket.close)
        self.rest_port = self._rest_socket.getsockname()[1]

    def _add_services(self) -> None:
        settings, metrics = self.settings, self._metrics
        predictor = Predictor(self.versions, self._scheduler, settings.batching)
        self._grpc.add_generic_rpc_handlers(
            (
                prediction_service(predictor, self._gate, metrics),
                model_service(self.versions, self._watcher, settings.model_directory, metrics),
            )
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        add_reflection(self._grpc, settings.handshake_seconds)
        api = RestApi(
            predictor,
            self._gate,
            metrics,
            timeout_seconds=settings.rest_timeout_seconds,
            max_body_bytes=settings.max_message_bytes,
        )
        self._rest = UvicornServer(
            ForeignPages(api.application(), {settings.host, *settings.allowed_hosts}),
            HttpLimits(
                connections=self._connections,
                header_seconds=settings.handshake_seconds,
                body_memory=settings.max_message_bytes,
                seconds_to_send=_SECONDS_TO_SEND,
            ),
        )

    def _load_first(self) -> None:
        """Loads the first version.

        Raises:
          StartError: there is none, and `wait_for_model` is not set.
        """
        self._watcher.poll()
        if self.settings.wait_for_model:
            return
        end = time.monotonic() + _LONGEST_SETTLING
        while not (self.versions.available() or self._watcher.is_settled) and (
            time.monotonic() < end
        ):
            time.sleep(self.settings.settle_seconds / 10)
            self._watcher.poll()
        if not self.versions.available():
            problems = "; ".join(
                f"version {status.number}: {status.problem}" for status in self.versions.statuses()
            )
            raise StartError(
                f"No version of {self.settings.model_name} in {self.settings.model_directory} can "
                f"be served{f' ({problems})' if problems else ''}; push a model, or start with "
                "--wait."
            )

    def _update_health(self) -> None:
        """Sets the health status: SERVING while a version is available."""
        status = (
            health_pb2.HealthCheckResponse.SERVING
            if self.versions.available()
            else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        for name in (*_HEALTH_NAMES, self.settings.model_name):
            self._health.set(name, status)


async def serve(
    settings: ServerSettings, report: Report, started: Callable[[ModelServer], None]
) -> Ending:
    """Serves until SIGTERM, SIGINT or SIGHUP; a second signal ends the process at once.

    Args:
      settings: the settings of the server.
      report: receives messages about events, in sentences.
      started: called once requests are accepted.

    Raises:
      StartError: the server cannot start.
    """
    server = ModelServer(settings, report)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for each in signals:
        loop.add_signal_handler(each, stop.set)
    await server.start()
    started(server)
    await stop.wait()
    for each in signals:
        loop.remove_signal_handler(each)
    return await server.stop()
