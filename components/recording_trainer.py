"""RecordingTrainer: the stock Trainer, which also records the origin of the model.

Reproducing a model takes its configuration, its corpus, its code and the versions of its libraries.
`custom_config["record"]` has the digests of all four; they become custom properties of the
artifact, for ML Metadata.
"""

import json
from typing import Any

from tfx import types
from tfx.components.trainer.component import Trainer
from tfx.components.trainer.executor import GenericExecutor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import json_utils


class RecordingExecutor(GenericExecutor):
    """Trains with `run_fn`, then writes the record."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains the model and records its origin.

        Args:
          input_dict: the inputs of the stock Trainer.
          output_dict: the outputs of the stock Trainer. The Model artifact gets one custom property
            for each entry of `custom_config["record"]`.
          exec_properties: those of the stock Trainer.
        """
        super().Do(input_dict, output_dict, exec_properties)
        config = json_utils.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
        model = artifact_utils.get_single_instance(output_dict[standard_component_specs.MODEL_KEY])
        for name, value in config["record"].items():
            text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            model.set_string_custom_property(name, text)


class RecordingTrainer(Trainer):
    """The stock Trainer with our executor; its node is called `Trainer`.

    Args:
      arguments: those of the stock Trainer, with `custom_config["record"]` as described above.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(RecordingExecutor)

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.with_id("Trainer")
