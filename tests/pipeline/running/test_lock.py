import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.corpora.folder import CorpusText, write_corpus
from pipeline.corpora.information import SPLITS
from pipeline.errors import UserError
from pipeline.running.lock import only_run
from pipeline.workspace import Workspace

HOLDER = """
import sys
from pipeline.running.lock import only_run
from pipeline.workspace import Workspace
with only_run(Workspace(sys.argv[1]), sys.argv[2]):
    print("holds", flush=True)
    sys.stdin.read()
"""


def start_run(workspace: Path, name: str) -> subprocess.Popen:
    """Starts a process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(workspace), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "holds\n"
    return process


def lock_once(workspace: Path, name: str) -> None:
    with only_run(Workspace(str(workspace)), name):
        pass


def test_a_second_run_of_a_pipeline_is_refused_with_the_process_of_the_first(tmp_path):
    with start_run(tmp_path, "captions") as first:
        with pytest.raises(UserError) as refused:
            lock_once(tmp_path, "captions")
        first.kill()
    assert f"The pipeline captions is running in {tmp_path} already" in str(refused.value)
    assert f"process {first.pid} on " in str(refused.value)
    assert ", started 2" in str(refused.value)


def test_a_second_nmt_run_ends_at_once(tmp_path, capsys):
    splits = {split: [("a cat", "eine Katze")] for split in SPLITS}
    text = CorpusText("debian", "en", "de", "CC0", "this test", splits)
    write_corpus(text, tmp_path / "corpora/debian")
    with start_run(tmp_path, "debian") as first:
        assert main(["run", "--workspace", str(tmp_path)]) == 2
        first.kill()
    assert f"nmt: The pipeline debian is running in {tmp_path} already" in capsys.readouterr().err


def test_the_refusal_leaves_the_note_of_the_first_run(tmp_path):
    with only_run(Workspace(str(tmp_path)), "captions"):
        for _ in range(2):
            with pytest.raises(UserError, match=f"process {os.getpid()} on"):
                lock_once(tmp_path, "captions")


def test_runs_of_two_names_work_side_by_side(tmp_path):
    with start_run(tmp_path, "captions") as first:
        lock_once(tmp_path, "news")
        assert first.poll() is None
        first.kill()


def test_a_killed_run_leaves_no_lock(tmp_path):
    with start_run(tmp_path, "captions") as first:
        first.kill()
    lock_once(tmp_path, "captions")


def test_a_remote_workspace_has_no_lock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with only_run(Workspace("gs://bucket/w"), "captions"):
        assert not list(tmp_path.iterdir())
