"""ParallelTextExampleGen: turns a corpus folder of TSV shards into the pipeline's Examples.

Folders `span-1`, `span-2`, ... in it hold later shards.

The splits of the folder are kept (`train-*.tsv[.gz]`, `validation-*`, `test-*`) and not drawn
again, so a published test set stays the test set. Malformed lines are counted by reason and kept
under `rejected/` in the artifact, beside the `Split-*` folders. In a corpus with spans, training
lines with a sentence of validation or test are left out and counted. The report there is
`ingestion.json`.
"""

import logging
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, cast

import apache_beam as beam
import tensorflow as tf
from google.protobuf import struct_pb2
from tfx import types
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.components.example_gen.write_split import DEFAULT_TF_RECORD_FILE_NAME
from tfx.components.util import examples_utils
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, proto_utils

from components import parallel_text
from components.corpus_shards import (
    CHECKSUM_KEY,
    TRAIN_SPANS_KEY,
    ChecksummedStream,
    ContentDriver,
    checksum_of,
    open_shard,
    read_features,
    require_checksum,
    require_shards,
    settings_of,
    shard_name,
    train_spans_of,
)
from components.corpus_spans import TRAIN
from components.held_out_sentences import (
    NOTHING_HELD_OUT,
    HeldOut,
    held_out_sentences,
    is_held_out,
)
from components.ingestion_report import (
    INGESTION_FILE,
    REJECTED_FOLDER,
    REJECTED_HEADER,
    IngestionReport,
    RejectedLine,
    SplitCounts,
)
from components.parallel_text import SPLITS, CorpusError, LineLimits, Pair

LOGGER = logging.getLogger(__name__)
_REJECTED = "rejected"
_COUNTS = "counts"
_FILE_FORMAT = "tfrecords_gzip"


def to_example(pair: Pair, features: Sequence[str] = ()) -> bytes:
    """Makes the raw example of a pair, a serialized `tf.train.Example`.

    Args:
        pair: an accepted line.
        features: names of its further columns.
    """
    values = {
        "source": pair.source,
        "target": pair.target,
        "length_bucket": parallel_text.length_bucket(pair.source_words).encode(),
        **dict(zip(features, pair.features, strict=True)),
    }
    by_name = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for name, value in values.items()
    }
    example = tf.train.Example(features=tf.train.Features(feature=by_name))
    return cast(bytes, example.SerializeToString(deterministic=True))


class ReadShard(beam.DoFn):
    """Reads one shard: yields examples, with rejected lines and counts as further outputs.

    A shard is one unit of work, read from its start, because the report needs line numbers. Beam's
    ReadFromText would split a plain file at byte offsets, where a worker does not know the number
    of its first line. Corpora have several shards to give each worker some.
    """

    def __init__(
        self,
        limits: LineLimits,
        features: Sequence[str] = (),
        held_out: HeldOut = NOTHING_HELD_OUT,
    ) -> None:
        self._limits = limits
        self._features = features
        self._held_out = held_out

    def process(self, path: str) -> Iterator[Any]:
        shard = shard_name(path)
        counts = SplitCounts(shards=1)
        try:
            with open_shard(path) as stream:
                text = ChecksummedStream(stream)
                max_bytes = self._limits.max_line_bytes(len(self._features))
                lines = parallel_text.read_lines(cast(BinaryIO, text), max_bytes)
                for number, line in enumerate(lines, start=1):
                    verdict = parallel_text.parse_line(line, self._limits, self._features)
                    if not isinstance(verdict, Pair):
                        row = RejectedLine.of(shard, number, line, verdict)
                        counts.add_rejected(row)
                        yield beam.pvalue.TaggedOutput(_REJECTED, row.to_tsv())
                    elif any(self._held_out) and is_held_out(
                        verdict.source, verdict.target, self._held_out
                    ):
                        counts.held_out += 1
                    else:
                        counts.add_pair(verdict)
                        yield to_example(verdict, self._features)
                counts.checksums[shard] = text.checksum
        except (OSError, EOFError, zlib.error) as error:
            # Counted, not raised: an error in a remote worker would arrive as a RuntimeError with a
            # traceback instead of a short message for the user.
            counts.damaged_shards[shard] = str(error)
        if not counts.read and not counts.damaged_shards:
            counts.empty_shards.append(shard)
        yield beam.pvalue.TaggedOutput(_COUNTS, counts)


