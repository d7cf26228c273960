"""Finds, opens and fingerprints the shards of a corpus folder."""

import contextlib
import fnmatch
import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, cast

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from google.protobuf import struct_pb2
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.components.example_gen.input_processor import FileBasedInputProcessor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import standard_component_specs
from tfx.utils import io_utils, proto_utils

from components.corpus_features import INFORMATION_FILE, declared_features
from components.corpus_spans import (
    checksum_of_shards,
    checksum_with_spans,
    chosen,
    span_folders,
)
from components.ingestion_report import SplitCounts
from components.parallel_text import SHARD_SUFFIXES, CorpusError

TRAIN_SPANS_KEY = "train_spans"
CHECKSUM_KEY = "corpus_checksum"


def find_shards(input_base: str, pattern: str) -> list[str]:
    """Finds the shards of one split.

    The function lists the folder and matches the names. Globbing the whole path would fail if the
    folder's name contains `[` or `*`.

    Args:
        input_base: the corpus folder.
        pattern: pattern of the file names, relative to the folder.

    Returns:
        Paths in order of their names. Files with another ending (`.part`, `~`) are left out.
    """
    folder, name_pattern = os.path.split(os.path.join(input_base, pattern))
    return [
        os.path.join(folder, name)
        for name in _names_in(folder)
        if fnmatch.fnmatchcase(name, name_pattern) and name.endswith(SHARD_SUFFIXES)
    ]


def split_shards(
    input_base: str, split: str, pattern: str, train_spans: int | None = None
) -> list[str]:
    """Finds the shards of one split to read in a run, with those of the spans, oldest first.

    Args:
        input_base: the corpus folder.
        split: name of the split.
        pattern: pattern of the file names, relative to the folder and to each span in it.
        train_spans: number of the newest spans to train on; None for all.

    Raises:
        CorpusError: two folders are the same span.
    """
    spans = span_folders(_names_in(input_base)).values()
    folders = [input_base, *(os.path.join(input_base, span) for span in spans)]
    parts = [shards for folder in folders if (shards := find_shards(folder, pattern))]
    return [shard for part in chosen(parts, split, train_spans) for shard in part]


def shard_name(path: str) -> str:
    """Returns a shard's name for reports: its file name, after its span's name if it has a span."""
    folder, name = os.path.split(path)
    span = os.path.basename(folder)
    return f"{span}/{name}" if span_folders([span]) else name


def _names_in(folder: str) -> list[str]:
    if not fileio.isdir(folder):
        return []
    return sorted(str(name).rstrip("/") for name in fileio.listdir(folder))


def require_shards(
    input_base: str, patterns: Mapping[str, str], train_spans: int | None = None
) -> dict[str, list[str]]:
    """Finds the shards of every split.

    Args:
        input_base: the corpus folder.
        patterns: patterns of the file names, by split.
        train_spans: number of the newest spans to train on; None for all.

    Raises:
        CorpusError: the folder or a split is missing.
    """
    if not fileio.isdir(input_base):
        raise CorpusError(f"There is no corpus folder {input_base}; make it with nmt corpus.")
    shards = {
        split: split_shards(input_base, split, pattern, train_spans)
        for split, pattern in patterns.items()
    }
    missing = [split for split, paths in shards.items() if not paths]
    if missing:
        wanted = ", ".join(f"{split}-*.tsv or {split}-*.tsv.gz" for split in missing)
        raise CorpusError(f"The corpus folder {input_base} has no {wanted}; add such a shard.")
    return shards


def read_features(input_base: str) -> tuple[str, ...]:
    """Reads a corpus's features, in the order of their columns; none without `corpus.json`.

    Raises:
        CorpusError: `corpus.json` cannot be read, or a name in it is not allowed.
    """
    path = os.path.join(input_base, INFORMATION_FILE)
    return declared_features(io_utils.read_bytes_file(path)) if fileio.exists(path) else ()


@contextlib.contextmanager
def open_shard(path: str) -> Iterator[BinaryIO]:
    """Opens a plain or gzip shard for reading bytes, on any of Beam's file systems."""
    # Beam's decompression would accept a truncated gzip file as complete.
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
        if path.endswith(".gz"):
            with gzip.GzipFile(fileobj=stream, mode="rb") as text:
                yield cast(BinaryIO, text)
        else:
            yield stream


