"""Kills runs by SIGKILL in all components, and compares what comes after.

Each kill has a workspace of its own: a run is killed there, and run again. `NMT_TEST_KILLS` is the
number of kills, from the first component to the last; each takes a minute and a half.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpora.folder import CorpusText, write_corpus
from serving.versions.directory import list_versions
from serving.versions.integrity import damage
from tests.end_to_end.test_continuous_training import NAME, NOUNS, SETTINGS, sentences

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("NMT_TEST_KILLS", "4"))
NODES = (
    "ParallelTextExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform",
    "Trainer", "LiveModel", "ServingValidator", "Evaluator", "Pusher", "ModelReport",
)  # fmt: skip
POINTS = [(NODES[kill * len(NODES) // KILLS], kill) for kill in range(KILLS)]
APART = 0.8
"""Seconds between two kills in one component."""
COMMAND = [
    sys.executable, "-m", "pipeline", "run", "--config=multi30k", "--json",
    *(f"--set={key}={value}" for key, value in SETTINGS.items()),
]  # fmt: skip


def workspace_at(folder: Path) -> Path:
    """Makes a workspace with the corpus."""
    pairs = sentences(NOUNS)
    splits = {"train": pairs[20:], "validation": pairs[:10], "test": pairs[10:20]}
    text = CorpusText(
        name=NAME, source_language="en", target_language="de", licence="CC0", origin="made up",
        splits=splits,
    )  # fmt: skip
    write_corpus(text, folder / "corpora" / NAME)
    return folder


def finished(workspace: Path) -> tuple[bytes, list[str], dict[str, Any]]:
    """Runs to the end; returns the vocabulary, the digests of the weights, and the scores."""
    done = subprocess.run(
        [*COMMAND, f"--workspace={workspace}"],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    [version] = list_versions(str(workspace / "models" / NAME))
    assert damage(version.path) is None
    assert summary["pushed_to"] == version.path
    metrics = summary["verdict"]["metrics"]["overall"]["candidate"]
    # Beam adds the other metrics up in any order, so their last digits differ.
    scores = {name: metrics[name] for name in ("bleu", "chrf", "ter")}
    export = Path(version.path)
    return (export / "assets/subwords.txt").read_bytes(), weights(export), scores


def weights(export: Path) -> list[str]:
    """Returns each weight of an export as text: its name and the digest of its values."""
    program = (
        "import hashlib, sys, tensorflow as tf\n"
        "reader = tf.train.load_checkpoint(sys.argv[1])\n"
        "for name in sorted(reader.get_variable_to_shape_map()):\n"
        "    values = reader.get_tensor(name)\n"
        "    if hasattr(values, 'dtype') and values.dtype.kind == 'f':\n"
        "        print(name, hashlib.sha256(values.tobytes()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(export / "variables/variables")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def wait_for(node: str, workspace: Path, process: subprocess.Popen[bytes]) -> None:
    """Waits until a component runs."""
    log = workspace / "pipelines" / NAME / "run.log"
    while not log.is_file() or f" {node} is running" not in log.read_text("utf-8", "replace"):
        assert process.poll() is None, f"the run ended before {node}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of a run that nobody killed."""
    return finished(workspace_at(tmp_path_factory.mktemp("undisturbed")))


@pytest.mark.parametrize(("node", "kill"), POINTS)
def test_a_killed_run_comes_to_the_same_model(
    tmp_path: Path, undisturbed: Any, node: str, kill: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = workspace_at(tmp_path / "workspace")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    first = POINTS.index(next(point for point in POINTS if point[0] == node))
    with subprocess.Popen(
        [*COMMAND, f"--workspace={workspace}"], cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    ) as process:  # fmt: skip
        wait_for(node, workspace, process)
        time.sleep(APART * (kill - first))
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    for version in list_versions(str(workspace / "models" / NAME)):
        assert version.problem is None
        assert damage(version.path) is None
    assert finished(workspace) == undisturbed
    assert list((tmp_path / "temporary").iterdir()) == []
