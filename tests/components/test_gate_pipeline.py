"""The gate at work: real runs of LiveModel, the stock Evaluator and the stock Pusher on real ML
Metadata.

One serving directory lives through a history of runs, made once for the module; each test looks at
one thing in it. The candidates are tiny SavedModels that look their translations up in a table.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sacrebleu
import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx
from tfx.orchestration import metadata
from tfx.orchestration.beam.beam_dag_runner import BeamDagRunner

from components.gate import evaluation_config, read_verdict
from components.gate_settings import GateSettings
from components.live_model import LiveModel
from components.verdict import Verdict
from serving.model_directory import ModelVersion, fingerprint, list_versions

SETTINGS = GateSettings(min_bleu=10, bootstrap_resamples=200, min_slice_sentences=15, seed=7)
SHORT, LONG = "01-10", "11-20"
SENTENCE = "ein kleiner Hund läuft heute sehr schnell über die große grüne Wiese am Fluss"
PIPELINE_NAME = "gate-test"

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Example:
    source: str
    target: str
    bucket: str


def corpus() -> list[Example]:
    """40 sentences of 8 words and 20 of 12."""
    examples = []
    all_words = SENTENCE.split()
    for number in range(60):
        bucket, length = (SHORT, 8) if number % 3 else (LONG, 12)
        turn = number % len(all_words)
        words = (all_words[turn:] + all_words[:turn])[: length - 1]
        examples.append(Example(f"sentence {number}", " ".join([*words, str(number)]), bucket))
    return examples


def spoiled(share: dict[str, float]) -> dict[str, str]:
    """A translation table that loses the second half of this share of each bucket's sentences."""
    table = {}
    for bucket in (SHORT, LONG):
        members = [example for example in corpus() if example.bucket == bucket]
        for rank, example in enumerate(members):
            words = example.target.split()
            if rank < share[bucket] * len(members):
                words[len(words) // 2 :] = ["falsch"] * (len(words) - len(words) // 2)
            table[example.source] = " ".join(words)
    return table


class TableModel(tf.Module):
    """Translates by looking up the whole sentence."""

    def __init__(self, table: dict[str, str]) -> None:
        super().__init__()
        entries = tf.lookup.KeyValueTensorInitializer(list(table), list(table.values()))
        self.table = tf.lookup.StaticHashTable(entries, default_value="")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        features = {"source": tf.io.FixedLenFeature([], tf.string)}
        source = tf.io.parse_example(examples, features)["source"]
        return {"translation": self.table.lookup(source)[:, tf.newaxis]}


def write_model(folder: Path, table: dict[str, str]) -> str:
    model = TableModel(table)
    signatures = {"serve_examples": model.serve_examples}
    tf.saved_model.save(model, str(folder / "Format-Serving"), signatures=signatures)
    return str(folder)


def write_examples(folder: Path) -> str:
    split = folder / "Split-test"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data-00000-of-00001.gz"), "GZIP") as writer:
        for example in corpus():
            texts = {
                "source": example.source,
                "target": example.target,
                "length_bucket": example.bucket,
            }
            features = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
                for name, text in texts.items()
            }
            record = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(record.SerializeToString())
    return str(folder)


@dataclass(frozen=True)
class Run:
    """What one run of the pipeline left behind."""

    states: dict[str, str]
    verdict: Verdict
    baseline: str | None
    pushed: int


