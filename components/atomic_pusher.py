"""AtomicPusher: replaces the stock Pusher, with the same inputs and artifact, by an atomic push.

The stock executor copies file by file into a folder watched by servers, and uses the time in
seconds as the version number. This executor leaves the decision and the publishing to
`serving.versions.push`:

- A server sees a version complete or not at all.
- Two runs ending at the same time get two versions, and version numbers only grow.
- The live model is not pushed again, and neither is a model after its rollback.
- Old versions are removed.

A model is pushed only if both Evaluator and ServingValidator blessed it, and if the live model is
still the one used in the evaluation. A model not pushed is a result and no error: the artifact's
property `pushed` is 0, and `reason` holds the reason.
"""

from __future__ import annotations

import json
from typing import Any

from absl import logging
from tfx import types
from tfx.components.pusher import component as stock_component
from tfx.components.pusher import executor as stock_executor
from tfx.dsl.components.base import executor_spec
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter
from tfx.utils import io_utils, path_utils, proto_utils

from components.tfx_store import store_for
from serving.versions.directory import fingerprint
from serving.versions.push import JudgedAgainst, PushResult, push

BASELINE_KEY = "baseline_model"
REASON_KEY = "reason"
NOT_BLESSED = "The gate did not pass it."
DEFAULT_KEEP_VERSIONS = 5

_BLESSINGS = (
    standard_component_specs.MODEL_BLESSING_KEY,
    standard_component_specs.INFRA_BLESSING_KEY,
)

Artifacts = dict[str, list[types.Artifact]]


class Executor(stock_executor.Executor):
    """Pushes a blessed model."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Pushes the model, or records the reason for not pushing it.

        Args:
          input_dict: the inputs of the stock Pusher, and `baseline_model`.
          output_dict: `pushed_model`, with the stock Pusher's properties `pushed`,
            `pushed_destination` and `pushed_version`, and `reason`.
          exec_properties: those of the stock Pusher.

        Raises:
          PublishingError: the version could not be written; the live model stays live.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        # The stock check accepts a model without one of the blessings.
        if not all(input_dict.get(key) for key in _BLESSINGS) or not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            pushed.set_string_custom_property(REASON_KEY, NOT_BLESSED)
            return
        candidate = self.GetModelPath(input_dict)
        result = _push(candidate, input_dict, exec_properties)
        logging.info(result.reason)
        pushed.set_string_custom_property(REASON_KEY, result.reason)
        if result.path is None:
            self._MarkNotPushed(pushed)
            return
        # Like the stock Pusher, keep a copy: old versions are removed, artifacts are not.
        io_utils.copy_dir(candidate, pushed.uri)
        self._MarkPushed(pushed, result.path, str(result.number))


def _push(candidate: str, input_dict: Artifacts, exec_properties: dict[str, Any]) -> PushResult:
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(
        exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
    )
    folder = str(destination.filesystem.base_directory)
    custom_config = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
    store = store_for(folder, candidate)
    judged_against = None
    if custom_config["has_baseline_channel"]:
        # There is no artifact if no model was live.
        baselines = input_dict.get(BASELINE_KEY) or []
        contents = [
            fingerprint(path_utils.serving_model_dir(baseline.uri), store) for baseline in baselines
        ]
        judged_against = JudgedAgainst(contents[0] if contents else None)
    return push(
        candidate,
        folder,
        store,
        keep=custom_config["keep_versions"],
        judged_against=judged_against,
    )


class AtomicPusherSpec(standard_component_specs.PusherSpec):
    """The stock Pusher's specification with the baseline as an input."""

    # The base class declares it as an instance variable, hence no ClassVar.
    INPUTS = {  # noqa: RUF012
        **standard_component_specs.PusherSpec.INPUTS,
        BASELINE_KEY: ChannelParameter(type=standard_artifacts.Model, optional=True),
    }


class AtomicPusher(stock_component.Pusher):
    """Pushes a model with both blessings; its node is called `Pusher`."""

    SPEC_CLASS = AtomicPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        serving_directory: str,
        baseline_model: types.BaseChannel | None = None,
        keep_versions: int = DEFAULT_KEEP_VERSIONS,
    ) -> None:
        """Makes the component.

        Args:
          model: the candidate, from the Trainer.
          model_blessing: from the Evaluator.
          infra_blessing: from ServingValidator.
          serving_directory: the folder watched by servers, `models/NAME`.
          baseline_model: the Evaluator's baseline, from LiveModel. Without it a model is pushed
            even if another one went live meanwhile.
          keep_versions: number of the newest versions to keep, at least 2.

        Raises:
          ValueError: fewer than 2 versions would be kept, so a rollback would be impossible.
        """
        if keep_versions < 2:
            raise ValueError(f"keep_versions must be 2 or more, not {keep_versions}.")
        destination = pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=serving_directory)
        )
        specification = AtomicPusherSpec(
            model=model,
            model_blessing=model_blessing,
            infra_blessing=infra_blessing,
            baseline_model=baseline_model,
            push_destination=destination,
            custom_config=json.dumps(
                {
                    "keep_versions": keep_versions,
                    "has_baseline_channel": baseline_model is not None,
                },
                sort_keys=True,
            ),
            pushed_model=types.Channel(type=standard_artifacts.PushedModel),
        )
        # The stock constructor would make the stock specification.
        super(stock_component.Pusher, self).__init__(spec=specification)
        self.with_id("Pusher")
