"""Wires the components of the pipeline, in the same way for every runner.

TFX's modules are imported one by one: `tfx.v1` would also import Google's AI Platform, 3 seconds
and 190 MB that are not installed here.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tfx.components import SchemaGen, StatisticsGen
from tfx.dsl.components.base import base_node
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.trainer_pb2 import EvalArgs, TrainArgs
from tfx.proto.transform_pb2 import SplitsConfig

from components.atomic_pusher import AtomicPusher
from components.curated_schema_gen import CuratedSchemaGen
from components.deterministic_transform import DeterministicTransform
from components.gate.recording_evaluator import RecordingEvaluator
from components.live_model import LiveModel
from components.model_report import ModelReport
from components.parallel_text_example_gen import ParallelTextExampleGen
from components.recording_trainer import RecordingTrainer
from components.serving_validator import ServingValidator
from components.strict_example_validator import StrictExampleValidator
from pipeline.config.beam import beam_arguments
from pipeline.config.settings import PipelineConfig
from pipeline.digests import code_digest, lock_digest
from pipeline.warm_start import WarmStart
from trainer.pair_weights import weighted_features

_EVALUATION_CODE = (
    "components.gate.output_metrics",
    "components.gate.recording_evaluator",
    "components.gate.translation_metrics",
)
"""The Evaluator's code. The metrics are listed because its configuration only names them, without
an import."""


@dataclass(frozen=True)
class Places:
    """The places read and written by a run: local paths or URIs."""

    corpus: str
    pipeline_root: str
    serving_directory: str
    metadata: str | None
    """SQLite file of ML Metadata; None if the orchestrator has its own store."""


def create_pipeline(
    config: PipelineConfig,
    places: Places,
    corpus_checksum: str,
    corpus_facts: Mapping[str, Any] | None = None,
    warm_start: WarmStart | None = None,
) -> Pipeline:
    """Wires the components.

    Args:
      config: the configuration.
      places: the places to read and write.
      corpus_checksum: the checksum of the corpus, recorded on the model.
      corpus_facts: facts about the corpus for the model card (`CorpusInfo.facts`). They are part of
        the Trainer's cache key; if only they change, a completed training is just exported again.
      warm_start: the version to begin training with.

    Returns:
      The pipeline, for any of TFX's runners.

    Raises:
      UserError: Beam's workers cannot reach these places.
    """
    connection = None
    if places.metadata is not None:
        connection = sqlite_metadata_connection_config(places.metadata)
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=places.pipeline_root,
        components=_components(
            config, places, model_record(config, corpus_checksum, corpus_facts), warm_start
        ),
        enable_cache=True,
        metadata_connection_config=connection,
        beam_pipeline_args=[*beam_arguments(config.beam, places.pipeline_root)],
    )


def _components(
    config: PipelineConfig,
    places: Places,
    record: dict[str, Any],
    warm_start: WarmStart | None,
) -> list[base_node.BaseNode]:
    data = config.data
    example_gen = ParallelTextExampleGen(
        input_base=places.corpus,
        max_rejected_fraction=data.max_rejected_fraction,
        max_words=data.max_words,
        max_characters=data.max_characters,
        max_length_ratio=data.max_length_ratio,
        filters=data.filters,
        languages=(data.source_language, data.target_language),
        train_spans=data.train_spans,
        corpus_checksum=record["corpus_checksum"],
        code_digest=code_digest("components.parallel_text_example_gen"),
    )
    examples = example_gen.outputs["examples"]
    statistics_gen = StatisticsGen(examples=examples)
    statistics = statistics_gen.outputs["statistics"]
    schema_gen: base_node.BaseNode
    if data.schema_path is None:
        schema_gen = SchemaGen(statistics=statistics, infer_feature_shape=True)
    else:
        schema_gen = CuratedSchemaGen(data.schema_path)
    schema = schema_gen.outputs["schema"]
    example_validator = StrictExampleValidator(statistics=statistics, schema=schema)
    transform = DeterministicTransform(
        examples=examples,
        schema=schema,
        preprocessing_fn="trainer.preprocessing.preprocessing_fn",
        splits_config=SplitsConfig(analyze=["train"], transform=["train", "validation"]),
        custom_config={
            "subwords": config.subwords.model_dump(mode="json"),
            "features": weighted_features(config.data.weights),
            "code_digest": code_digest("trainer.preprocessing"),
            "vocabulary": warm_start.vocabulary if warm_start else None,
            "vocabulary_of": warm_start.fingerprint if warm_start else None,
        },
    )
    # Invalid examples must not reach the training.
    transform.add_upstream_node(example_validator)
    trainer = _trainer(config, places, record, warm_start, transform)
    model = trainer.outputs["model"]
    live_model = LiveModel(model=model, serving_directory=places.serving_directory)
    serving_validator = ServingValidator(
        model=model,
        max_seconds_per_request=config.serving_validation.request_seconds,
        code_digest=code_digest("components.serving_validator"),
    )
    evaluator = RecordingEvaluator(
        infra_blessing=serving_validator.outputs["blessing"],
        settings=config.gate,
        max_minutes=config.evaluation.max_minutes,
        examples=examples,
        example_splits=["test"],
        model=model,
        baseline_model=live_model.outputs["model"],
        code_digest=code_digest(*_EVALUATION_CODE),
    )
    pusher = AtomicPusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_validator.outputs["blessing"],
        baseline_model=live_model.outputs["model"],
        serving_directory=places.serving_directory,
        keep_versions=config.serving.keep_versions,
    )
    report = ModelReport(
        examples=examples,
        statistics=statistics,
        model=model,
        model_run=trainer.outputs["model_run"],
        baseline_model=live_model.outputs["model"],
        evaluation=evaluator.outputs["evaluation"],
        infra_blessing=serving_validator.outputs["blessing"],
        seed=config.seed,
        resamples=config.evaluation.bootstrap_resamples,
        max_sentences=config.report.sentences,
        code_digest=code_digest("components.model_report"),
    )
    # The report comes last, so no push waits for it.
    report.add_upstream_node(pusher)
    return [
        example_gen, statistics_gen, schema_gen, example_validator, transform,
        trainer, live_model, serving_validator, evaluator, pusher, report,
    ]  # fmt: skip


def model_record(
    config: PipelineConfig, corpus_checksum: str, corpus_facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Returns the record of a model's origin, for its card."""
    return {
        "name": config.name,
        "source_language": config.data.source_language,
        "target_language": config.data.target_language,
        "corpus": config.data.corpus,
        "corpus_checksum": corpus_checksum,
        "data": dict(corpus_facts or {}),
        "code_digest": code_digest("trainer"),
        "lock_digest": lock_digest(),
        "seed": config.seed,
        "configuration": _trainer_sections(config),
    }


def _trainer_sections(config: PipelineConfig) -> dict[str, Any]:
    return {
        name: getattr(config, name).model_dump(mode="json")
        for name in ("subwords", "model", "training", "decoding")
    }


def _trainer(
    config: PipelineConfig,
    places: Places,
    record: dict[str, Any],
    warm_start: WarmStart | None,
    transform: DeterministicTransform,
) -> RecordingTrainer:
    """Returns the Trainer; its parameters hold every input of the training."""
    return RecordingTrainer(
        run_fn="trainer.run_fn.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=TrainArgs(splits=["train"]),
        eval_args=EvalArgs(splits=["validation"]),
        custom_config={
            **_trainer_sections(config),
            "scoring": asdict(config.scoring),
            "seed": config.seed,
            "weights": config.data.weights,
            "code_digest": record["code_digest"],
            "checkpoint_root": os.path.join(places.pipeline_root, "checkpoints"),
            "warm_start": asdict(warm_start) if warm_start else None,
            "record": {
                **record,
                "warm_start": (
                    {
                        "name": warm_start.name,
                        "version": warm_start.version,
                        "fingerprint": warm_start.fingerprint,
                    }
                    if warm_start
                    else None
                ),
            },
        },
    )
