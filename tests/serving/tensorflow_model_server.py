"""The real TensorFlow Serving: the program named by TENSORFLOW_MODEL_SERVER, for tests.

It listens on all addresses. Tests start it only where the network has nothing but loopback, as in
`make test-serving`.
"""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SERVING = ROOT / "kubeflow/serving"
PROGRAM = os.environ.get("TENSORFLOW_MODEL_SERVER")
_IS_ALONE = [name for _, name in socket.if_nameindex()] == ["lo"]
REASON = (
    "TENSORFLOW_MODEL_SERVER does not name a tensorflow_model_server"
    if PROGRAM is None
    else "tensorflow_model_server listens on all addresses: use make test-serving"
)
needs_model_server = pytest.mark.skipif(PROGRAM is None or not _IS_ALONE, reason=REASON)
_SECONDS_TO_START = 120


@dataclass(frozen=True)
class RealServer:
    """A running server.

    Attributes:
      model: name of the model.
      port: port of gRPC.
      rest_port: port of REST.
      process: its process.
      log: file of its output.
    """

    model: str
    port: int
    rest_port: int
    process: subprocess.Popen
    log: Path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def rest(
        self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Sends a request over REST and returns its status and body."""
        address = f"http://127.0.0.1:{self.rest_port}{path}"
        request = urllib.request.Request(address, data=body, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def shipped_flags() -> list[str]:
    """The flags of the Deployment that is shipped, with the paths of its files."""
    manifest = yaml.safe_load((SERVING / "base/deployment.yaml").read_text(encoding="utf-8"))
    [container] = manifest["spec"]["template"]["spec"]["containers"]
    own = ("--port=", "--rest_api_port=", "--model_config_file")
    return [
        flag.replace("/etc/nmt/server", str(SERVING / "config")).replace("$(CPUS)", "2")
        for flag in container["args"]
        if not flag.startswith(own)
    ]


@contextmanager
def real_server(
    models: Path, logs: Path, *, flags: Sequence[str] = (), starts: bool = True
) -> Iterator[RealServer]:
    """Starts the server with the flags of our Deployment, and ends it.

    Args:
      models: the model directory; its name is the name of the model.
      logs: folder for its output.
      flags: further flags, which win over those of the Deployment.
      starts: whether to wait until a version is loaded.
    """
    assert PROGRAM is not None
    port, rest_port = _free_ports()
    arguments = [
        *shipped_flags(),
        f"--port={port}",
        f"--rest_api_port={rest_port}",
        f"--model_name={models.name}",
        f"--model_base_path={models}",
        "--file_system_poll_wait_seconds=1",
        *flags,
    ]
    log = logs / "tensorflow_model_server.log"
    with log.open("wb") as output:
        process = subprocess.Popen([PROGRAM, *arguments], stdout=output, stderr=output)
    server = RealServer(models.name, port, rest_port, process, log)
    try:
        if starts:
            wait_until_loaded(server)
        yield server
    finally:
        process.kill()
        process.wait()


def wait_until_loaded(server: RealServer) -> None:
    """Waits until the server answers for a loaded version."""
    end = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            if server.rest(f"/v1/models/{server.model}/metadata")[0] == 200:
                return
        except OSError:
            pass
        log = server.log.read_text(encoding="utf-8", errors="replace")[-3000:]
        assert server.process.poll() is None, f"the server has ended:\n{log}"
        assert time.monotonic() < end, f"no version was loaded:\n{log}"
        time.sleep(0.1)


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return one.getsockname()[1], two.getsockname()[1]
