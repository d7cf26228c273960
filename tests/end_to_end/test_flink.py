"""Compares the pipeline's Beam jobs on a Flink cluster with the same jobs on Beam's DirectRunner.

    direct      the whole pipeline with one worker in memory; pushes a model
    flink       the same on Flink, from an empty cache, with this model as the baseline, and with
                another seed: Trainer sorts its examples, so the model would be the same otherwise
    evaluation  Evaluator on the examples and the models of `flink`, with DirectRunner

Flink's vocabulary, examples and statistics are compared with those of `direct`, and its metrics
with those of `evaluation`. `NMT_FLINK_PAIRS` limits the sentence pairs.
"""

import json
import math
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end import flink_cluster
from tests.real_text import write_real_text

pytestmark = [pytest.mark.flink, pytest.mark.end_to_end, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
PAIRS = int(os.environ.get("NMT_FLINK_PAIRS", "100000"))
"""Largest number of pairs; the Debian corpus has fewer."""
CORPUS = "sentences"
SPLITS = ("train", "validation", "test")
# The vocabulary has its real size. The model is small and learns only from short sentences, just
# enough to produce words, since it is not under test.
SETTINGS = {
    "data.corpus": CORPUS,
    "model.embedding_size": 64,
    "model.encoder_units": 32,
    "model.decoder_units": 64,
    "model.attention_units": 32,
    "training.epochs": 1 if PAIRS > 25_000 else 30,
    "training.max_tokens": 8,
    "training.learning_rate": 0.004,
    "training.warmup_steps": 20,
    "training.dropout": 0.1,
    "training.average_decay": 0.95,
    "training.validation_sentences": 10,
    "decoding.beam_size": 2,
    # Hardly trained: a BLEU of 0 would be blocked.
    "evaluation.metric": "chrf",
    "evaluation.min_chrf": 0,
    "evaluation.min_slice_sentences": 1,
}
OTHER_SEED = {"seed": 2}
# For each component, a word found only in its Flink job's plan.
WORK = {
    "ParallelTextExampleGen": "ReadSplit[train]",
    "StatisticsGen": "GenerateStatistics[train]",
    "Transform": "TransformIndex0",
    "Evaluator": "ExtractEvaluateAndWriteResults",
}


@dataclass(frozen=True)
class Run:
    """The result of one `nmt run`."""

    name: str
    summary: dict[str, Any]
    executed: set[str]
    outputs: dict[str, dict[str, str]]
    """The folder of each artifact, by node and by output."""


@dataclass(frozen=True)
class History:
    """All runs, and Flink's jobs during them."""

    direct: Run
    flink: Run
    evaluation: dict[str, Any]
    """The verdict."""
    jobs: list[flink_cluster.FlinkJob]
    worker_processes: int
    pairs: int


def nmt(*given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *given],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip


def run(workspace: Path, name: str, changes: dict[str, Any]) -> Run:
    from pipeline.running.record import open_store, read_latest_run

    sets = [f"--set={key}={value}" for key, value in (SETTINGS | {"name": name} | changes).items()]
    done = nmt("run", "--config", "debian", "--workspace", str(workspace), "--json", *sets)
    assert done.stdout, done.stderr
    nodes = read_latest_run(open_store(str(workspace / "metadata.db")), name)
    return Run(
        name=name,
        summary=json.loads(done.stdout),
        executed={node for node, record in nodes.items() if not record.is_cached},
        outputs={
            node: {key: made[0].uri for key, made in record.outputs.items() if made}
            for node, record in nodes.items()
        },
    )


@pytest.fixture(scope="module")
def workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    reason = flink_cluster.why_not()
    if reason is not None:
        pytest.skip(reason)
    if "flink" not in request.config.option.markexpr:
        pytest.skip("it takes half an hour: `make test-flink` runs it")
    folder = tmp_path_factory.mktemp("flink")
    text = write_real_text(folder, PAIRS)
    made = nmt(
        "corpus", "import", "--name", CORPUS, "--workspace", str(folder), "--tsv", str(text),
        "--validation", "300", "--test", "300",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def history(workspace: Path) -> History:
    direct = run(workspace, "direct", {})
    assert direct.summary["is_live"], direct.summary
    models = workspace / "models"
    shutil.copytree(models / "direct", models / "flink")
    with flink_cluster.flink_cluster(workspace / "cluster") as cluster:
        slots = flink_cluster.task_slots()
        engine = {
            "beam.runner": "flink",
            "beam.portable.job_endpoint": cluster.job_endpoint,
            "beam.portable.worker_pool": cluster.worker_pool,
            "beam.portable.worker_processes": slots,
            "beam.portable.parallelism": slots,
        }
        flink = run(workspace, "flink", engine | OTHER_SEED)
        jobs, processes = cluster.jobs(), cluster.worker_processes()
    with pytest.MonkeyPatch.context() as monkeypatch:
        evaluation = evaluate_directly(workspace / "evaluation", flink, monkeypatch)
    return History(direct, flink, evaluation, jobs, processes, len(examples(direct)))


def evaluate_directly(folder: Path, done: Run, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    from pipeline.config.settings import load_config
    from tests.end_to_end.direct_evaluation import evaluate

    folder.mkdir()
    # TFX parses this process's arguments, and would take pytest's `-v` for `--verbosity`.
    monkeypatch.setattr(sys, "argv", sys.argv[:1])
    config = load_config(
        "debian", [f"{key}={value}" for key, value in (SETTINGS | OTHER_SEED).items()]
    )
    return evaluate(
        folder,
        config,
        done.outputs["ParallelTextExampleGen"]["examples"],
        list(SPLITS),
        done.outputs["Trainer"]["model"],
        done.outputs["LiveModel"]["model"],
    )


def records(folder: str) -> list[bytes]:
    """Returns the serialized examples of all files of a split."""
    import tensorflow as tf

    files = sorted(str(path) for path in Path(folder).iterdir())
    return list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())


def canonical(serialized: bytes) -> bytes:
    """Returns an example with sorted features, since Transform's coder writes them in any order."""
    import tensorflow as tf

    return tf.train.Example.FromString(serialized).SerializeToString(deterministic=True)


def examples(done: Run, split: str = "train") -> list[bytes]:
    return records(f"{done.outputs['ParallelTextExampleGen']['examples']}/Split-{split}")


def statistics(folder: str) -> dict[str, Any]:
    """Returns a `FeatureStats.pb` as a mapping, with the features by name."""
    from google.protobuf import json_format
    from tensorflow_metadata.proto.v0 import statistics_pb2

    file = Path(folder, "FeatureStats.pb")
    found = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
    [dataset] = json_format.MessageToDict(found)["datasets"]
    names = [".".join(each["path"]["step"]) for each in dataset["features"]]
    features = dict(sorted(zip(names, dataset.pop("features"), strict=True)))
    return dataset | {"features": features}


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Returns the differences of two mappings, except rounding from another order of additions."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [
            found for key in one for found in differences(one[key], other[key], f"{path}/{key}")
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [
            found
            for index, (first, second) in enumerate(zip(one, other, strict=True))
            for found in differences(first, second, f"{path}[{index}]")
        ]
    if isinstance(one, float) and isinstance(other, float):
        return [] if math.isclose(one, other, rel_tol=1e-9) else [f"{path}: {one} and {other}"]
    return [] if one == other else [f"{path}: {one} and {other}"]


def jobs_of(history: History, component: str) -> list[flink_cluster.FlinkJob]:
    return [job for job in history.jobs if WORK[component] in job.description]


def tell(lines: Iterable[str], request: pytest.FixtureRequest) -> None:
    """Writes to the terminal, even if pytest captures the output."""
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        reporter.ensure_newline()
        for line in lines:
            reporter.write_line(line)


def test_flink_ran_the_work_of_every_component(
    history: History, request: pytest.FixtureRequest
) -> None:
    origin = (flink_cluster.JARS / "origin.txt").read_text(encoding="utf-8").strip()
    row = "{:<24}{:<10}{:>6}  {:>5}  {:>11}".format
    tell(
        [
            f"{origin}; {history.pairs:,} training pairs",
            row("component", "its job", "stages", "tasks", "parallelism"),
            *(
                row(component, job.state, job.stages, job.tasks, job.parallelism)
                for component in WORK
                for job in jobs_of(history, component)
            ),
            f"Python processes that worked for them: {history.worker_processes}",
        ],
        request,
    )
    assert {job.state for job in history.jobs} == {"FINISHED"}
    for component in WORK:
        found = jobs_of(history, component)
        assert found, component
        assert {job.parallelism for job in found} == {flink_cluster.task_slots()}, component
    assert history.worker_processes >= len(history.jobs) * flink_cluster.task_slots()


def test_nothing_came_from_the_cache(history: History) -> None:
    assert history.flink.executed == history.direct.executed
    assert WORK.keys() <= history.flink.executed


def test_the_examples_are_the_same(history: History) -> None:
    for split in SPLITS:
        direct, flink = examples(history.direct, split), examples(history.flink, split)
        assert direct
        assert Counter(direct) == Counter(flink), split


def test_the_report_of_the_ingestion_is_the_same(history: History) -> None:
    reports = [
        Path(each.outputs["ParallelTextExampleGen"]["examples"], "ingestion.json").read_bytes()
        for each in (history.direct, history.flink)
    ]
    assert reports[0] == reports[1]


def test_the_statistics_are_the_same(history: History) -> None:
    for split in SPLITS:
        found = [
            statistics(f"{each.outputs['StatisticsGen']['statistics']}/Split-{split}")
            for each in (history.direct, history.flink)
        ]
        assert found[0]["features"].keys() == {"length_bucket", "source", "target"}
        assert differences(*found) == [], split


def test_the_vocabulary_is_the_same_to_the_byte(history: History) -> None:
    found = [
        Path(
            each.outputs["Transform"]["transform_graph"], "transform_fn/assets/subwords.txt"
        ).read_bytes()
        for each in (history.direct, history.flink)
    ]
    assert len(found[0].splitlines()) > 1000
    assert found[0] == found[1]


def test_the_transformed_examples_are_the_same(history: History) -> None:
    for split in ("train", "validation"):
        found = [
            Counter(
                canonical(each)
                for each in records(
                    f"{done.outputs['Transform']['transformed_examples']}/Split-{split}"
                )
            )
            for done in (history.direct, history.flink)
        ]
        assert found[0] == found[1], split


def test_the_metrics_of_both_models_are_the_same(history: History) -> None:
    flink = history.flink.summary["verdict"]["metrics"]
    assert flink["overall"]["candidate"]["sentence_count"] > 0
    assert flink["overall"]["candidate"]["bleu"] != flink["overall"]["baseline"]["bleu"]
    assert differences(flink, history.evaluation["metrics"]) == []


def test_the_gate_compared_the_models_with_the_same_result(history: History) -> None:
    found = [
        {f"{check['slice']} {check['metric']}": check["value"] for check in verdict["checks"]}
        for verdict in (history.flink.summary["verdict"], history.evaluation)
    ]
    assert any("p_value" in name for name in found[0])
    assert differences(*found) == []