class ChecksummedStream:
    """A stream with the SHA-256 of all bytes read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Reads at most `size` bytes."""
        block = self._stream.read(size)
        self._digest.update(block)
        return block

    @property
    def checksum(self) -> str:
        """The SHA-256 of the bytes so far, in hexadecimal."""
        return self._digest.hexdigest()


def require_checksum(corpus: str, counts: Mapping[str, SplitCounts], expected: str) -> None:
    """Checks that the text that was read is the text of the checksum recorded on the model.

    Args:
        corpus: the corpus folder.
        counts: the counts of all splits, with the checksum of each shard.
        expected: the checksum of the corpus; an empty one allows any text.

    Raises:
        CorpusError: it is another text, because the corpus was replaced meanwhile.
    """
    if not expected or any(split.damaged_shards for split in counts.values()):
        return  # a damaged shard has its own message
    used = {split: each.checksums for split, each in counts.items()}
    read = {name: text for texts in used.values() for name, text in texts.items()}
    information = json.loads(io_utils.read_bytes_file(os.path.join(corpus, INFORMATION_FILE)))
    # Shards outside the window of `train_spans` are not read.
    own = {name: read.get(name, each["sha256"]) for name, each in information["shards"].items()}
    has_spans = bool(span_folders(_names_in(corpus)))
    found = checksum_with_spans(own, used) if has_spans else checksum_of_shards(own)
    if found != expected:
        raise CorpusError(
            f"The corpus {corpus} was replaced or changed while the run read it; nothing was "
            "trained on. Run again."
        )


def checksum_of(exec_properties: Mapping[str, Any]) -> str:
    """Returns the checksum that the corpus must have, from the arguments; empty for any."""
    return str(settings_of(exec_properties)[CHECKSUM_KEY])


class ContentProcessor(FileBasedInputProcessor):
    """Fingerprints shards by their content.

    The stock fingerprint uses file sizes and modification times in whole seconds. With it, the same
    corpus made again would train the model again, and an edit within a second could be missed.
    """

    train_spans: int | None = None
    """Number of the newest spans in the training split; None for all."""

    def resolve_span_and_version(self) -> tuple[int, int | None]:
        """Returns the newest span, or 0 if there is none; a run reads older spans too."""
        return max(span_folders(_names_in(self._input_base_uri)), default=0), None

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        """Returns a SHA-256 of the features and of the names and contents of all splits' shards."""
        digest = hashlib.sha256()
        if features := read_features(self._input_base_uri):
            digest.update(f"features {' '.join(features)}\n".encode())
        for split in self._splits:
            pattern = self.get_pattern_for_span_version(split.pattern, span, version)
            for path in split_shards(self._input_base_uri, split.name, pattern, self.train_spans):
                content = hashlib.sha256()
                try:
                    with fileio.open(path, "rb") as stream:
                        while block := stream.read(1 << 20):
                            content.update(block)
                except fileio.NotFoundError as error:
                    raise CorpusError(
                        f"{path} is gone: the corpus was replaced meanwhile. Run again."
                    ) from error
                name = shard_name(path)
                digest.update(f"{split.name}/{name} {content.hexdigest()}\n".encode())
        return f"sha256:{digest.hexdigest()}"


class ContentDriver(FileBasedDriver):
    """The stock driver with a fingerprint of the content of all spans read in a run."""

    _train_spans: int | None = None

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """Finds the newest span and the fingerprint."""
        self._train_spans = train_spans_of(exec_properties)
        return super().resolve_exec_properties(exec_properties, pipeline_info, component_info)

    def get_input_processor(
        self,
        splits: Iterable[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None = None,
        input_base_uri: str | None = None,
    ) -> ContentProcessor:
        """Returns the processor for finding and fingerprinting the shards."""
        assert input_base_uri
        processor = ContentProcessor(input_base_uri, splits, range_config)
        processor.train_spans = self._train_spans
        return processor


def settings_of(exec_properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the component's own arguments, by name."""
    config = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY], config)
    settings = struct_pb2.Struct()
    config.custom_config.Unpack(settings)
    return cast(Mapping[str, Any], settings)


def train_spans_of(exec_properties: Mapping[str, Any]) -> int | None:
    """Returns the number of the newest spans to train on, from the arguments; None for all."""
    return int(settings_of(exec_properties)[TRAIN_SPANS_KEY]) or None