class SumCounts(beam.CombineFn):
    """Sums the counts of the shards."""

    def create_accumulator(self) -> SplitCounts:
        return SplitCounts()

    def add_input(self, accumulator: SplitCounts, element: SplitCounts) -> SplitCounts:
        return SplitCounts.sum([accumulator, element])

    def merge_accumulators(self, accumulators: Iterable[SplitCounts]) -> SplitCounts:
        return SplitCounts.sum(accumulators)

    def extract_output(self, accumulator: SplitCounts) -> SplitCounts:
        return accumulator


class ReadSplit(beam.PTransform):
    """Reads the shards of one split and writes its rejected lines and counts to files.

    Args:
        shards: paths of the shards.
        limits: limits of a sentence pair.
        report_prefix: path of the files without their endings, `.tsv` and `.json`.
        features: names of the columns after the texts.
        held_out: sentences to leave out.
    """

    def __init__(
        self,
        shards: Iterable[str],
        limits: LineLimits,
        report_prefix: str,
        features: Sequence[str] = (),
        held_out: HeldOut = NOTHING_HELD_OUT,
    ) -> None:
        super().__init__()
        self._held_out = held_out
        self._features = features
        self._shards = list(enumerate(shards))
        self._limits = limits
        self._report_prefix = report_prefix

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        results = (
            pipeline
            | "Shards" >> beam.Create(self._shards)
            # The grouping lets a cluster spread the shards over its workers.
            | "Spread" >> beam.GroupByKey()
            | "Paths" >> beam.FlatMapTuple(lambda _, paths: paths)
            | "Read"
            >> beam.ParDo(ReadShard(self._limits, self._features, self._held_out))
            .with_output_types(bytes)
            .with_outputs(_REJECTED, _COUNTS, main="examples")
        )
        _ = results[_REJECTED] | "WriteRejected" >> beam.io.WriteToText(
            self._report_prefix, ".tsv", shard_name_template="", header=REJECTED_HEADER
        )
        _ = (
            results[_COUNTS]
            | "Sum" >> beam.CombineGlobally(SumCounts())
            | "ToJson" >> beam.Map(SplitCounts.to_json)
            | "WriteCounts"
            >> beam.io.WriteToText(self._report_prefix, ".json", shard_name_template="")
        )
        return results["examples"]


class ParallelTextExecutor(BaseBeamExecutor):
    """Ingests the corpus, writes the report, and stops the run if the corpus is not good enough.

    BaseExampleGenExecutor is not used, because it shuffles with random keys: the same corpus would
    get another order each time, and training could not be repeated. Here a single worker keeps the
    order of the corpus. The trainer shuffles, with its own seed.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Fills the Examples artifact.

        Args:
            input_dict: empty.
            output_dict: `examples`, one artifact.
            exec_properties: as made by the component.

        Raises:
            CorpusError: the corpus is missing, incomplete, damaged or rejected, or was replaced
                since the run recorded its checksum. The rejected lines
                are then beside the artifact's folder, since TFX deletes the folder after a failure.
        """
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        corpus = str(exec_properties[standard_component_specs.INPUT_BASE_KEY])
        shards = require_shards(
            corpus, _patterns_of(exec_properties), train_spans_of(exec_properties)
        )
        limits, max_rejected_fraction = _settings_of(exec_properties)
        examples.split_names = artifact_utils.encode_split_names(list(shards))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, _FILE_FORMAT)

        counts = self._ingest(examples, shards, limits, read_features(corpus))
        report = IngestionReport(corpus, limits, max_rejected_fraction, counts)
        io_utils.write_string_file(os.path.join(examples.uri, INGESTION_FILE), report.to_json())
        require_checksum(corpus, counts, checksum_of(exec_properties))
        kept_uri = f"{examples.uri.rstrip('/')}-{REJECTED_FOLDER}"
        try:
            report.check(kept_uri)
        except CorpusError:
            io_utils.copy_dir(os.path.join(examples.uri, REJECTED_FOLDER), kept_uri)
            raise
        total = report.total
        if total.held_out:
            LOGGER.info(
                "left out of training: %d pairs with a sentence of validation or test",
                total.held_out,
            )
        examples.set_int_custom_property("read", total.read)
        examples.set_int_custom_property("accepted", total.accepted)
        examples.set_int_custom_property("rejected", total.rejected.total())

    def _ingest(
        self,
        examples: types.Artifact,
        shards: Mapping[str, list[str]],
        limits: LineLimits,
        features: Sequence[str],
    ) -> dict[str, SplitCounts]:
        """Writes the examples and the rejected lines of every split, and counts both."""
        held_out = held_out_sentences(shards, limits.max_line_bytes(len(features)))
        prefixes = {split: os.path.join(examples.uri, REJECTED_FOLDER, split) for split in shards}
        with self._make_beam_pipeline() as pipeline:
            for split, paths in shards.items():
                split_uri = artifact_utils.get_split_uri([examples], split)
                _ = (
                    pipeline
                    | f"ReadSplit[{split}]"
                    >> ReadSplit(
                        paths,
                        limits,
                        prefixes[split],
                        features,
                        held_out if split == TRAIN else NOTHING_HELD_OUT,
                    )
                    | f"WriteSplit[{split}]"
                    >> beam.io.WriteToTFRecord(
                        os.path.join(split_uri, DEFAULT_TF_RECORD_FILE_NAME),
                        file_name_suffix=".gz",
                    )
                )
        return {split: _take_counts(f"{prefix}.json") for split, prefix in prefixes.items()}