class History:
    """One workspace, in which candidates come along one after the other."""

    def __init__(self, root: Path, settings: GateSettings = SETTINGS) -> None:
        self.root = root
        self.settings = settings
        self.serving = root / "models"
        self.examples = write_examples(root / "examples")
        self.connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(root / "metadata.db")
        )

    def pipeline(self, model_uri: str) -> tfx.dsl.Pipeline:
        examples = tfx.dsl.Importer(
            source_uri=self.examples,
            artifact_type=tfx.types.standard_artifacts.Examples,
            properties={"split_names": json.dumps(["test"])},
        ).with_id("Examples")
        candidate = tfx.dsl.Importer(
            source_uri=model_uri, artifact_type=tfx.types.standard_artifacts.Model
        ).with_id("Candidate")
        live = LiveModel(model=candidate.outputs["result"], serving_directory=str(self.serving))
        evaluator = tfx.components.Evaluator(
            examples=examples.outputs["result"],
            model=candidate.outputs["result"],
            baseline_model=live.outputs["model"],
            eval_config=evaluation_config(self.settings),
            example_splits=["test"],
        )
        pusher = tfx.components.Pusher(
            model=candidate.outputs["result"],
            model_blessing=evaluator.outputs["blessing"],
            push_destination=tfx.proto.PushDestination(
                filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(self.serving))
            ),
        )
        return tfx.dsl.Pipeline(
            PIPELINE_NAME,
            pipeline_root=str(self.root / "artifacts"),
            components=[examples, candidate, live, evaluator, pusher],
            enable_cache=True,
            metadata_connection_config=self.connection,
            beam_pipeline_args=[
                "--direct_running_mode=in_memory",
                "--direct_num_workers=1",
            ],
        )

    def run(self, model_uri: str, runner: Callable[[], Any]) -> Run:
        before = self.served()
        runner().run(self.pipeline(model_uri))
        with metadata.Metadata(self.connection) as handle:
            store: Any = handle.store
            newest = max(store.get_contexts_by_type("pipeline_run"), key=lambda run: run.id)
            kinds = {kind.id: kind.name.rsplit(".", 1)[-1] for kind in store.get_execution_types()}
            nodes = {
                kinds[execution.type_id]: execution
                for execution in store.get_executions_by_context(newest.id)
            }
            [evaluation] = outputs(store, nodes["Evaluator"], "evaluation")
            [blessing] = outputs(store, nodes["Evaluator"], "blessing")
            live = outputs(store, nodes["LiveModel"], "model")
        state_name = metadata_store_pb2.Execution.State.Name  # type: ignore[attr-defined]
        version = live[0].custom_properties["live_version"].string_value if live else None
        return Run(
            states={node: state_name(nodes[node].last_known_state) for node in nodes},
            verdict=read_verdict(evaluation.uri, blessing.uri, self.settings, version),
            baseline=live[0].custom_properties["fingerprint"].string_value if live else None,
            pushed=len(self.served()) - len(before),
        )

    def served(self) -> list[ModelVersion]:
        return [version for version in list_versions(self.serving) if version.complete]


def outputs(store: Any, execution: Any, key: str) -> list[Any]:
    """The artifacts that an execution put out, or took from the cache, under a key."""
    events = store.get_events_by_execution_ids([execution.id])
    output = metadata_store_pb2.Event.OUTPUT  # type: ignore[attr-defined]
    return list(
        store.get_artifacts_by_id(
            [
                event.artifact_id
                for event in events
                if event.type == output and event.path.steps[0].key == key
            ]
        )
    )


