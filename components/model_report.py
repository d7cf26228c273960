"""ModelReport: an HTML report of a run, for judging its model.

The component reads only artifacts, so it works on every runner. It also runs if the gate blocked
the model. `components.report` chooses and writes the content.
"""

import os
from typing import Any

from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.experimental import simple_artifacts
from tfx.utils import io_utils, path_utils

from components.gate.evaluation_reader import read_recorded_verdict
from components.held_out import read_test_pairs
from components.ingestion_report import INGESTION_FILE
from components.report.facts import SideStatistics, read_corpus_facts
from components.report.gathering import Gathered, gather
from components.report.page import write_report
from components.report.sample import draw_sample
from components.serving_validator import REPORT_FILE as SERVING_REPORT_FILE
from serving.contract import layout
from serving.export.report import ExportReport

REPORT_FILE = "report.html"
DEFAULT_MAX_SENTENCES = 500

_EXAMPLES, _STATISTICS = "examples", "statistics"
_MODEL, _MODEL_RUN, _BASELINE_MODEL = "model", "model_run", "baseline_model"
_EVALUATION, _INFRA_BLESSING = "evaluation", "infra_blessing"
_REPORT = "report"
_SEED, _RESAMPLES = "seed", "resamples"
_MAX_SENTENCES, _CODE_DIGEST = "max_sentences", "code_digest"

_SIDES = ("source", "target")
_STATISTICS_FILE = "FeatureStats.pb"
_HISTORY_FILE = "history.json"

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Reads the artifacts of a run and writes its report."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Any) -> None:
        """Writes the report.

        Args:
          input_dict: one artifact for each input of ModelReport; `baseline_model` may have none.
          output_dict: `report`, one File artifact.
          exec_properties: `seed`, `resamples` and `max_sentences`.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        facts = gather(_read_inputs(input_dict, exec_properties))
        report = artifact_utils.get_single_instance(output_dict[_REPORT])
        io_utils.write_string_file(os.path.join(report.uri, REPORT_FILE), write_report(facts))


class ModelReportSpec(ComponentSpec):
    """The inputs, outputs and parameters of ModelReport."""

    # The base class declares these three as instance variables, hence no ClassVar.
    INPUTS = {  # noqa: RUF012
        _EXAMPLES: ChannelParameter(type=standard_artifacts.Examples),
        _STATISTICS: ChannelParameter(type=standard_artifacts.ExampleStatistics),
        _MODEL: ChannelParameter(type=standard_artifacts.Model),
        _MODEL_RUN: ChannelParameter(type=standard_artifacts.ModelRun),
        _BASELINE_MODEL: ChannelParameter(type=standard_artifacts.Model, optional=True),
        _EVALUATION: ChannelParameter(type=standard_artifacts.ModelEvaluation),
        _INFRA_BLESSING: ChannelParameter(type=standard_artifacts.InfraBlessing),
    }
    OUTPUTS = {_REPORT: ChannelParameter(type=simple_artifacts.File)}  # noqa: RUF012
    PARAMETERS = {  # noqa: RUF012
        _SEED: ExecutionParameter(type=int),
        _RESAMPLES: ExecutionParameter(type=int),
        _MAX_SENTENCES: ExecutionParameter(type=int),
        _CODE_DIGEST: ExecutionParameter(type=str, optional=True),
    }


class ModelReport(base_component.BaseComponent):
    """Writes the report of a run; its output `report` holds `report.html`."""

    SPEC_CLASS = ModelReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        statistics: types.BaseChannel,
        model: types.BaseChannel,
        model_run: types.BaseChannel,
        baseline_model: types.BaseChannel,
        evaluation: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        seed: int,
        resamples: int,
        max_sentences: int = DEFAULT_MAX_SENTENCES,
        code_digest: str | None = None,
    ) -> None:
        """Wires the component.

        Args:
          examples: from ParallelTextExampleGen, with a split `test`.
          statistics: from StatisticsGen.
          model: the candidate, from the Trainer.
          model_run: from the Trainer, with the history of the training.
          baseline_model: from LiveModel; no artifact if no model is live.
          evaluation: from the Evaluator.
          infra_blessing: from ServingValidator.
          seed: seed of the sample, and of the resampled test sets for the intervals.
          resamples: number of resampled test sets.
          max_sentences: largest number of test sentences to translate.
          code_digest: digest of the report's code, because TFX's cache ignores code.

        Raises:
          ValueError: there would be no sentence to show.
        """
        if max_sentences < 1:
            raise ValueError(f"max_sentences must be 1 or more, not {max_sentences}.")
        super().__init__(
            ModelReportSpec(
                examples=examples,
                statistics=statistics,
                model=model,
                model_run=model_run,
                baseline_model=baseline_model,
                evaluation=evaluation,
                infra_blessing=infra_blessing,
                seed=seed,
                resamples=resamples,
                max_sentences=max_sentences,
                code_digest=code_digest,
                report=types.Channel(type=simple_artifacts.File),
            )
        )


def _read_inputs(input_dict: Artifacts, exec_properties: Any) -> Gathered:
    """Reads all artifacts except the models themselves."""
    uri = {
        name: artifact_utils.get_single_uri(artifacts)
        for name, artifacts in input_dict.items()
        if artifacts
    }
    seed = int(exec_properties[_SEED])
    pairs = read_test_pairs(input_dict[_EXAMPLES])
    export = path_utils.serving_model_dir(uri[_MODEL])
    live = path_utils.serving_model_dir(uri[_BASELINE_MODEL]) if uri.get(_BASELINE_MODEL) else None
    ingestion = io_utils.read_string_file(os.path.join(uri[_EXAMPLES], INGESTION_FILE))
    serving = io_utils.read_string_file(os.path.join(uri[_INFRA_BLESSING], SERVING_REPORT_FILE))
    return Gathered(
        card=_read(os.path.join(export, layout.MODEL_CARD)),
        live_card=None if live is None else _read(os.path.join(live, layout.MODEL_CARD)),
        history=_read(os.path.join(uri[_MODEL_RUN], _HISTORY_FILE)),
        verdict=read_recorded_verdict(uri[_EVALUATION]),
        serving=ExportReport.from_json(serving),
        corpus=read_corpus_facts(ingestion, _side_statistics(input_dict[_STATISTICS])),
        sample=draw_sample(pairs, int(exec_properties[_MAX_SENTENCES]), seed),
        export=export,
        live_export=live,
        resamples=int(exec_properties[_RESAMPLES]),
    )


def _read(path: str) -> str | None:
    """Returns the text of a file, or None if there is none."""
    return io_utils.read_string_file(path) if fileio.exists(path) else None


def _side_statistics(statistics: list[types.Artifact]) -> list[SideStatistics]:
    """Reads the statistics for the report from StatisticsGen's files."""
    found = []
    [artifact] = statistics
    for split in artifact_utils.decode_split_names(artifact.split_names):
        path = os.path.join(artifact_utils.get_split_uri([artifact], split), _STATISTICS_FILE)
        with fileio.open(path, "rb") as file:
            content = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())
        for feature in content.datasets[0].features:
            [name] = feature.path.step
            if name in _SIDES and feature.string_stats.top_values:
                top = feature.string_stats.top_values[0]
                found.append(
                    SideStatistics(
                        split, name, feature.string_stats.unique, top.value, int(top.frequency)
                    )
                )
    return found
