"""`nmt serve` as a process of its own, for the programs that measure it from outside."""

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
    """Where a server is, and which process it is."""

    model: str
    """The name under which it serves its model."""
    host: str
    port: int
    """Of gRPC."""
    rest_port: int
    pid: int

    @property
    def address(self) -> str:
        """Of gRPC, `HOST:PORT`."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Resources:
    """What a process holds at a moment."""

    memory: int
    """Resident bytes (`VmRSS`)."""
    files: int
    """Open file descriptors, connections among them."""


class ServerProcess:
    """A server that was started by `started_server`."""

    def __init__(self, process: subprocess.Popen, log: Path, model: str):
        self._process = process
        self._log = log
        self.endpoint = self._wait_for_ports(model)

    def log(self) -> str:
        """Returns what the server has printed and logged."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def exceptions(self) -> int:
        """Counts the exceptions that the server logged because it had not expected them."""
        return self.log().count(_LOGGED_EXCEPTION)

    def require_running(self) -> None:
        """Raises RunFailedError if the server has ended."""
        status = self._process.poll()
        if status is not None:
            raise RunFailedError(
                f"The server {_fate(status)}; its last words: {self._last_words()}"
            )

    def end(self) -> None:
        """Tells the server to end, and waits.

        Raises:
          RunFailedError: it did not, or not with status 0.
        """
        self.require_running()
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired as error:
            raise RunFailedError(
                f"The server did not end within {_SECONDS_TO_END:g} s of being told to."
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
      model: the name of the configuration, which is that of the model.
      versions: the model directory to serve.
      log: a file that gets the server's output.
      options: more of `nmt serve`.

    Raises:
      RunFailedError: the server does not start, crashed, or does not end in good order.
    """
    command = [sys.executable, "-m", "pipeline", "serve", "--port", "0", "--rest-port", "0"]
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    # A file, not a pipe: nobody must read for the server to go on.
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
            server.require_running()  # that it crashed explains whatever followed
            raise
        server.end()
    finally:
        process.kill()
        process.wait()


def add_version(export: Path, versions: Path, number: int) -> None:
    """Copies an export into a model directory, where it appears whole.

    Args:
      export: the folder with `saved_model.pb`.
      versions: the model directory.
      number: of the new version.
    """
    arriving = versions / f"arriving-{number}"  # no number, so no version to a server
    shutil.copytree(export, arriving)
    arriving.rename(versions / str(number))


def resources_of(pid: int) -> Resources:
    """Returns what a process of this machine holds.

    Raises:
      RunFailedError: it has ended.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        memory = re.search(r"^VmRSS:\s*([0-9]+) kB$", status, re.MULTILINE)
        files = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError as error:
        raise RunFailedError(f"Process {pid} has ended.") from error
    if memory is None:  # it has ended, and nobody has asked yet how
        raise RunFailedError(f"Process {pid} has ended.")
    return Resources(1024 * int(memory[1]), files)


def model_seconds(endpoint: Endpoint) -> float:
    """Returns how long a server has run its model until now, as its metrics say.

    Raises:
      RunFailedError: it does not say so.
    """
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
            if sample.name == "nmt_batch_seconds_sum":
                return sample.value
    raise RunFailedError("The server's metrics do not say how long its model took.")


def mebibytes(size: int) -> str:
    """Writes a number of bytes."""
    return f"{number(size / (1 << 20), 0)} MiB"


def _fate(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
