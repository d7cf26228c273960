"""Preprocessing in Transform: makes the subword vocabulary and encodes every split.

The vocabulary is learned in Beam from the training split, or copied from the model of a warm start.
Encoding is a part of the graph.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping

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
    words = {
        side: _words_of(_one_value(inputs[side]), keep_no_break=side == "target")
        for side in ("source", "target")
    }
    distinct, _, counts = tf.unique_with_counts(
        tf.concat([each.flat_values for each in words.values()], axis=0)
    )
    (path,) = tft.experimental.ptransform_analyzer(
        [distinct, counts],
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
    return {f"{side}_ids": encode.encode_split(each).to_sparse() for side, each in words.items()}


@tf.function(autograph=False)
def _words_of(text: tf.Tensor, keep_no_break: bool) -> tf.RaggedTensor:
    """Returns the words of raw texts, string [batch].

    Transform traces the preprocessing eight times; this function, most of it, only once.
    """
    return split_words(normalise(text, keep_no_break=keep_no_break))


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
            | "CountWords" >> beam.CombineGlobally(SumCounts())
            | "LearnAndWrite" >> beam.Map(_write_vocabulary, self._settings, path)
        )


class SumCounts(beam.CombineFn):
    """Sums the counts of the words of batches.

    One table for each worker: an element of Beam for each word of a batch would take more time than
    all else.
    """

    def create_accumulator(self) -> Counter[bytes]:
        return Counter()

    def add_input(
        self, accumulator: Counter[bytes], element: tuple[np.ndarray, np.ndarray]
    ) -> Counter[bytes]:
        words, counts = element
        for word, count in zip(words.tolist(), counts.tolist(), strict=True):
            accumulator[word] += count
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Counter[bytes]]) -> Counter[bytes]:
        total = Counter[bytes]()
        for accumulator in accumulators:
            total.update(accumulator)
        return total

    def extract_output(self, accumulator: Counter[bytes]) -> Counter[bytes]:
        return accumulator


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


def _write_vocabulary(counts: Mapping[bytes, int], settings: SubwordSettings, path: str) -> str:
    words = {word.decode("utf-8"): count for word, count in counts.items()}
    size = settings.vocabulary_size - len(vocabulary_lines([]))
    pieces = learn_pieces(words, size, settings.max_piece_characters)
    # Transform only names its temporary folder; the analyzer must make it.
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.gfile.GFile(path, "w") as file:
        file.write("\n".join(vocabulary_lines(pieces)) + "\n")
    return path