# Shares of spoiled sentences, short and long. `lopsided` is better than `better` over all.
CANDIDATES = {
    "first": {SHORT: 0.5, LONG: 0.5},
    "worse": {SHORT: 0.9, LONG: 0.9},
    "better": {SHORT: 0.3, LONG: 0.2},
    "lopsided": {SHORT: 0.0, LONG: 0.5},
    "useless": {SHORT: 1.0, LONG: 1.0},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("models")
    return {name: write_model(root / name, spoiled(share)) for name, share in CANDIDATES.items()}


@pytest.fixture(scope="module")
def history(models: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    world = History(tmp_path_factory.mktemp("gate"))
    local = tfx.orchestration.LocalDagRunner
    runs = {
        "first": world.run(models["first"], local),
        "first again": world.run(models["first"], local),
        "worse": world.run(models["worse"], local),
    }
    corrupt = world.serving / "999999999999"
    (corrupt / "variables").mkdir(parents=True)
    (corrupt / "saved_model.pb").write_bytes(b"half of a graph")
    (corrupt / "variables" / "variables.index").write_bytes(b"index")
    (corrupt / "variables" / "variables.data-00000-of-00001").write_bytes(b"weights")
    (world.serving / "notes.txt").write_text("not a version", encoding="utf-8")
    runs["better"] = world.run(models["better"], BeamDagRunner)
    runs["better again"] = world.run(models["better"], BeamDagRunner)
    runs["lopsided"] = world.run(models["lopsided"], local)
    return runs


def content(models: dict[str, str], name: str) -> str:
    return fingerprint(Path(models[name]) / "Format-Serving")


def failed(run: Run) -> set[tuple[str, str]]:
    return {(check.metric, check.slice) for check in run.verdict.failures}


def test_the_first_model_has_no_baseline(history: dict[str, Run]) -> None:
    assert (history["first"].baseline, history["first"].verdict.has_baseline) == (None, False)


def test_the_first_model_is_held_against_the_floor_alone(history: dict[str, Run]) -> None:
    [check] = history["first"].verdict.checks
    assert (check.metric, check.slice, check.bound, check.passed) == ("bleu", "overall", 10, True)


def test_a_blessed_model_is_pushed(history: dict[str, Run]) -> None:
    assert (history["first"].verdict.blessed, history["first"].pushed) == (True, 1)


@pytest.mark.parametrize("run", ["first again", "better again"])
def test_a_second_run_with_nothing_changed_is_answered_from_the_cache(
    history: dict[str, Run], run: str
) -> None:
    states = {node: history[run].states[node] for node in ("LiveModel", "Evaluator", "Pusher")}
    assert states == dict.fromkeys(states, "CACHED")


@pytest.mark.parametrize("run", ["first again", "better again"])
def test_nothing_is_pushed_twice(history: dict[str, Run], run: str) -> None:
    assert history[run].pushed == 0


def test_the_baseline_is_what_is_live(history: dict[str, Run], models: dict[str, str]) -> None:
    assert history["worse"].baseline == content(models, "first")


def test_a_worse_model_is_blocked(history: dict[str, Run]) -> None:
    assert (history["worse"].verdict.blessed, history["worse"].pushed) == (False, 0)


def test_the_verdict_names_every_reason(history: dict[str, Run]) -> None:
    assert failed(history["worse"]) == {
        (metric, where)
        for metric in ("bleu_drop", "bleu_drop_p_value")
        for where in ("overall", "length_bucket=01-10", "length_bucket=11-20")
    }


def test_corrupt_and_foreign_versions_are_passed_over(
    history: dict[str, Run], models: dict[str, str]
) -> None:
    assert history["better"].baseline == content(models, "first")


def test_a_better_model_is_pushed(history: dict[str, Run]) -> None:
    assert (history["better"].verdict.blessed, history["better"].pushed) == (True, 1)


def test_the_pushed_model_becomes_the_next_baseline(
    history: dict[str, Run], models: dict[str, str]
) -> None:
    assert history["lopsided"].baseline == content(models, "better")


def test_a_model_that_is_better_over_all_and_worse_in_one_bucket_is_blocked(
    history: dict[str, Run],
) -> None:
    bucket = "length_bucket=11-20"
    overall = history["lopsided"].verdict.metrics["overall"]["candidate"]
    assert overall["bleu_drop"] < 0
    assert failed(history["lopsided"]) == {("bleu_drop", bucket), ("bleu_drop_p_value", bucket)}
    assert history["lopsided"].pushed == 0


def test_the_scores_are_those_of_sacrebleu(history: dict[str, Run]) -> None:
    table = spoiled(CANDIDATES["worse"])
    hypotheses = [table[example.source] for example in corpus()]
    references = [example.target for example in corpus()]
    numbers = history["worse"].verdict.metrics["overall"]["candidate"]
    assert numbers["bleu"] == sacrebleu.corpus_bleu(hypotheses, [references]).score
    assert numbers["chrf"] == sacrebleu.corpus_chrf(hypotheses, [references]).score


def test_a_first_model_below_the_floor_is_blocked(models: dict[str, str], tmp_path: Path) -> None:
    world = History(tmp_path, SETTINGS.model_copy(update={"min_bleu": 99.0}))
    run = world.run(models["useless"], tfx.orchestration.LocalDagRunner)
    assert (run.verdict.blessed, run.pushed, failed(run)) == (False, 0, {("bleu", "overall")})


def test_a_bucket_with_too_few_sentences_does_not_count(
    models: dict[str, str], tmp_path: Path
) -> None:
    world = History(tmp_path, SETTINGS.model_copy(update={"min_slice_sentences": 21}))
    world.run(models["better"], tfx.orchestration.LocalDagRunner)
    run = world.run(models["lopsided"], tfx.orchestration.LocalDagRunner)
    assert (run.verdict.blessed, run.verdict.unjudged) == (True, {"length_bucket=11-20": 20})
