import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline import cli
from tests.serving.server.fake_model import make_version
from tests.serving.standin_model import export_standin

ROOT = Path(cli.__file__).parents[1]
LONG = 60


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The folder of the default configuration's versions, of which there is one."""
    folder = tmp_path / "models/debian"
    folder.mkdir(parents=True)
    make_version(folder, 1)
    return folder


def _complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["serve", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize("folder", ["missing", "."])
def test_without_a_model_the_command_says_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    models = tmp_path / folder
    assert _complaint(capsys, "--model", str(models)) == (
        f"nmt: There is no model in {models}: train one with `nmt run --config debian` first, "
        "or give --wait."
    )


def test_an_incomplete_model_is_refused_with_what_it_lacks(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (models / "1/variables/variables.index").unlink()
    assert _complaint(capsys, "--workspace", str(tmp_path)).startswith(
        f"nmt: There is no model in {models}; version 1: variables/variables.index is missing"
    )


def test_a_remote_workspace_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert _complaint(capsys, "--workspace", "gs://bucket") == (
        "nmt: gs://bucket/models/debian is remote: `nmt serve` serves local folders only."
    )


def test_a_port_that_is_taken_is_refused(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert _complaint(capsys, "--workspace", str(tmp_path), "--port", str(port)) == (
            f"nmt: 127.0.0.1:{port} cannot be taken (Address already in use): give another --port."
        )


def test_the_server_is_made_of_neither_tfx_nor_beam_and_takes_tensorflow_only_to_load() -> None:
    program = (
        "import sys, serving.server.server;"
        "sys.exit(' '.join({'tfx', 'apache_beam', 'keras', 'tensorflow'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT)
    assert done.returncode == 0


@contextmanager
def _served(*arguments: str) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "serve", "--port", "0", "--rest-port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_server_says_where_it_listens_and_ends_with_status_0(
    tmp_path: Path, how: signal.Signals
) -> None:
    models = tmp_path / "models"
    export_standin(models / "7")
    with _served("--model", str(models)) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        assert lines[0] == f"Loading debian from {models} ...\n"
        assert lines[1] == "debian: version 7 is served.\n"
        assert re.fullmatch(r"gRPC: 127\.0\.0\.1:[0-9]+\n", lines[2])
        rest = re.fullmatch(r"REST: (http://127\.0\.0\.1:[0-9]+/v1/models/debian)\n", lines[3])
        assert rest
        with urllib.request.urlopen(rest[1], timeout=LONG) as response:
            assert b'"AVAILABLE"' in response.read()
        process.send_signal(how)
        output, errors = process.communicate(timeout=LONG)
    assert (process.returncode, output, errors) == (0, "The server has ended.\n", "")
