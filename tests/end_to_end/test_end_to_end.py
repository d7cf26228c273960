"""A history of real runs in one workspace on a small real corpus; each test checks one aspect.

killed    the first run, killed while the Trainer trains
first     the same command again: continues, and pushes the first model
again     the same command again: nothing to do
worse     a model after hardly any training: blocked
better    two networks as one model, after longer training: pushed
beam      the same command again on BeamDagRunner: nothing to do
lost      the same command again after the live version was deleted: pushed again
"""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from serving.contract import layout
from serving.versions.directory import list_versions
from tests.real_text import write_real_text

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
PAIRS = 2400
NAME = "small"
SETTINGS = {
    "name": NAME,
    "data.corpus": NAME,
    "subwords.vocabulary_size": 1500,
    "model.embedding_size": 64,
    "model.encoder_units": 64,
    "model.decoder_units": 128,
    "model.attention_units": 64,
    "training.epochs": 4,
    "training.learning_rate": 0.004,
    "training.warmup_steps": 20,
    "training.dropout": 0.1,
    "training.average_decay": 0.95,
    "training.validation_sentences": 40,
    "decoding.beam_size": 2,
    "report.sentences": 40,
    "evaluation.min_bleu": 0.5,
    "evaluation.min_slice_sentences": 30,
}
BETTER = {"training__epochs": 8, "decoding__ensemble": 2}
BEFORE_TRAINER = [
    "ParallelTextExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform",
]  # fmt: skip
AFTER_TRANSFORM = [
    "Trainer", "LiveModel", "ServingValidator", "Evaluator", "Pusher", "ModelReport",
]  # fmt: skip


@dataclass(frozen=True)
class Run:
    """The result of one `nmt run`."""

    status: int
    summary: dict
    cached: set[str]
    executed: set[str]
    versions: list[int]
    screen: str


def arguments(workspace, *options, **changes):
    settings = SETTINGS | {key.replace("__", "."): value for key, value in changes.items()}
    sets = [f"--set={key}={value}" for key, value in settings.items()]
    return ["run", "--config", "debian", "--workspace", str(workspace), *sets, *options]


def nmt(*given, timeout=600):
    """Runs a command like a user, in a separate process."""
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *given],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=timeout, check=False,
    )  # fmt: skip


def run_as_a_user(workspace):
    """Runs the pipeline in a separate process."""
    done = nmt(*arguments(workspace, "--json"))
    assert done.stdout, done.stderr
    return outcome(workspace, done.returncode, done.stdout, done.stderr)


def run(workspace, *options, **changes):
    """Runs the pipeline in this process, so TFX is loaded only once for all runs."""
    from pipeline.cli import main

    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        status = main(arguments(workspace, "--json", *options, **changes))
    return outcome(workspace, status, output.getvalue())


def outcome(workspace, status, answer, screen=""):
    from pipeline.running.record import open_store, read_latest_run

    nodes = read_latest_run(open_store(str(workspace / "metadata.db")), NAME)
    return Run(
        status=status,
        summary=json.loads(answer),
        cached={name for name, node in nodes.items() if node.is_cached},
        executed={name for name, node in nodes.items() if not node.is_cached},
        versions=[version.number for version in list_versions(workspace / "models" / NAME)],
        screen=screen,
    )


