"""LiveModel: the currently served model, as the baseline of the Evaluator.

The component reads the live version from the serving directory, not from ML Metadata. So a rollback
or a model pushed by hand counts too. The baseline is the highest usable version with other content
than the candidate. Usually this is the live version. Right after the candidate itself was pushed,
it is the version live before, unless a rollback withdrew it. So a second run without changes finds
the same baseline and uses the cache. The first model has no baseline: the component publishes no
artifact, and the stock Evaluator sees an empty baseline channel.

Like ExampleGen's driver with its input, the driver adds the chosen version and its fingerprint to
the execution properties before TFX's cache lookup. So the node runs again only if they change.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.components.base import base_driver as dsl_base_driver
from tfx.dsl.io import fileio
from tfx.orchestration.portable import base_driver as portable_base_driver
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils, path_utils

from serving.versions.directory import FileSystem, fingerprint, foreign_entries, list_versions
from serving.versions.integrity import require_undamaged
from serving.versions.records import read_records, withdrawn_models

CANDIDATE_KEY = "candidate"
MODEL_KEY = "model"
SERVING_DIRECTORY_KEY = "serving_directory"
VERSION_KEY = "live_version"
FINGERPRINT_KEY = "fingerprint"

Artifacts = dict[str, list[types.Artifact]]


class ChangedWhileCopyingError(Exception):
    """The live version changed between the decision to take it and the end of its copy."""


class TfxFileSystem:
    """Local and remote folders through TFX's file access."""

    def list_names(self, folder: str) -> list[str]:
        # Object stores return the names of folders with a slash at the end.
        if not fileio.isdir(folder):
            return []
        return [str(name).rstrip("/") for name in fileio.listdir(folder)]

    def is_folder(self, path: str) -> bool:
        return bool(fileio.isdir(path))

    def has_content(self, path: str) -> bool:
        if not fileio.exists(path) or fileio.isdir(path):
            return False
        with self.open(path) as file:
            return bool(file.read(1))

    def open(self, path: str) -> AbstractContextManager[BinaryIO]:
        return cast(AbstractContextManager[BinaryIO], fileio.open(path, "rb"))


@dataclass(frozen=True)
class Baseline:
    """A version of the serving directory for comparison with a candidate."""

    number: int
    path: str
    fingerprint: str


def find_baseline(
    serving_directory: str, candidate: str, filesystem: FileSystem | None = None
) -> Baseline | None:
    """Finds the highest usable version with other content than the candidate, or None.

    Incomplete versions and other entries of the folder are skipped with a warning. Below the live
    version, models withdrawn by a rollback are skipped too.

    Args:
      serving_directory: The folder `models/NAME`; it need not exist yet.
      candidate: The folder of the candidate's SavedModel.
      filesystem: Access to both folders; TFX's by default.

    Raises:
      DamagedVersionError: That version is not what was pushed.
    """
    filesystem = filesystem or TfxFileSystem()
    for entry in foreign_entries(serving_directory, filesystem):
        logging.warning("%s: %s is passed over: %s.", serving_directory, entry.name, entry.reason)
    candidate_fingerprint = fingerprint(candidate, filesystem)
    passed_over = {candidate_fingerprint}
    for version in reversed(list_versions(serving_directory, filesystem)):
        if not version.complete:
            logging.warning("Version %s is passed over: %s.", version.path, version.problem)
            continue
        version_fingerprint = fingerprint(version.path, filesystem)
        if version_fingerprint not in passed_over:
            # A comparison with a damaged model would let any candidate pass.
            require_undamaged(version.path, filesystem)
            return Baseline(version.number, version.path, version_fingerprint)
        # The candidate itself is live. An earlier version is the baseline unless it was withdrawn.
        passed_over |= withdrawn_models(read_records(serving_directory, filesystem)).keys()
    return None


class Driver(dsl_base_driver.BaseDriver, portable_base_driver.BaseDriver):
    """Chooses the baseline before the cache lookup."""

    def __init__(self, metadata_handle: Any) -> None:
        dsl_base_driver.BaseDriver.__init__(self, metadata_handle)
        portable_base_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: data_types.ExecutionInfo) -> Any:
        baseline = _baseline_of(execution_info.input_dict, execution_info.exec_properties)
        result: Any = driver_output_pb2.DriverOutput()  # type: ignore[attr-defined]
        number, content = (str(baseline.number), baseline.fingerprint) if baseline else ("", "")
        result.exec_properties[VERSION_KEY].string_value = number
        result.exec_properties[FINGERPRINT_KEY].string_value = content
        return result


class Executor(base_executor.BaseExecutor):
    """Copies the baseline into an artifact, since old versions may be deleted."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Any) -> None:
        baseline = _baseline_of(input_dict, exec_properties)
        # An orchestrator without drivers leaves this empty; then the version found now is used.
        decided = exec_properties.get(FINGERPRINT_KEY)
        if decided is not None and decided != (baseline.fingerprint if baseline else ""):
            raise ChangedWhileCopyingError(
                f"The live version in {exec_properties[SERVING_DIRECTORY_KEY]} changed meanwhile; "
                "run again."
            )
        model = artifact_utils.get_single_instance(output_dict[MODEL_KEY])
        if baseline is None:
            if fileio.exists(model.uri):
                fileio.rmtree(model.uri)
            # TFX caches an output without artifacts, and the Evaluator treats it as no baseline.
            # Neither holds for an empty artifact. Kubeflow calls no driver and needs an artifact
            # for each output; there the entry point of the Evaluator's container skips empty ones.
            if decided is not None:
                output_dict[MODEL_KEY].clear()
            return
        folder = path_utils.serving_model_dir(model.uri)
        io_utils.copy_dir(baseline.path, folder)
        if fingerprint(folder, TfxFileSystem()) != baseline.fingerprint:
            raise ChangedWhileCopyingError(
                f"{baseline.path} changed while it was copied; run again."
            )
        model.set_string_custom_property(VERSION_KEY, str(baseline.number))
        model.set_string_custom_property(FINGERPRINT_KEY, baseline.fingerprint)


class LiveModelSpec(ComponentSpec):
    """The inputs, outputs and parameters of LiveModel."""

    # The base class declares these three as instance variables, hence no ClassVar.
    INPUTS = {CANDIDATE_KEY: ChannelParameter(type=standard_artifacts.Model)}  # noqa: RUF012
    OUTPUTS = {MODEL_KEY: ChannelParameter(type=standard_artifacts.Model)}  # noqa: RUF012
    PARAMETERS = {SERVING_DIRECTORY_KEY: ExecutionParameter(type=str)}  # noqa: RUF012


class LiveModel(base_component.BaseComponent):
    """Finds the currently served model, the Evaluator's baseline.

    Its output `model` has one artifact with the properties `live_version` and `fingerprint`, or
    none if no model but the candidate was ever served.
    """

    SPEC_CLASS = LiveModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, model: types.BaseChannel, serving_directory: str) -> None:
        """Makes the component.

        Args:
          model: The candidate, from the Trainer.
          serving_directory: The folder of Pusher and of the server, `models/NAME`.
        """
        super().__init__(
            LiveModelSpec(
                candidate=model,
                serving_directory=serving_directory,
                model=types.Channel(type=standard_artifacts.Model),
            )
        )


def _baseline_of(input_dict: Artifacts, exec_properties: Any) -> Baseline | None:
    candidate = artifact_utils.get_single_uri(input_dict[CANDIDATE_KEY])
    return find_baseline(
        exec_properties[SERVING_DIRECTORY_KEY], path_utils.serving_model_dir(candidate)
    )
