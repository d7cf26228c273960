"""Runs of the gate with a serving directory and candidates to push into it.

LiveModel, RecordingEvaluator and the stock Pusher run for real, on real ML Metadata; so does
ServingValidator if a test enables it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2
from tfx.components import Pusher
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts

from components.gate.evaluation_reader import read_verdict
from components.gate.recording_evaluator import RecordingEvaluator
from components.gate.settings import GateSettings
from components.gate.verdict import Verdict
from components.live_model import LiveModel
from components.serving_validator import BLESSED_FILE, ServingValidator
from serving.versions.directory import ModelVersion, list_versions
from tests.components.beam_arguments import BEAM_ARGS
from trainer.translation_statistics import judge_of

PIPELINE_NAME = "gate-test"


@dataclass(frozen=True)
class Example:
    source: str
    target: str
    bucket: str
    domain: str = "news"


def write_examples(folder: Path, examples: Sequence[Example]) -> str:
    """Writes an Examples artifact with the one split `test`."""
    split = folder / "Split-test"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data-00000-of-00001.gz"), "GZIP") as writer:
        for example in examples:
            texts = {
                "source": example.source,
                "target": example.target,
                "length_bucket": example.bucket,
                "domain": example.domain,
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
    """The result of one run of the pipeline."""

    states: dict[str, str]
    verdict: Verdict
    baseline: str | None
    pushed: int
    properties: dict[str, str | float] = field(default_factory=dict)
    """Properties of the blessing."""
    recorded: str = ""
    """The verdict stored in the evaluation."""


class World:
    """A workspace for a series of candidates.

    Args:
      root: Its folder.
      settings: The bounds of the gate.
      examples: The test set.
      request_seconds: ServingValidator's time for each request. None leaves ServingValidator out,
        and every export counts as valid.
    """

    def __init__(
        self,
        root: Path,
        settings: GateSettings,
        examples: Sequence[Example],
        request_seconds: float | None = None,
    ) -> None:
        self.root = root
        self.settings = settings
        self.serving = root / "models"
        self.examples = write_examples(root / "examples", examples)
        self.judge = judge_of(settings.scoring, [example.target for example in examples])
        self.request_seconds = request_seconds
        self.max_minutes = 10.0
        self.connection = sqlite_metadata_connection_config(str(root / "metadata.db"))

    def pipeline(self, model_uri: str) -> Pipeline:
        examples = Importer(
            source_uri=self.examples,
            artifact_type=standard_artifacts.Examples,
            properties={"split_names": json.dumps(["test"])},
        ).with_id("Examples")
        candidate = Importer(source_uri=model_uri, artifact_type=standard_artifacts.Model).with_id(
            "Candidate"
        )
        model = candidate.outputs["result"]
        live = LiveModel(model=model, serving_directory=str(self.serving))
        validator, infra_blessing = self.validator(model)
        evaluator = RecordingEvaluator(
            infra_blessing=infra_blessing,
            settings=self.settings,
            max_minutes=self.max_minutes,
            examples=examples.outputs["result"],
            model=model,
            baseline_model=live.outputs["model"],
            example_splits=["test"],
        )
        pusher = Pusher(
            model=model,
            model_blessing=evaluator.outputs["blessing"],
            infra_blessing=infra_blessing,
            push_destination=pusher_pb2.PushDestination(
                filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(self.serving))
            ),
        )
        return Pipeline(
            PIPELINE_NAME,
            pipeline_root=str(self.root / "artifacts"),
            components=[examples, candidate, live, validator, evaluator, pusher],
            enable_cache=True,
            metadata_connection_config=self.connection,
            beam_pipeline_args=BEAM_ARGS,
        )

    def validator(self, model: Any) -> tuple[Any, Any]:
        """Returns the node for the validation of the export, and its output."""
        if self.request_seconds is not None:
            node = ServingValidator(model=model, max_seconds_per_request=self.request_seconds)
            return node, node.outputs["blessing"]
        blessing = self.root / "infra_blessing"
        blessing.mkdir(exist_ok=True)
        (blessing / BLESSED_FILE).touch()
        node = Importer(
            source_uri=str(blessing),
            artifact_type=standard_artifacts.InfraBlessing,
            custom_properties={"blessed": 1},
        ).with_id("ServingValidator")
        return node, node.outputs["result"]

    def run(self, model_uri: str, runner: Callable[[], Any] | None = None) -> Run:
        """Runs the pipeline on a candidate."""
        before = self.served()
        (runner or LocalDagRunner)().run(self.pipeline(model_uri))
        with metadata.Metadata(self.connection) as handle:
            store: Any = handle.store
            newest = max(store.get_contexts_by_type("pipeline_run"), key=lambda run: run.id)
            kinds = {kind.id: kind.name.rsplit(".", 1)[-1] for kind in store.get_execution_types()}
            nodes = {
                kinds[execution.type_id]: execution
                for execution in store.get_executions_by_context(newest.id)
            }
            [evaluation] = outputs(store, nodes["RecordingEvaluator"], "evaluation")
            [blessing] = outputs(store, nodes["RecordingEvaluator"], "blessing")
            live = outputs(store, nodes["LiveModel"], "model")
        state_name = metadata_store_pb2.Execution.State.Name  # type: ignore[attr-defined]
        version = live[0].custom_properties["live_version"].string_value if live else None
        return Run(
            states={node: state_name(nodes[node].last_known_state) for node in nodes},
            verdict=read_verdict(evaluation.uri, blessing.uri, self.settings, self.judge, version),
            baseline=live[0].custom_properties["fingerprint"].string_value if live else None,
            pushed=len(self.served()) - len(before),
            properties={
                name: getattr(value, value.WhichOneof("value"))
                for name, value in blessing.custom_properties.items()
            },
            recorded=Path(evaluation.uri, "verdict.json").read_text(encoding="utf-8"),
        )

    def served(self) -> list[ModelVersion]:
        """Returns the versions in the serving directory."""
        return [version for version in list_versions(self.serving) if version.complete]


def outputs(store: Any, execution: Any, key: str) -> list[Any]:
    """Returns the outputs of an execution under a key, made by it or taken from the cache."""
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