def run_and_kill(workspace):
    """Starts a run and kills it as soon as the Trainer's first epoch has ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *arguments(workspace)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        start_new_session=True,
    )  # fmt: skip
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "epoch 1 of 4" in line:
            break
    # The checkpoint of an epoch is written right after its log line.
    deadline = time.monotonic() + 30
    while not list(workspace.glob(f"pipelines/{NAME}/checkpoints/*/checkpoint")):
        assert time.monotonic() < deadline, "no checkpoint was written"
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return "".join(lines)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("end_to_end")
    text = write_real_text(folder, PAIRS)
    made = nmt(
        "corpus", "import", "--name", NAME, "--workspace", str(folder), "--validation", "120",
        "--test", "150", "--tsv", str(text),
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def history(workspace):
    return {
        "killed": run_and_kill(workspace),
        "first": run_as_a_user(workspace),
        "again": run(workspace),
        "worse": run(workspace, training__epochs=1, training__learning_rate=1e-6),
        "worse report": report(workspace),
        "better": run(workspace, **BETTER),
        "beam": run(workspace, "--runner=beam", **BETTER),
        "lost": run_after_losing_the_live_version(workspace, **BETTER),
    }


def report(workspace):
    return (workspace / "reports" / NAME / "report.html").read_text(encoding="utf-8")


def run_after_losing_the_live_version(workspace, **changes):
    shutil.rmtree(list_versions(workspace / "models" / NAME)[-1].path)
    return run(workspace, **changes)


def artifacts(workspace, node):
    from pipeline.running.record import open_store, read_latest_run

    return read_latest_run(open_store(str(workspace / "metadata.db")), NAME)[node].outputs


def test_a_killed_run_goes_on_from_its_last_finished_node(history):
    assert "epoch 1 of 4" in history["killed"]
    assert history["first"].cached == set(BEFORE_TRAINER)


def test_a_killed_training_goes_on_from_its_last_checkpoint(history):
    assert "training goes on from step" in history["first"].screen
    assert "epoch 1 of 4" not in history["first"].screen
    assert "epoch 4 of 4" in history["first"].screen


def test_the_first_model_is_pushed(history):
    first = history["first"]
    assert first.status == 0
    assert first.summary["is_live"]
    assert not first.summary["verdict"]["has_baseline"]
    assert first.executed == set(AFTER_TRANSFORM)
    assert len(first.versions) == 1


def test_a_second_run_does_nothing(history):
    again = history["again"]
    assert again.status == 0
    assert again.executed == set()
    assert again.cached == {*BEFORE_TRAINER, *AFTER_TRANSFORM}
    assert again.versions == history["first"].versions
    assert again.summary["pushed_to"] == history["first"].summary["pushed_to"]


def test_a_changed_setting_reruns_what_depends_on_it_alone(history):
    assert history["worse"].cached == set(BEFORE_TRAINER)
    assert history["worse"].executed == set(AFTER_TRANSFORM)


def test_a_worse_model_is_blocked_with_its_reasons(history):
    worse = history["worse"]
    assert worse.status == 1
    assert not worse.summary["is_live"]
    assert worse.versions == history["first"].versions
    failed = {
        check["metric"] for check in worse.summary["verdict"]["checks"] if not check["passed"]
    }
    assert {"bleu", "bleu_drop_p_value"} <= failed
    assert worse.summary["verdict"]["live_version"] == str(worse.versions[-1])


def test_a_better_model_is_pushed(history):
    better = history["better"]
    assert better.status == 0
    assert better.versions[:-1] == history["worse"].versions
    overall = better.summary["verdict"]["metrics"]["overall"]
    assert overall["candidate"]["bleu"] > overall["baseline"]["bleu"]
    assert all(check["passed"] for check in better.summary["verdict"]["checks"])


def test_an_ensemble_has_the_networks_of_two_trainings(workspace, history):
    folder = Path(history["lost"].summary["pushed_to"])
    card = json.loads((folder / layout.MODEL_CARD).read_text(encoding="utf-8"))
    assert card["sizes"]["models"] == 2
    weights = tf.train.load_checkpoint(str(folder / layout.VARIABLES))
    first, second = (
        weights.get_tensor(f"model/members/{member}/embeddings/.ATTRIBUTES/VARIABLE_VALUE")
        for member in range(2)
    )
    assert first.shape == second.shape
    assert np.abs(first - second).max() > 0.1


def test_the_other_runner_finds_everything_in_the_cache(history):
    beam = history["beam"]
    assert beam.status == 0
    assert beam.executed == set()
    assert beam.versions == history["better"].versions


def test_a_model_whose_version_was_removed_is_pushed_again(history):
    lost = history["lost"]
    assert lost.status == 0
    assert lost.executed == {"Pusher"}
    assert lost.summary["is_live"]
    assert lost.versions[0] == history["first"].versions[0]
    assert lost.versions[1] > history["better"].versions[1]


def test_the_scores_are_those_of_sacrebleu_on_the_test_split(workspace, history):
    import sacrebleu

    from pipeline.corpora.folder import read_split
    from serving.local.model import LocalModel

    pairs = list(read_split(workspace / "corpora" / NAME, "test"))
    model = LocalModel(history["lost"].summary["pushed_to"])
    hypotheses = [
        found.text for found in model.translate([source for source, _ in pairs], split=False)
    ]
    references = [[target for _, target in pairs]]
    found = history["better"].summary["verdict"]["metrics"]["overall"]["candidate"]
    assert found["sentence_count"] == len(pairs)
    assert found["bleu"] == pytest.approx(sacrebleu.corpus_bleu(hypotheses, references).score)
    assert found["chrf"] == pytest.approx(sacrebleu.corpus_chrf(hypotheses, references).score)


def test_the_model_is_recorded_with_all_that_it_was_made_from(workspace, history):
    from pipeline.corpora.folder import load_corpus

    (model,) = artifacts(workspace, "Trainer")["model"]
    record = {name: value.string_value for name, value in model.custom_properties.items()}
    assert record["corpus_checksum"] == load_corpus(workspace / "corpora" / NAME).checksum
    assert json.loads(record["configuration"])["training"]["epochs"] == 8
    assert len(record["code_digest"]) == len(record["lock_digest"]) == 64
    assert record["seed"] == "1"


def test_the_model_descends_from_the_examples(workspace, history):
    from pipeline.running.record import open_store

    store = open_store(str(workspace / "metadata.db"))
    (model,) = artifacts(workspace, "Trainer")["model"]
    (examples,) = artifacts(workspace, "ParallelTextExampleGen")["examples"]
    assert examples.id in ancestors(store, model.id)


def ancestors(store, artifact_id):
    """Returns all artifacts an artifact was made from, through any number of executions."""
    found, todo = set(), [artifact_id]
    while todo:
        makers = {
            e.execution_id for e in store.get_events_by_artifact_ids([todo.pop()]) if e.type == 4
        }
        for event in store.get_events_by_execution_ids(makers) if makers else []:
            if event.type == 3 and event.artifact_id not in found:
                found.add(event.artifact_id)
                todo.append(event.artifact_id)
    return found


def test_every_component_left_its_artifact(workspace, history):
    for node in [*BEFORE_TRAINER, *AFTER_TRANSFORM]:
        for name, made in artifacts(workspace, node).items():
            for artifact in made:
                assert Path(artifact.uri).exists(), (node, name)


def test_training_left_its_curves(workspace, history):
    (model_run,) = artifacts(workspace, "Trainer")["model_run"]
    entries = json.loads(Path(model_run.uri, "history.json").read_text(encoding="utf-8"))
    assert [entry["epoch"] for entry in entries] == list(range(1, len(entries) + 1))
    assert list(Path(model_run.uri).glob("events.out.tfevents.*"))


def test_translate_answers_with_the_live_model(workspace, history):
    done = nmt(
        "translate", "--config", "debian", "--set", f"name={NAME}", "--workspace", str(workspace),
        "--attention", "This is the library.",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "library" in done.stdout
    assert "0." in done.stdout


def test_the_attention_of_both_models_is_measured(history):
    models = history["better"].summary["verdict"]["metrics"]["overall"]
    for model in ("candidate", "baseline"):
        for name in ("attention_entropy", "never_looked_at", "spurious_rows"):
            assert 0 <= models[model][name] <= 1


def test_the_blessing_says_what_was_checked(workspace, history):
    (blessing,) = artifacts(workspace, "Evaluator")["blessing"]
    properties = blessing.custom_properties
    assert properties["check bleu (overall)"].string_value.startswith("pass")
    assert properties["reasons"].string_value == "[]"


def test_the_readable_verdict_lies_beside_the_reports(workspace, history):
    text = (workspace / "reports" / NAME / "verdict.txt").read_text(encoding="utf-8")
    assert text.startswith("BLESSED")
    assert "bleu_drop_p_value" in text


def test_the_report_of_the_run_lies_beside_its_verdict(workspace, history):
    page = report(workspace)
    path = workspace / "reports" / NAME / "report.html"
    assert history["lost"].summary["html_report"] == str(path)
    assert "Blessed: every check passed" in page
    assert page.count('<li><span class="score">') > 10
    assert len(page.encode("utf-8")) < 3_000_000


def test_a_blocked_run_has_its_report_too(workspace, history):
    assert "Blocked by the gate" in history["worse report"]


def test_the_export_says_under_which_licence_its_data_is(workspace, history):
    from pipeline.corpora.folder import load_corpus

    extra = Path(history["lost"].summary["pushed_to"], "assets.extra")
    card = json.loads((extra / "model_card.json").read_text(encoding="utf-8"))
    assert card["data"]["licence"] == load_corpus(workspace / "corpora" / NAME).licence
    assert card["data"]["licence"] in (extra / "MODEL_CARD.md").read_text(encoding="utf-8")
