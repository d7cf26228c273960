"""RecordingEvaluator: the stock Evaluator, which also records the reasons of its decision.

The stock Evaluator writes TFMA's records and a yes or no. This component keeps its decision and
adds the verdict: as files beside the records, and as custom properties of the blessing for ML
Metadata.

It also handles two cases outside the bounds on scores. An export rejected by ServingValidator is
not evaluated: it may crash or hang its caller, and it would not be pushed. And an evaluation has a
time limit, since a model may still take for ever on one sentence of the test set.

The references of the test set decide which metric judges (`trainer.scoring`). So the Evaluator's
configuration is made here, when they are known.
"""

import json
import os
from typing import Any

from google.protobuf import json_format
from tfx import types
from tfx.components.evaluator import constants as evaluator_constants
from tfx.components.evaluator.component import Evaluator
from tfx.components.evaluator.executor import Executor
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import io_utils, json_utils

from components.gate.eval_config import evaluation_config
from components.gate.evaluation_reader import VERDICT_JSON, read_verdict
from components.gate.settings import GateSettings
from components.gate.verdict import Verdict, describe_check, name_of, unservable_verdict
from components.gate.verdict_text import format_verdict
from components.held_out import read_test_pairs
from components.serving_validator import BLESSED_FILE, REPORT_FILE
from serving.export.time_limit import TimeLimitError, within
from trainer.translation_statistics import judge_of

VERDICT_TEXT = "verdict.txt"

_INFRA_BLESSING = "infra_blessing"
_SETTINGS = "gate_settings"
_MAX_SECONDS = "max_seconds"
_CODE_DIGEST = "code_digest"
_LIVE_VERSION = "live_version"


class EndlessEvaluationError(Exception):
    """A model did not translate the test set within the time limit."""


class MissingFeatureError(LookupError):
    """The test set lacks a feature named in the gate's settings."""


