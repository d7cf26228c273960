from pathlib import Path

import pytest

from tests.small_disk import python_on_small_disk

BEGINNING = """
import logging, sys
from pipeline.errors import RunFailedError
from pipeline.running.shortage import shortage_named
from pipeline.running.log import logged_run
from pipeline.workspace import Workspace
folder = sys.argv[1]
def fill():
    with open(f"{folder}/fill", "wb", buffering=0) as file:
        while file.write(bytes(4096)) == 4096: pass
def write_files():
    for number in range(100): open(f"{folder}/{number}", "w").close()
def store():
    from pipeline.running.record import open_store
    try:
        open_store(f"{folder}/metadata.db")
    except Exception as error:
        assert not isinstance(error, OSError)
        raise ValueError("as an engine wraps it") from error
def log_and_fill():
    with logged_run(f"{folder}/run.log"):
        with __import__("contextlib").suppress(OSError): fill()
        for number in range(5000):
            logging.getLogger("tfx").info("line %s " + 50 * "x", number)
            print("line", number)
        print("a traceback", file=sys.stderr)
        fill()
try:
    with shortage_named(Workspace(folder)): {fault}()
except RunFailedError as error:
    print("SAID", error)
"""


@pytest.mark.parametrize(
    ("options", "fault", "sentence"),
    [
        ("size=100k", "fill", "is full (0.0 MB free): free some space and run the same command"),
        ("size=100k", "store", "is full (0.1 MB free)"),
        ("size=1m,nr_inodes=20", "write_files", "has no room for another file (1.0 MB free)"),
    ],
)
def test_whoever_notices_the_full_disk_the_sentence_names_it(
    tmp_path: Path, options: str, fault: str, sentence: str
) -> None:
    said = python_on_small_disk(options, tmp_path, BEGINNING.replace("{fault}", fault))
    assert f"SAID The disk of {tmp_path} {sentence}" in said


def test_a_log_on_the_full_disk_leaves_nothing_on_the_screen(tmp_path: Path) -> None:
    program = BEGINNING.replace("{fault}", "log_and_fill")
    [line] = python_on_small_disk("size=100k", tmp_path, program).splitlines()
    assert line.startswith(f"SAID The disk of {tmp_path} is full")


def test_other_errors_stay_as_they_are(tmp_path: Path) -> None:
    program = BEGINNING.replace("{fault}()", "raise KeyError('x')")
    program += "\nexcept KeyError: print('KEY')"
    assert python_on_small_disk("size=1m", tmp_path, program) == "KEY\n"


def test_memory_that_runs_out_is_named(tmp_path: Path) -> None:
    limit = "__import__('resource').setrlimit(9, (400_000_000,) * 2); bytes(10**9)"
    said = python_on_small_disk("size=1m", tmp_path, BEGINNING.replace("{fault}()", limit))
    assert said.startswith("SAID Memory ran out, and ")
    assert "run again, which goes on from the last finished node" in said


def test_a_thread_that_cannot_start_is_lack_of_memory(tmp_path: Path) -> None:
    fault = """raise RuntimeError("can't start new thread [while running 'Write']")"""
    said = python_on_small_disk("size=1m", tmp_path, BEGINNING.replace("{fault}()", fault))
    assert said.startswith("SAID Memory ran out, and ")
