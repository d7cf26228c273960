"""Runs `nmt serve` as a separate process, for measurements from outside."""

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.common.tables import number
from pipeline.errors import RunFailedError

ROOT = Path(__file__).resolve().parents[2]
_SECONDS_TO_START = 180.0
_SECONDS_TO_END = 60.0
_POLL_SECONDS = 0.05
_LAST_WORDS = 1_000
_GRPC_LINE = re.compile(r"^gRPC: (?P<host>.+):(?P<port>[0-9]+)$", re.MULTILINE)
_REST_LINE = re.compile(r"^REST: http://.+:(?P<port>[0-9]+)/", re.MULTILINE)
_LOGGED_EXCEPTION = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Endpoint:
    """The address and the process of a server."""

    model: str
    """Name of the served model."""
    host: str
    port: int
    """Port of gRPC."""
    rest_port: int
    pid: int

    @property
    def address(self) -> str:
        """Address of gRPC, `HOST:PORT`."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Resources:
    """The resources of a process at one moment."""

    memory: int
    """Resident bytes (`VmRSS`)."""
    files: int
    """Number of open file descriptors, including connections."""


class ServerProcess:
    """A server started by `started_server`."""

    def __init__(self, process: subprocess.Popen, log: Path, model: str):
        self._process = process
        self._log = log
        self.endpoint = self._wait_for_ports(model)

    def log(self) -> str:
        """Returns the server's output so far, with its log."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def exceptions(self) -> int:
        """Returns the number of unexpected exceptions in the log."""
        return self.log().count(_LOGGED_EXCEPTION)

    def require_running(self) -> None:
        """Raises RunFailedError if the server has ended."""
        status = self._process.poll()
        if status is not None:
            raise RunFailedError(
                f"The server {_fate(status)}; its last words: {self._last_words()}"
            )

    def end(self) -> None:
        """Sends SIGTERM to the server and waits for its end.

        Raises:
          RunFailedError: the server did not end in time, or not with status 0.
        """
        self.require_running()
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired as error:
            raise RunFailedError(
                f"The server did not end within {_SECONDS_TO_END:g} s after SIGTERM."
            ) from error
        if status != 0:
            raise RunFailedError(
                f"The server {_fate(status)}; its last words: {self._last_words()}"
            )

    def _wait_for_ports(self, model: str) -> Endpoint:
        end = time.monotonic() + _SECONDS_TO_START
        while time.monotonic() < end:
            self.require_running()
            text = self.log()
            grpc, rest = _GRPC_LINE.search(text), _REST_LINE.search(text)
            if grpc and rest:
                return Endpoint(
                    model, grpc["host"], int(grpc["port"]), int(rest["port"]), self._process.pid
                )
            time.sleep(_POLL_SECONDS)
        raise RunFailedError(f"The server did not start within {_SECONDS_TO_START:g} s.")

    def _last_words(self) -> str:
        return self.log().strip()[-_LAST_WORDS:] or "none"


@contextmanager
def started_server(
    model: str, versions: Path, log: Path, options: Sequence[str] = ()
) -> Iterator[ServerProcess]:
    """Starts `nmt serve` on free ports of the loopback, and ends it.

    Args:
      model: name of the configuration and of the model.
      versions: the model directory to serve.
      log: a file for the server's output.
      options: further options of `nmt serve`.

    Raises:
      RunFailedError: the server does not start, crashes, or ends with an error.
    """
    command = [sys.executable, "-m", "pipeline", "serve", "--port", "0", "--rest-port", "0"]
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    # A file, not a pipe: a full pipe with no reader would block the server.
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--model", str(versions), *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
    try:
        server = ServerProcess(process, log, model)
        try:
            yield server
        except Exception:
            server.require_running()  # a crash of the server explains any other error
            raise
        server.end()
    finally:
        process.kill()
        process.wait()


def add_version(export: Path, versions: Path, number: int) -> None:
    """Copies an export into a model directory atomically.

    Args:
      export: the folder with `saved_model.pb`.
      versions: the model directory.
      number: number of the new version.
    """
    arriving = versions / f"arriving-{number}"  # a server ignores names other than numbers
    shutil.copytree(export, arriving)
    arriving.rename(versions / str(number))


def resources_of(pid: int) -> Resources:
    """Returns the resources of a process on this machine.

    Raises:
      RunFailedError: the process has ended.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        memory = re.search(r"^VmRSS:\s*([0-9]+) kB$", status, re.MULTILINE)
        files = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError as error:
        raise RunFailedError(f"Process {pid} has ended.") from error
    if memory is None:  # a zombie: ended, but its parent has not read its status yet
        raise RunFailedError(f"Process {pid} has ended.")
    return Resources(1024 * int(memory[1]), files)


def model_seconds(endpoint: Endpoint) -> float:
    """Returns the total time of a server's model so far.

    Raises:
      RunFailedError: the server's metrics cannot be read, or lack this time.
    """
    return _metric(endpoint, "nmt_batch_seconds_sum")


def memory_in_use(endpoint: Endpoint) -> int:
    """Returns the bytes that a server holds, without those that are freed but still resident.

    Raises:
      RunFailedError: the server's metrics cannot be read, or lack them.
    """
    return int(_metric(endpoint, "nmt_memory_in_use_bytes"))


def _metric(endpoint: Endpoint, name: str) -> float:
    connection = http.client.HTTPConnection(
        endpoint.host, endpoint.rest_port, timeout=_SECONDS_TO_END
    )
    try:
        connection.request("GET", "/monitoring/prometheus/metrics")
        page = connection.getresponse().read().decode("utf-8")
    except (OSError, http.client.HTTPException) as error:
        raise RunFailedError(f"The server's metrics cannot be read: {error}.") from error
    finally:
        connection.close()
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == name:
                return sample.value
    raise RunFailedError(f"The server's metrics lack {name}.")


def mebibytes(size: int) -> str:
    """Formats a number of bytes."""
    return f"{number(size / (1 << 20), 0)} MiB"


def _fate(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
