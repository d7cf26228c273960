"""The compiled pipeline is run, task by task with the containers' own commands, and gives the model
that TFX's local runner gives."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from serving.versions.directory import list_versions
from tests.real_text import write_real_text

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[3]
RUNNER = Path(__file__).with_name("local_kubeflow.py")
NAME = "small"
PAIRS = 2400
SETTINGS = [
    f"name={NAME}", f"data.corpus={NAME}", "subwords.vocabulary_size=1500",
    "model.embedding_size=64", "model.encoder_units=64", "model.decoder_units=128",
    "model.attention_units=64", "training.epochs=8", "training.learning_rate=0.004",
    "training.warmup_steps=20", "training.dropout=0.1", "training.average_decay=0.95",
    "training.validation_sentences=100", "evaluation.min_bleu=0.5",
    "evaluation.min_slice_sentences=30", "kubeflow.volumes=[]",
]  # fmt: skip


def nmt(command, *arguments):
    sets = [f"--set={setting}" for setting in SETTINGS]
    return run(
        sys.executable, "-m", "pipeline", command, "--config=debian", *sets, *arguments
    )  # fmt: skip


def run(*command):
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=1800,
        check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    return done.stdout


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace in which the pipeline ran once on Kubeflow and once, elsewhere, locally."""
    folder = tmp_path_factory.mktemp("kubeflow")
    text = write_real_text(folder, PAIRS)
    run(
        sys.executable, "-m", "pipeline", "corpus", "import", "--name", NAME,
        "--workspace", str(folder), "--validation", "120", "--test", "150",
        "--tsv", str(text),
    )  # fmt: skip
    specification = str(folder / "pipeline.yaml")
    nmt("compile", "--workspace", str(folder), f"--set=kubeflow.workspace={folder}",
        "-o", specification)  # fmt: skip
    # A parameter of the run: six epochs instead of eight.
    run(sys.executable, str(RUNNER), specification, str(folder / "artifacts"), "epochs=6")
    local = folder / "local"
    local.mkdir()
    (local / "corpora").symlink_to(folder / "corpora")
    nmt("run", "--workspace", str(local), "--set=training.epochs=6")
    return folder


def pushed(workspace):
    [version] = list_versions(workspace / "models" / NAME)
    return Path(version.path)


def variables(export):
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(export / "variables" / "variables"))
    names = [name for name in reader.get_variable_to_shape_map() if "OBJECT_GRAPH" not in name]
    return {name: reader.get_tensor(name) for name in names}


def test_the_run_on_kubeflow_pushes_one_model(workspace):
    assert pushed(workspace).name.isdigit()


def test_its_weights_are_those_of_the_local_run(workspace):
    kubeflow, local = (variables(pushed(each)) for each in (workspace, workspace / "local"))
    assert kubeflow.keys() == local.keys()
    for name, value in kubeflow.items():
        assert np.array_equal(value, local[name]), name


def test_the_models_record_says_what_the_run_was_told(workspace):
    card = json.loads(
        (pushed(workspace) / "assets.extra" / "model_card.json").read_text(encoding="utf-8")
    )
    assert card["configuration"]["training"]["epochs"] == 6
    assert len(card["history"]) == 6


def test_a_run_on_another_corpus_than_it_was_compiled_for_fails_with_a_sentence(workspace):
    done = subprocess.run(
        [
            sys.executable, str(RUNNER), str(workspace / "pipeline.yaml"),
            str(workspace / "other"), 'corpus_checksum="0123"',
        ],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=600, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode != 0
    assert "but the run's parameter corpus_checksum is 0123" in done.stdout + done.stderr
