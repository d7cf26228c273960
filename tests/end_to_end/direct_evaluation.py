"""Runs only Evaluator, on DirectRunner, with the artifacts of another run."""

import json
from pathlib import Path
from typing import Any

from tfx.components import Evaluator
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.types.standard_artifacts import Examples, Model

from components.gate.eval_config import evaluation_config
from components.gate.evaluation_reader import read_verdict
from pipeline.config.beam import BeamSettings, beam_arguments
from pipeline.config.settings import PipelineConfig
from pipeline.running.record import open_store, read_latest_run
from trainer.scoring import Judge

_NAME = "evaluation"


def evaluate(
    folder: Path, config: PipelineConfig, examples: str, splits: list[str], model: str, live: str
) -> dict[str, Any]:
    """Evaluates a model and compares it with another.

    Args:
      folder: folder for the artifacts and their metadata.
      config: the configuration with the settings of the gate.
      examples, model, live: addresses of the artifacts; `live` is the baseline.
      splits: the splits of the examples; `test` is used.

    Returns:
      The verdict, as printed by `nmt run --json`.
    """
    text = importer("Examples", examples, Examples, {"split_names": json.dumps(splits)})
    candidate = importer("Candidate", model, Model)
    baseline = importer("Baseline", live, Model)
    evaluator = Evaluator(
        examples=text.outputs["result"],
        example_splits=["test"],
        model=candidate.outputs["result"],
        baseline_model=baseline.outputs["result"],
        eval_config=evaluation_config(config.gate),
    )
    metadata = str(folder / "metadata.db")
    LocalDagRunner().run(
        Pipeline(
            _NAME,
            pipeline_root=str(folder / "artifacts"),
            components=[text, candidate, baseline, evaluator],
            metadata_connection_config=(sqlite_metadata_connection_config(metadata)),
            beam_pipeline_args=beam_arguments(BeamSettings(), str(folder)),
        )
    )
    made = read_latest_run(open_store(metadata), _NAME)["Evaluator"].outputs
    verdict = read_verdict(
        made["evaluation"][0].uri,
        made["blessing"][0].uri,
        config.gate,
        Judge("bleu", ""),
    )
    return verdict.model_dump(mode="json")


def importer(name: str, uri: str, kind: type, properties: dict[str, str] | None = None) -> Importer:
    return Importer(
        source_uri=uri, artifact_type=kind, properties=properties, reimport=True
    ).with_id(name)