def _patterns_of(exec_properties: Mapping[str, Any]) -> dict[str, str]:
    """Returns patterns of the shards by split, with the spans resolved by the driver."""
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.INPUT_CONFIG_KEY], config)
    return {split.name: split.pattern for split in config.splits}


def _settings_of(exec_properties: Mapping[str, Any]) -> tuple[LineLimits, float]:
    """Returns the limits of a line, and `max_rejected_fraction`."""
    settings = settings_of(exec_properties)
    limits = LineLimits(
        max_words=int(settings["max_words"]),
        max_characters=int(settings["max_characters"]),
        max_length_ratio=settings["max_length_ratio"],
    )
    return limits, settings["max_rejected_fraction"]


def _take_counts(path: str) -> SplitCounts:
    """Reads the counts written by the Beam pipeline, and removes the file."""
    counts = SplitCounts.from_json(io_utils.read_string_file(path))
    fileio.remove(path)
    return counts


class ParallelTextExampleGen(FileBasedExampleGen):
    """Ingests a corpus folder of `source<TAB>target` shards.

    The features declared in its `corpus.json` are further columns; they become features of the raw
    example. Every argument, the content of the shards and the code of the parser are part of the
    cache key.

    Args:
        input_base: the corpus folder.
        max_rejected_fraction: largest allowed part of rejected lines, 0 to 1.
        max_words: most words on either side.
        max_characters: most characters on either side.
        max_length_ratio: largest length of one side divided by the other's, in words and in
            characters; short texts are exempt.
        train_spans: number of the newest spans to train on (`components.corpus_spans`); None for
            all.
        corpus_checksum: the checksum recorded on the model; empty for any corpus.
        code_digest: digest of the code for reading lines and making examples, because TFX's cache
            ignores code.

    Raises:
        ValueError: an argument is out of its range.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(ParallelTextExecutor)
    DRIVER_CLASS = ContentDriver

    def __init__(
        self,
        input_base: str,
        max_rejected_fraction: float = 0.01,
        max_words: int = 200,
        max_characters: int = 2000,
        max_length_ratio: float = 9.0,
        train_spans: int | None = None,
        corpus_checksum: str = "",
        code_digest: str | None = None,
    ) -> None:
        if train_spans is not None and train_spans < 1:
            raise ValueError(f"train_spans must be 1 or more, or None for all, not {train_spans}.")
        if not 0 <= max_rejected_fraction <= 1:
            raise ValueError(
                f"max_rejected_fraction must be from 0 to 1, not {max_rejected_fraction}."
            )
        limits = LineLimits(max_words, max_characters, max_length_ratio)
        settings = struct_pb2.Struct()
        settings.update(
            {
                "max_rejected_fraction": max_rejected_fraction,
                "max_words": limits.max_words,
                "max_characters": limits.max_characters,
                "max_length_ratio": limits.max_length_ratio,
                # 0 stands for None.
                TRAIN_SPANS_KEY: train_spans or 0,
                CHECKSUM_KEY: corpus_checksum,
                "code_digest": code_digest or "",
            }
        )
        custom_config = example_gen_pb2.CustomConfig()
        custom_config.custom_config.Pack(settings)
        splits = [
            example_gen_pb2.Input.Split(name=split, pattern=f"{split}-*.tsv*") for split in SPLITS
        ]
        super().__init__(
            input_base=input_base,
            input_config=example_gen_pb2.Input(splits=splits),
            custom_config=custom_config,
        )
