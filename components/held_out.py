"""Reads the test split, as it was ingested."""

import os
from collections.abc import Iterator

import tensorflow as tf
from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

_SPLIT = "test"
_SIDES = ("source", "target")


def read_test_pairs(examples: list[types.Artifact]) -> Iterator[tuple[str, str]]:
    """Yields source and reference of each example."""
    folder = artifact_utils.get_split_uri(examples, _SPLIT)
    files = sorted(fileio.glob(os.path.join(folder, "*")))
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        source, target = (
            features[side].bytes_list.value[0].decode("utf-8", "replace") for side in _SIDES
        )
        yield source, target
