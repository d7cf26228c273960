import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.running.temporary import PREFIX, own_temporary_folder

ROOT = Path(__file__).resolve().parents[3]
RUN = """
import subprocess, sys, tempfile
from pipeline.running.temporary import own_temporary_folder
with own_temporary_folder():
    tempfile.mkdtemp(prefix="beam-temp")
    subprocess.run(["mktemp"], check=True)
    sys.stdin.readline()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, empty."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@contextmanager
def running() -> Iterator[subprocess.Popen[str]]:
    """Yields a process that has left two entries in its folder, and is still at work."""
    command = [sys.executable, "-c", RUN]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
        process.communicate("end\n")


def test_a_run_that_ends_leaves_nothing(place: Path) -> None:
    with running():
        [folder] = place.iterdir()
        assert folder.name.startswith(PREFIX)
        assert len(list(folder.iterdir())) == 2
    assert list(place.iterdir()) == []


def test_the_folder_of_a_killed_run_goes_with_the_next(place: Path) -> None:
    with running() as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    [killed] = place.iterdir()
    with own_temporary_folder():
        assert not killed.exists()
    assert list(place.iterdir()) == []


def test_the_folder_of_a_living_run_and_files_of_others_stay(place: Path) -> None:
    (place / "file").touch()
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    (place / f"{PREFIX}link").symlink_to(elsewhere)
    with running():
        before = set(place.iterdir())
        with own_temporary_folder():
            assert len(set(place.iterdir()) - before) == 1
        assert set(place.iterdir()) == before
    assert {path.name for path in place.iterdir()} == {"file", "elsewhere", f"{PREFIX}link"}


def test_everything_is_as_before_after_an_error(place: Path) -> None:
    def fail() -> None:
        with own_temporary_folder():
            assert Path(tempfile.gettempdir()).parent == place
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert os.environ["TMPDIR"] == tempfile.gettempdir() == str(place)
