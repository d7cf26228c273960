"""The commands and programs in `docs/serving.md` and `README.md`, run against a server."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from serving.server.loading import load_model
from tests.serving.server.fake_model import NAME, running_server, settings_for
from tests.serving.standin_model import export_standin

ROOT = Path(__file__).parents[3]
SERVING_PAGE = (ROOT / "docs/serving.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = [
    program
    for text in (README, SERVING_PAGE)
    for program in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    if "serving.client" in program
]
CURLS = re.findall(r"^\$ (curl .*)$", SERVING_PAGE, re.MULTILINE)
GRPC_CURLS = re.findall(r"^\$ (grpcurl .*?)(?:  +#.*)?$", SERVING_PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    export_standin(folder / "1")
    with running_server(settings_for(folder), load_model) as running:
        yield running


@pytest.fixture
def here(server):
    """Returns a function that replaces the documented ports by the running server's."""
    ports = {"8500": str(server.port), "8501": str(server.rest_port)}
    return lambda text: re.sub(r"(?<=localhost:)850[01]", lambda port: ports[port[0]], text)


def test_the_documents_name_the_model_that_is_served_here():
    assert len(PROGRAMS) == 5
    assert len(CURLS) == 4
    assert all(f'model="{NAME}"' in program for program in PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_runs_and_prints_a_translation(here, program, tmp_path):
    (tmp_path / "source.txt").write_text("Good morning.\nThe cat\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", here(program)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    target = tmp_path / "target.txt"
    printed = target.read_text(encoding="utf-8") if target.exists() else done.stdout
    assert "Katze" in printed


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("command", CURLS)
def test_curl_gets_an_answer(here, command):
    words = shlex.split(here(command), comments=True)
    done = subprocess.run(
        [*words, "--fail", "--noproxy", "*"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.skipif(shutil.which("grpcurl") is None, reason="grpcurl is not installed")
@pytest.mark.parametrize("command", GRPC_CURLS)
def test_grpcurl_gets_an_answer(here, command):
    done = subprocess.run(shlex.split(here(command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "tensorflow.serving.PredictionService" in done.stdout or "SERVING" in done.stdout
