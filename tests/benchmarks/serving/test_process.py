import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.serving.process import (
    ServerProcess,
    add_version,
    mebibytes,
    resources_of,
    started_server,
)
from pipeline.errors import RunFailedError
from serving.versions.directory import list_versions
from tests.serving.server.fake_model import make_version


def test_a_server_that_does_not_start_leaves_its_last_words(tmp_path: Path) -> None:
    with (
        pytest.raises(RunFailedError, match="ended with status 2; .*There is no model in"),
        started_server("debian", tmp_path, tmp_path / "log"),
    ):
        pass


@pytest.fixture
def served_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Replaces `nmt serve` by a shell script; the ports are printed first."""

    def replace(script: str) -> None:
        program = tmp_path / "program"
        lines = "#!/bin/sh\necho gRPC: [::1]:8500\necho REST: http://[::1]:8501/v1/models/debian\n"
        program.write_text(lines + script, encoding="utf-8")
        program.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(program))

    return replace


def test_a_server_says_where_it_listens_and_is_told_to_end(
    tmp_path: Path, served_by: Callable[[str], None]
) -> None:
    served_by("trap 'echo told; exit 0' TERM; while :; do sleep 0.01; done\n")
    with started_server("debian", tmp_path, tmp_path / "log") as server:
        endpoint = server.endpoint
        assert (endpoint.address, endpoint.rest_port) == ("[::1]:8500", 8501)
        assert server.exceptions() == 0
    assert server.log().endswith("told\n")


def test_a_server_that_ends_badly_is_told(tmp_path: Path, served_by: Callable[[str], None]) -> None:
    served_by("trap 'echo it hurts; exit 3' TERM; while :; do sleep 0.01; done\n")
    with (
        pytest.raises(RunFailedError, match=r"ended with status 3; [\s\S]*it hurts"),
        started_server("debian", tmp_path, tmp_path / "log"),
    ):
        pass


def _kill_and_fail(server: ServerProcess) -> None:
    os.kill(server.endpoint.pid, signal.SIGKILL)
    os.waitid(os.P_PID, server.endpoint.pid, os.WEXITED | os.WNOWAIT)
    raise ValueError("No connection.")


def test_a_crash_is_told_in_the_place_of_what_followed_from_it(
    tmp_path: Path, served_by: Callable[[str], None]
) -> None:
    served_by("exec sleep 60\n")
    with (
        pytest.raises(RunFailedError, match="was killed by signal 9"),
        started_server("debian", tmp_path, tmp_path / "log") as server,
    ):
        _kill_and_fail(server)


def test_a_version_is_a_complete_copy_that_leaves_nothing_beside_it(tmp_path: Path) -> None:
    export, versions = make_version(tmp_path, 7), tmp_path / "models"
    versions.mkdir()
    add_version(export, versions, 8)
    (version,) = list_versions(versions)
    assert (version.number, version.complete) == (8, True)
    assert [each.name for each in versions.iterdir()] == ["8"]


def test_a_process_holds_memory_and_files() -> None:
    before = resources_of(os.getpid())
    with open(os.devnull, "rb"):
        assert resources_of(os.getpid()).files == before.files + 1
    assert before.memory > 1 << 20


def test_a_process_that_has_ended_holds_nothing_whether_it_was_waited_for_or_not() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()  # until it ends
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(RunFailedError, match="has ended"):
        resources_of(process.pid)
    process.communicate()
    with pytest.raises(RunFailedError, match="has ended"):
        resources_of(process.pid)


def test_bytes_are_written_in_mebibytes() -> None:
    assert mebibytes(1500 << 20) == "1,500 MiB"
