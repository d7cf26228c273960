"""Preprocessing in Transform: makes the subword vocabulary and encodes every split.

The vocabulary is learned in Beam from the training split, or copied from the model of a warm start.
Encoding is a part of the graph.
"""

import os
from collections import Counter
from collections.abc import Iterable

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.beam import experimental as tft_beam

from text.normal_form import normalise, split_words
from trainer.byte_pair_encoding import learn_pieces
from trainer.settings import SubwordSettings
from trainer.subwords import SubwordEncoder, vocabulary_lines

VOCABULARY = "subwords"
"""Name of the vocabulary among Transform's assets."""
_VOCABULARY_FILE = f"{VOCABULARY}.txt"


def preprocessing_fn(
    inputs: dict[str, tf.Tensor], custom_config: dict[str, object]
) -> dict[str, tf.SparseTensor]:
    """Encodes parallel text.

    Args:
      inputs: `source` and `target`, string, one value each.
      custom_config: `subwords`: the settings as a mapping; `vocabulary`: the path of an existing
        vocabulary, or None to learn one.

    Returns:
      `source_ids` and `target_ids`: int64 of variable length, without start, end or padding.
    """
    settings = SubwordSettings.model_validate(custom_config["subwords"])
    vocabulary = custom_config.get("vocabulary")
    texts = {side: _one_value(inputs[side]) for side in ("source", "target")}
    words = [
        split_words(normalise(text, keep_no_break=side == "target")).flat_values
        for side, text in texts.items()
    ]
    (path,) = tft.experimental.ptransform_analyzer(
        [tf.concat(words, axis=0)],
        LearnSubwords(settings) if vocabulary is None else TakeSubwords(str(vocabulary)),
        [tf.string],
        [[]],
        output_asset_default_values=[
            b"\n".join(line.encode() for line in vocabulary_lines([])) + b"\n"
        ],
        name=VOCABULARY,
    )
    tft.annotate_asset(VOCABULARY, _VOCABULARY_FILE)
    encode = SubwordEncoder(path, settings.max_piece_characters)
    return {
        f"{side}_ids": encode(text, keep_no_break=side == "target").to_sparse()
        for side, text in texts.items()
    }


def _one_value(text: tf.Tensor | tf.SparseTensor) -> tf.Tensor:
    """Returns string [batch], for a dense or a sparse representation of one value."""
    return text.values if isinstance(text, tf.SparseTensor) else tf.reshape(text, [-1])


class LearnSubwords(tft_beam.PTransformAnalyzer):
    """Batches of words -> one vocabulary file.

    Words are counted in parallel; byte-pair encoding uses the counts.
    """

    def __init__(self, settings: SubwordSettings):
        super().__init__()
        self._settings = settings

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Returns a collection of one element: the path of the vocabulary file."""
        path = os.path.join(self.base_temp_dir, _VOCABULARY_FILE)
        return (
            batches
            | "CountInBatch" >> beam.FlatMap(_count_words)
            | "CountWords" >> beam.CombinePerKey(sum)
            | "Gather" >> beam.combiners.ToList()
            | "LearnAndWrite" >> beam.Map(_write_vocabulary, self._settings, path)
        )


class TakeSubwords(tft_beam.PTransformAnalyzer):
    """Batches of words -> a copy of an existing vocabulary file; the words are ignored."""

    def __init__(self, path: str):
        super().__init__()
        self._path = path

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Returns a collection of one element: the path of the vocabulary file."""
        path = os.path.join(self.base_temp_dir, _VOCABULARY_FILE)
        return batches.pipeline | beam.Create([self._path]) | beam.Map(_copy_file, path)


def _copy_file(source: str, destination: str) -> str:
    # A copy, because Transform moves the file returned by an analyzer.
    tf.io.gfile.makedirs(os.path.dirname(destination))
    tf.io.gfile.copy(source, destination, overwrite=True)
    return destination


def _count_words(batch: tuple[np.ndarray, ...]) -> Iterable[tuple[bytes, int]]:
    return Counter(np.asarray(batch[0]).reshape(-1).tolist()).items()


def _write_vocabulary(
    counts: Iterable[tuple[bytes, int]], settings: SubwordSettings, path: str
) -> str:
    words = {word.decode("utf-8"): count for word, count in counts}
    size = settings.vocabulary_size - len(vocabulary_lines([]))
    pieces = learn_pieces(words, size, settings.max_piece_characters)
    # Transform only names its temporary folder; the analyzer must make it.
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.gfile.GFile(path, "w") as file:
        file.write("\n".join(vocabulary_lines(pieces)) + "\n")
    return path
