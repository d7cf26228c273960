"""ParallelTextExampleGen: turns a corpus folder of TSV shards into the pipeline's Examples.

Folders `span-1`, `span-2`, ... in it hold later shards.

The splits of the folder are kept (`train-*.tsv[.gz]`, `validation-*`, `test-*`) and not drawn
again, so a published test set stays the test set. Malformed lines are counted by reason and kept
under `rejected/` in the artifact, beside the `Split-*` folders. In a corpus with spans, training
lines with a sentence of validation or test are left out and counted. So are training lines found
by a filter (`components.filters`). The report there is `ingestion.json`.
"""

import contextlib
import logging
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
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
from components.filters.near_duplicates import ShardHashes, near_duplicates
from components.filters.registry import FILTER_NAMES, NEAR_DUPLICATES
from components.held_out_sentences import held_out_sentences
from components.ingestion_report import (
    INGESTION_FILE,
    REJECTED_FOLDER,
    REJECTED_HEADER,
    IngestionReport,
    RejectedLine,
    SplitCounts,
)
from components.line_judging import JudgedLine, LineJudge, LineRules, profile_of
from components.parallel_text import SPLITS, CorpusError, LineLimits, Pair, shorten

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

    def __init__(self, rules: LineRules) -> None:
        self._rules = rules

    def process(
        self, path: str, duplicates: Mapping[str, frozenset[int]] | None = None
    ) -> Iterator[Any]:
        shard = shard_name(path)
        counts = SplitCounts(shards=1)
        judge = LineJudge(self._rules, (duplicates or {}).get(path, frozenset()))
        try:
            with open_shard(path) as stream:
                text = ChecksummedStream(stream)
                for judged in judge.judge(cast(BinaryIO, text)):
                    if row := count_line(counts, shard, judged, self._rules.is_filtered):
                        yield beam.pvalue.TaggedOutput(_REJECTED, row.to_tsv())
                    elif judged.pair and not judged.is_held_out:
                        yield to_example(judged.pair, self._rules.features)
                counts.checksums[shard] = text.checksum
        except (OSError, EOFError, zlib.error) as error:
            # Counted, not raised: an error in a remote worker would arrive as a RuntimeError with a
            # traceback instead of a short message for the user.
            counts.damaged_shards[shard] = str(error)
        if not counts.read and not counts.damaged_shards:
            counts.empty_shards.append(shard)
        yield beam.pvalue.TaggedOutput(_COUNTS, counts)


def count_line(
    counts: SplitCounts, shard: str, judged: JudgedLine, is_filtered: bool
) -> RejectedLine | None:
    """Counts a line.

    Args:
        counts: the counts of the split, which are changed.
        shard: the name of the shard.
        judged: the line and its verdict.
        is_filtered: whether a pair found by a filter is left out.

    Returns:
        The row for the rejected lines; None if the line is not one of them.
    """
    if judged.rejection:
        row = RejectedLine.of(shard, judged.number, judged.line, judged.rejection)
        counts.add_rejected(row)
        return row
    if judged.is_held_out:
        counts.held_out += 1
        return None
    if judged.finding:
        reason, detail = judged.finding
        row = RejectedLine(shard, judged.number, reason, shorten(judged.line), detail)
        counts.add_found(row, is_filtered=is_filtered)
        if is_filtered:
            return row
    if judged.pair:
        counts.add_pair(judged.pair)
    return None


