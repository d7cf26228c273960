"""Beam's part of the preprocessing: the subword vocabulary, learned or taken.

It is learned from the words of the training split, or copied from the model of a warm start.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping

import apache_beam as beam
import numpy as np
import tensorflow as tf
from tensorflow_transform.beam import experimental as tft_beam

from trainer.byte_pair_encoding import learn_pieces
from trainer.settings import SubwordSettings
from trainer.subwords import vocabulary_lines

VOCABULARY = "subwords"
"""Name of the vocabulary among Transform's assets."""
VOCABULARY_FILE = f"{VOCABULARY}.txt"


class LearnSubwords(tft_beam.PTransformAnalyzer):
    """Batches of words -> one vocabulary file.

    Words are counted in parallel; byte-pair encoding uses the counts.
    """

    def __init__(self, settings: SubwordSettings):
        super().__init__()
        self._settings = settings

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Returns a collection of one element: the path of the vocabulary file."""
        path = os.path.join(self.base_temp_dir, VOCABULARY_FILE)
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
        path = os.path.join(self.base_temp_dir, VOCABULARY_FILE)
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
