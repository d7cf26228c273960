"""ServingValidator: loads the export in a clean process and sends requests to it before a push.

TFX's InfraValidator does this with a model server in Docker. Not every machine has Docker, and
Kubeflow's compiler rejects InfraValidator. This component loads the folder directly, checks the
responses too, and writes the same `InfraBlessing` artifact, so it works with the stock Pusher. A
failed check is a result, not an error: the run continues, and Pusher pushes nothing. A check that
was prevented, for instance by a lack of memory, is an error: TFX caches results, not errors.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import io_utils, path_utils

from serving.export.check import DEFAULT_MAX_SECONDS_PER_REQUEST
from serving.export.report import ExportReport
from serving.export.subprocess_check import run_export_check

REPORT_FILE = "serving_validation.json"

# File names of TFX's InfraValidator, also read by its Pusher.
BLESSED_FILE = "INFRA_BLESSED"
NOT_BLESSED_FILE = "INFRA_NOT_BLESSED"
_BLESSED_PROPERTY = "blessed"

_MODEL = "model"
_BLESSING = "blessing"
_MAX_SECONDS_PER_REQUEST = "max_seconds_per_request"
_CODE_DIGEST = "code_digest"


class Executor(base_executor.BaseExecutor):
    """Checks one model and writes the verdict."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the check.

        Args:
          input_dict: `model`, one Model artifact with its export in `Format-Serving`.
          output_dict: `blessing`, one InfraBlessing artifact. It gets the report
            `serving_validation.json`, an empty file INFRA_BLESSED or INFRA_NOT_BLESSED, and the
            custom property `blessed`, 1 or 0.
          exec_properties: `max_seconds_per_request`.

        Raises:
          OutsideCauseError: something other than the model prevented the check.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        model = artifact_utils.get_single_instance(input_dict[_MODEL])
        blessing = artifact_utils.get_single_instance(output_dict[_BLESSING])
        limit = exec_properties.get(_MAX_SECONDS_PER_REQUEST) or DEFAULT_MAX_SECONDS_PER_REQUEST
        with _local_copy(path_utils.serving_model_dir(model.uri)) as directory:
            report = run_export_check(directory, limit)
        _write_verdict(report, blessing)


class ServingValidatorSpec(types.ComponentSpec):
    """The inputs, outputs and parameters of ServingValidator."""

    PARAMETERS = {  # noqa: RUF012 - the base class declares these three as instance variables
        _MAX_SECONDS_PER_REQUEST: ExecutionParameter(type=float),
        _CODE_DIGEST: ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {_MODEL: ChannelParameter(type=standard_artifacts.Model)}  # noqa: RUF012
    OUTPUTS = {_BLESSING: ChannelParameter(type=standard_artifacts.InfraBlessing)}  # noqa: RUF012


class ServingValidator(base_component.BaseComponent):
    """Checks whether a model can be served; `blessing` is for Pusher's `infra_blessing`."""

    SPEC_CLASS = ServingValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        max_seconds_per_request: float = DEFAULT_MAX_SECONDS_PER_REQUEST,
        code_digest: str | None = None,
    ):
        """Makes the component.

        Args:
          model: channel of the Model artifact to check.
          max_seconds_per_request: time limit of each request.
          code_digest: digest of the checks' code, so changed checks run again on a cached
            model.

        Raises:
          ValueError: the time limit is not above 0.
        """
        if not max_seconds_per_request > 0:
            raise ValueError(
                f"max_seconds_per_request must be above 0, not {max_seconds_per_request}."
            )
        super().__init__(
            ServingValidatorSpec(
                model=model,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
                max_seconds_per_request=float(max_seconds_per_request),
                code_digest=code_digest,
            )
        )


@contextlib.contextmanager
def _local_copy(directory: str) -> Iterator[str]:
    """Copies a remote export here, since the clean process has no credentials."""
    if "://" not in directory:
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="serving-validator-") as folder:
        copy = os.path.join(folder, "model")
        io_utils.copy_dir(directory, copy)
        yield copy


def _write_verdict(report: ExportReport, blessing: types.Artifact) -> None:
    """Writes the report and the blessing as InfraValidator does, and logs the reasons."""
    io_utils.write_string_file(os.path.join(blessing.uri, REPORT_FILE), report.to_json() + "\n")
    name = BLESSED_FILE if report.passed else NOT_BLESSED_FILE
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    blessing.set_int_custom_property(_BLESSED_PROPERTY, int(report.passed))
    if report.passed:
        logging.info(
            "ServingValidator: the export answered %d requests as it should.", len(report.requests)
        )
        return
    for problem in report.problems:
        logging.error("ServingValidator: not blessed: %s", problem)