class RecordingExecutor(Executor):
    """Evaluates a model and records the verdict."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates the model and writes the verdict.

        Args:
          input_dict: the inputs of the stock Evaluator, and `infra_blessing` from ServingValidator.
            The baseline model has LiveModel's custom property `live_version`.
          output_dict: the outputs of the stock Evaluator. The evaluation gets `verdict.json` and
            `verdict.txt`, the blessing the properties of `verdict_properties`.
          exec_properties: those of the stock Evaluator without its configuration, and
            `gate_settings` and `max_seconds`.

        Raises:
          MissingTokeniserError: the tokeniser of BLEU cannot be loaded.
          MissingFeatureError: no test sentence has a feature named in the settings.
          EndlessEvaluationError: the evaluation took more than `max_seconds`. It cannot be stopped
            from here and runs on, so the process should end soon.
        """
        stock_inputs = {key: value for key, value in input_dict.items() if key != _INFRA_BLESSING}
        evaluation = artifact_utils.get_single_uri(output_dict["evaluation"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        live_version = _live_version(input_dict)
        if problems := _serving_problems(input_dict[_INFRA_BLESSING]):
            _mark_not_blessed(blessing)
            has_baseline = bool(input_dict.get(standard_component_specs.BASELINE_MODEL_KEY))
            verdict = unservable_verdict(problems, has_baseline, live_version)
        else:
            settings = GateSettings.model_validate_json(exec_properties[_SETTINGS])
            pairs = read_test_pairs(input_dict[standard_component_specs.EXAMPLES_KEY])
            judge = judge_of(settings.scoring, [reference for _, reference in pairs])
            config = json_format.MessageToJson(
                evaluation_config(settings, judge.metric), preserving_proto_field_name=True
            )
            stock_properties = exec_properties | {standard_component_specs.EVAL_CONFIG_KEY: config}
            self._evaluate(stock_inputs, output_dict, stock_properties)
            verdict = read_verdict(evaluation, blessing.uri, settings, judge, live_version)
            _require_slices(verdict, settings)
            if not verdict.blessed:
                _mark_not_blessed(blessing)
        _record(verdict, evaluation, blessing)

    def _evaluate(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        limit = float(exec_properties[_MAX_SECONDS])
        stock = super().Do
        try:
            within(limit, lambda: stock(input_dict, output_dict, exec_properties))
        except TimeLimitError as error:
            raise EndlessEvaluationError(
                f"The test set was not translated within {limit / 60:g} minutes, by the new model "
                "or by the live one; nothing was pushed. Raise evaluation.max_minutes if the test "
                "set is large; otherwise one of them does not end on some sentence."
            ) from error


class RecordingEvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """The stock Evaluator's specification with our parameters and input."""

    PARAMETERS = {  # noqa: RUF012 - the base class declares these as instance variables
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        _SETTINGS: ExecutionParameter(type=str),
        _MAX_SECONDS: ExecutionParameter(type=float),
        _CODE_DIGEST: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        **standard_component_specs.EvaluatorSpec.INPUTS,
        _INFRA_BLESSING: ChannelParameter(type=standard_artifacts.InfraBlessing),
    }


class RecordingEvaluator(Evaluator):
    """The stock Evaluator with our executor; its node is called `Evaluator`.

    Args:
      examples: Channel of the examples.
      example_splits: Splits on which the model is evaluated.
      model: Channel of the candidate.
      baseline_model: Channel of the live model; LiveModel leaves it empty before the first push.
      infra_blessing: Channel of ServingValidator's blessing.
      settings: The bounds of the gate.
      max_minutes: Time limit of the evaluation.
      code_digest: Digest of the gate's code; TFX's cache ignores code.

    Raises:
      ValueError: The time limit is not above 0.
    """

    SPEC_CLASS = RecordingEvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(RecordingExecutor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        example_splits: list[str],
        model: types.BaseChannel,
        baseline_model: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        settings: GateSettings,
        max_minutes: float,
        code_digest: str = "",
    ) -> None:
        if not max_minutes > 0:
            raise ValueError(f"max_minutes must be above 0, not {max_minutes}.")
        spec = RecordingEvaluatorSpec(
            examples=examples,
            model=model,
            baseline_model=baseline_model,
            infra_blessing=infra_blessing,
            example_splits=json_utils.dumps(example_splits),
            fairness_indicator_thresholds=json_utils.dumps(None),
            gate_settings=settings.model_dump_json(),
            max_seconds=60.0 * max_minutes,
            code_digest=code_digest,
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        # The stock constructor would make a specification without our additions.
        super(Evaluator, self).__init__(spec=spec)
        self.with_id("Evaluator")


def _serving_problems(blessings: list[types.Artifact]) -> list[str]:
    """Returns ServingValidator's problems with the export; none if it blessed the export."""
    [blessing] = blessings
    if fileio.exists(os.path.join(blessing.uri, BLESSED_FILE)):
        return []
    report = json.loads(io_utils.read_string_file(os.path.join(blessing.uri, REPORT_FILE)))
    return [f"{found['request']}: {found['problem']}" for found in report["problems"]]


def _mark_not_blessed(blessing: types.Artifact) -> None:
    """Marks a model as not blessed, as the stock Evaluator does, even if that blessed it."""
    blessed = os.path.join(blessing.uri, evaluator_constants.BLESSED_FILE_NAME)
    if fileio.exists(blessed):
        fileio.remove(blessed)
    path = os.path.join(blessing.uri, evaluator_constants.NOT_BLESSED_FILE_NAME)
    io_utils.write_string_file(path, "")
    blessing.set_int_custom_property(
        evaluator_constants.ARTIFACT_PROPERTY_BLESSED_KEY, evaluator_constants.NOT_BLESSED_VALUE
    )


def _require_slices(verdict: Verdict, settings: GateSettings) -> None:
    """Checks for the features of the settings in the test set.

    TFMA silently ignores a feature missing from all examples; the gate would then check none of its
    slices.

    Raises:
      MissingFeatureError: no test sentence has one of the features.
    """
    found = {name.partition("=")[0] for name in verdict.metrics}
    missing = [name for name in settings.slice_features if name not in found]
    if missing:
        raise MissingFeatureError(
            f"No test sentence has the feature {missing[0]}, and evaluation.slice_features names "
            "it: name a feature of the corpus."
        )


def _record(verdict: Verdict, evaluation: str, blessing: types.Artifact) -> None:
    for name, text in (
        (VERDICT_JSON, verdict.model_dump_json(indent=2)),
        (VERDICT_TEXT, format_verdict(verdict)),
    ):
        io_utils.write_string_file(os.path.join(evaluation, name), text + "\n")
    for name, value in verdict_properties(verdict).items():
        if isinstance(value, str):
            blessing.set_string_custom_property(name, value)
        else:
            blessing.set_float_custom_property(name, value)


def verdict_properties(verdict: Verdict) -> dict[str, str | float]:
    """Converts a verdict to properties for ML Metadata.

    Returns:
      `outcome` and `bleu_difference`, `..._low` and `..._high` if there was a live model;
      `bleu`; or the same of chrF, if that judged; for each check `check METRIC (SLICE)` with its
      number, its bound, pass or fail; and `reasons`, a JSON list of the failures.
    """
    properties: dict[str, str | float] = {}
    if verdict.difference is not None:
        properties["outcome"] = verdict.difference.outcome
        difference = name_of(verdict.metric, "difference")
        properties[difference] = verdict.difference.points
        properties[f"{difference}_low"] = verdict.difference.low
        properties[f"{difference}_high"] = verdict.difference.high
    for check in verdict.checks:
        if check.metric == verdict.metric and check.value is not None:
            properties[verdict.metric] = check.value
        properties[f"check {check.metric} ({check.slice})"] = (
            f"{'pass' if check.passed else 'FAIL'}: {describe_check(check)}"
        )
    properties["reasons"] = json.dumps(verdict.reasons, ensure_ascii=False)
    return properties


def _live_version(input_dict: dict[str, list[types.Artifact]]) -> str | None:
    baselines = input_dict.get(standard_component_specs.BASELINE_MODEL_KEY) or []
    return baselines[0].get_string_custom_property(_LIVE_VERSION) or None if baselines else None
