"""Measures the time and memory of reading training examples.

    python -m benchmarks.training.reading --pairs 1000000

The last line is JSON.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import tensorflow as tf
import typer
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public import tfxio

from benchmarks.common.machine import describe_this_machine
from benchmarks.common.program import run_program
from trainer.batching import Pairs, epoch_order
from trainer.reading import read_pairs

_MOST_SUBWORDS = 60
_VOCABULARY = 8000
_TOKENS_PER_BATCH = 1500
_MIB = 2**20


def write_examples(path: str, pairs: int, seed: int) -> int:
    """Writes made-up examples in TFRecords with gzip, like Transform's.

    Args:
      path: path of the file.
      pairs: number of pairs; each side has 1 to 60 subwords, most of them frequent ones.
      seed: seed of the ids.

    Returns:
      The number of subwords of both sides together.
    """
    rng = np.random.default_rng(seed)
    subwords = 0
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    with tf.io.TFRecordWriter(path, options) as writer:
        for _ in range(pairs):
            features = {}
            for side in Pairs._fields:
                length = int(rng.integers(1, _MOST_SUBWORDS + 1))
                ids = np.minimum(rng.zipf(1.2, length) + 259, _VOCABULARY - 1)
                features[f"{side}_ids"] = tf.train.Feature(int64_list=tf.train.Int64List(value=ids))
                subwords += length
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    return subwords


def read(path: str) -> Pairs:
    """Reads the examples of `write_examples`."""
    schema = schema_pb2.Schema()
    for side in Pairs._fields:
        schema.feature.add(name=f"{side}_ids", type=schema_pb2.INT)
    examples = tfxio.TFExampleRecord(path, schema=schema, telemetry_descriptors=["benchmark"])
    options = tfxio.RecordBatchesOptions(
        batch_size=1024, drop_final_batch=False, num_epochs=1, shuffle=False
    )
    pairs, _ = read_pairs(examples.RecordBatches(options))
    return pairs


def main(
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of sentences.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="Seed of the made-up text.")] = 1,
) -> None:
    """Measure the time in which made-up examples are read and sorted, and their memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "examples.gz")
        subwords = write_examples(path, pairs, seed)
        before, started = _anonymous_memory(), time.monotonic()
        text = read(path)
        read_in, after = time.monotonic() - started, _anonymous_memory()
        started = time.monotonic()
        batches = len(epoch_order(text, text.up_to(_MOST_SUBWORDS), _TOKENS_PER_BATCH, seed, 0))
        ordered_in = time.monotonic() - started
    print(
        json.dumps(
            {
                "machine": describe_this_machine(),
                "pairs": pairs,
                "subwords": subwords,
                "read_s": round(read_in, 1),
                "memory_mib": round((after - before) / _MIB, 1),
                "file_mib": round(4 * subwords / _MIB, 1),
                "batches": batches,
                "epoch_order_s": round(ordered_in, 1),
            }
        )
    )


def _anonymous_memory() -> int:
    """Returns the resident bytes of this process not backed by a file (`RssAnon`)."""
    fields = dict(_fields(Path("/proc/self/status").read_text("ascii")))
    return 1024 * int(fields["RssAnon"].removesuffix(" kB"))


def _fields(status: str) -> Iterator[tuple[str, str]]:
    for line in status.splitlines():
        name, _, value = line.partition(":")
        yield name, value.strip()


if __name__ == "__main__":
    run_program(main)
