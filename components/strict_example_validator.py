"""StrictExampleValidator: the stock ExampleValidator, but an anomaly stops the run.

The stock component writes its findings and lets the pipeline continue. Here the run ends at the
validator, and the error names every finding.
"""

import os
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator.component import ExampleValidator
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME, Executor
from tfx.dsl.components.base import executor_spec
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils


class ExampleAnomalyError(ValueError):
    """The examples break the schema; the message names split, feature and finding."""


class StrictExecutor(Executor):
    """Validates every split like the stock executor, and raises an error for any anomaly."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> execution_result_pb2.ExecutorOutput:
        """Writes the anomalies of each split.

        Args:
            input_dict: `statistics` and `schema`, one artifact each.
            output_dict: `anomalies`, one artifact.
            exec_properties: those of the stock component.

        Raises:
            ExampleAnomalyError: any split has any anomaly.
        """
        output = super().Do(input_dict, output_dict, exec_properties)
        anomalies = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.ANOMALIES_KEY]
        )
        findings = [
            finding
            for split in artifact_utils.decode_split_names(anomalies.split_names)
            for finding in describe_anomalies(split, _read_anomalies(anomalies, split))
        ]
        if findings:
            listed = "\n".join(f"  {finding}" for finding in findings)
            raise ExampleAnomalyError(
                f"The examples do not fit the schema; fix the corpus or the schema.\n{listed}"
            )
        return output


def describe_anomalies(split: str, anomalies: anomalies_pb2.Anomalies) -> list[str]:
    """Describes each anomaly of a split in one line.

    Args:
        split: the split's name.
        anomalies: the findings of TensorFlow Data Validation.

    Returns:
        Lines with the split, the feature (or the whole data set) and the finding.
    """
    named = [(f"feature {name}", info) for name, info in sorted(anomalies.anomaly_info.items())]
    if anomalies.HasField("dataset_anomaly_info"):
        named.append(("data set", anomalies.dataset_anomaly_info))
    return [f"split {split}, {name}: {info.description}" for name, info in named]


def _read_anomalies(artifact: types.Artifact, split: str) -> anomalies_pb2.Anomalies:
    path = os.path.join(artifact_utils.get_split_uri([artifact], split), DEFAULT_FILE_NAME)
    return anomalies_pb2.Anomalies.FromString(io_utils.read_bytes_file(path))


class StrictExampleValidator(ExampleValidator):
    """The stock ExampleValidator over all splits; any anomaly stops the run.

    Its node is called `ExampleValidator`, its usual name in the listing of a run.

    Args:
        statistics: the channel of StatisticsGen.
        schema: the channel of the schema.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(StrictExecutor)

    def __init__(self, statistics: types.BaseChannel, schema: types.BaseChannel) -> None:
        super().__init__(statistics=statistics, schema=schema)
        self.with_id("ExampleValidator")