class HashShard(beam.DoFn):
    """Hashes the pairs of one shard that no other filter finds, to find near-duplicates."""

    def __init__(self, rules: LineRules) -> None:
        self._rules = rules

    def process(self, shard: tuple[int, str]) -> Iterator[ShardHashes]:
        hashes = ShardHashes(*shard)
        # ReadShard reports a damaged shard.
        with contextlib.suppress(OSError, EOFError, zlib.error), open_shard(hashes.path) as stream:
            LineJudge(self._rules).hash(stream, hashes)
        yield hashes


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
        rules: what to know for judging their lines.
        report_prefix: path of the files without their endings, `.tsv` and `.json`.
    """

    def __init__(self, shards: Iterable[str], rules: LineRules, report_prefix: str) -> None:
        super().__init__()
        self._shards = list(enumerate(shards))
        self._rules = rules
        self._report_prefix = report_prefix

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        shards = (
            pipeline
            | "Shards" >> beam.Create(self._shards)
            # The grouping lets a cluster spread the shards over its workers.
            | "Spread" >> beam.GroupByKey()
            | "Places" >> beam.FlatMapTuple(lambda place, paths: [(place, path) for path in paths])
        )
        results = (
            shards
            | "Paths" >> beam.Values()
            | "Read"
            >> beam.ParDo(ReadShard(self._rules), **self._duplicates(shards))
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

    def _duplicates(self, shards: beam.PCollection) -> dict[str, beam.pvalue.AsSingleton]:
        """Returns the lines of near-duplicates as a side input, if they are looked for."""
        if NEAR_DUPLICATES not in self._rules.filters:
            return {}
        found = (
            shards
            | "Hash" >> beam.ParDo(HashShard(self._rules))
            | "Together" >> beam.combiners.ToList()
            | "NearDuplicates" >> beam.Map(near_duplicates)
        )
        return {"duplicates": beam.pvalue.AsSingleton(found)}


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
        rules, languages, max_rejected_fraction = _settings_of(exec_properties)
        examples.split_names = artifact_utils.encode_split_names(list(shards))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, _FILE_FORMAT)

        rules = replace(rules, features=read_features(corpus))
        if rules.filters:
            rules = replace(rules, profile=profile_of(shards[TRAIN], rules, languages))
        counts = self._ingest(examples, shards, rules)
        report = IngestionReport(corpus, rules.limits, max_rejected_fraction, counts, rules.filters)
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
        for line in report.describe_found():
            LOGGER.info("%s", line)
        examples.set_int_custom_property("read", total.read)
        examples.set_int_custom_property("accepted", total.accepted)
        examples.set_int_custom_property("rejected", total.rejected.total())

    def _ingest(
        self,
        examples: types.Artifact,
        shards: Mapping[str, list[str]],
        rules: LineRules,
    ) -> dict[str, SplitCounts]:
        """Writes the examples and the rejected lines of every split, and counts both."""
        held_out = held_out_sentences(shards, rules.max_bytes)
        in_train = replace(rules, held_out=held_out, is_filtered=True)
        prefixes = {split: os.path.join(examples.uri, REJECTED_FOLDER, split) for split in shards}
        with self._make_beam_pipeline() as pipeline:
            for split, paths in shards.items():
                split_uri = artifact_utils.get_split_uri([examples], split)
                _ = (
                    pipeline
                    | f"ReadSplit[{split}]"
                    >> ReadSplit(paths, in_train if split == TRAIN else rules, prefixes[split])
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


def _settings_of(
    exec_properties: Mapping[str, Any],
) -> tuple[LineRules, tuple[str, str], float]:
    """Returns limits and filters, the languages, and `max_rejected_fraction`."""
    settings = settings_of(exec_properties)
    limits = LineLimits(
        max_words=int(settings["max_words"]),
        max_characters=int(settings["max_characters"]),
        max_length_ratio=settings["max_length_ratio"],
    )
    source, target = settings["languages"]
    rules = LineRules(limits, filters=tuple(settings["filters"]))
    return rules, (source, target), settings["max_rejected_fraction"]


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
        filters: names of the filters of training pairs (`components.filters.registry`), in their
            order. Pairs of validation and test that they find are only counted.
        languages: the codes of source and target, for the filters; empty if they are not known.
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
        filters: Sequence[str] = (),
        languages: tuple[str, str] = ("", ""),
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
        for name in filters:
            if name not in FILTER_NAMES:
                raise ValueError(f"{name!r} is no filter; there are {', '.join(FILTER_NAMES)}.")
        limits = LineLimits(max_words, max_characters, max_length_ratio)
        settings = struct_pb2.Struct()
        settings.update(
            {
                "max_rejected_fraction": max_rejected_fraction,
                "max_words": limits.max_words,
                "max_characters": limits.max_characters,
                "max_length_ratio": limits.max_length_ratio,
                "filters": list(filters),
                "languages": list(languages),
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
