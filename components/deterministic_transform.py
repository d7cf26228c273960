"""DeterministicTransform: the stock Transform, with equal bytes for equal text.

TFX encodes a batch of examples in C++, where the order of the features in a tf.train.Example is
random. Here they are sorted by name, so that two runs can be compared by checksum. It takes 1 µs an
example.

The graph finds the distinct words of a batch before it cuts them, so large batches are faster.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.transform import executor
from tfx.components.transform.component import Transform
from tfx.components.transform.executor import Executor, TransformProcessor
from tfx.dsl.components.base import executor_spec

_BATCH_SIZE = 4096
"""Examples."""


class SortedExamples(TransformProcessor._RecordBatchToExamplesFn):
    """Encodes examples with their features in the order of their names."""

    def process(
        self, data_batch: tuple[pa.RecordBatch, dict[str, pa.Array]]
    ) -> Iterator[tuple[Any, bytes]]:
        """Yields the key and the encoded example of each row."""
        for key, encoded in super().process(data_batch):
            example = tf.train.Example.FromString(encoded)
            yield key, example.SerializeToString(deterministic=True)


class LargeBatches(TransformProcessor):
    """Transforms batches of one size, where the stock processor adapts it, up to 1,000."""

    def _GetDesiredBatchSize(self, data_format: int, schema: schema_pb2.Schema) -> int:
        return _BATCH_SIZE


class DeterministicExecutor(Executor):
    """Transforms with `SortedExamples` and `LargeBatches`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Transforms the examples; the arguments are those of the stock Transform."""
        # TFX has no argument for its encoder and its processor, and names them only here.
        TransformProcessor._RecordBatchToExamplesFn = SortedExamples  # type: ignore[misc]
        executor.TransformProcessor = LargeBatches  # type: ignore[misc]
        super().Do(input_dict, output_dict, exec_properties)


class DeterministicTransform(Transform):
    """The stock Transform with our executor; its node is called `Transform`.

    It makes no statistics, which StatisticsGen has made of the text, and no cache, which our
    analyzers do not use.

    Args:
      arguments: those of the stock Transform.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(DeterministicExecutor)

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments, disable_statistics=True, disable_analyzer_cache=True)
        self.with_id("Transform")
