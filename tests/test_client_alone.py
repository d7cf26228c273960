"""Users of only the client install three packages and their dependencies."""

import sys

import pytest

from tests.serving.client.scripted_server import MODEL, serving
from tests.wheel import build_wheel, run

TRANSLATE = """
import sys
from serving.client import TranslationClient
with TranslationClient(sys.argv[1], model=sys.argv[2]) as client:
    [translation] = client.translate(["a cat sat"])
print(translation.text, translation.attention.shape)
"""
LIST_PACKAGES = """
from importlib import metadata
print(*sorted(distribution.name.lower() for distribution in metadata.distributions()))
"""


@pytest.fixture(scope="module")
def client_alone(tmp_path_factory):
    """Returns the Python of a new environment with the wheel and its extra `client`."""
    folder = tmp_path_factory.mktemp("client_alone")
    environment = folder / "environment"
    made = run(sys.executable, "-m", "venv", environment, folder=folder)
    if made.returncode != 0:
        pytest.skip(f"this Python makes no environments with pip: {made.stdout.strip()}")
    pip = (environment / "bin/python", "-m", "pip")
    probe = ("download", "--no-deps", "--retries", "0", "--timeout", "10", "numpy")
    index = run(*pip, *probe, folder=folder)
    if index.returncode != 0:
        pytest.skip("no package index is reachable")
    wheel = build_wheel(folder / "sources")
    installed = run(*pip, "install", f"{wheel}[client]", folder=folder)
    assert installed.returncode == 0, installed.stderr
    return environment / "bin/python"


@pytest.mark.slow
def test_a_client_alone_translates_without_tensorflow_and_tfx(client_alone, tmp_path):
    packages = run(client_alone, "-I", "-c", LIST_PACKAGES, folder=tmp_path).stdout.split()
    assert {"attention-nmt", "grpcio", "numpy", "protobuf"} <= set(packages)
    assert not {"tensorflow", "tfx", "apache-beam", "typer"} & set(packages)
    with serving() as (address, _):
        asked = run(client_alone, "-I", "-c", TRANSLATE, address, MODEL, folder=tmp_path)
    assert (asked.returncode, asked.stdout) == (0, "A CAT SAT (4, 4)\n"), asked.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", [["bin/nmt"], ["bin/python", "-Im", "pipeline"]])
def test_the_command_line_says_what_a_client_alone_lacks(client_alone, command, tmp_path):
    program, *options = command
    answer = run(client_alone.parents[1] / program, *options, "--help", folder=tmp_path)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("nmt: The package 'typer' is not installed: install ")
    assert answer.stderr.count("\n") == 1
