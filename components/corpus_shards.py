"""The shards of a corpus folder: found, opened, and fingerprinted by what they hold."""

import contextlib
import fnmatch
import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, cast

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.components.example_gen.input_processor import FileBasedInputProcessor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2, range_config_pb2

from components.parallel_text import SHARD_SUFFIXES, CorpusError


def find_shards(input_base: str, pattern: str) -> list[str]:
    """The shards of one split.

    The folder is listed and its names are matched, instead of globbing the whole path, because a
    folder may have `[` or `*` in its own name.

    Args:
        input_base: the corpus folder.
        pattern: of the file names, relative to the folder.

    Returns:
        Paths in order of their names. Files with another ending (`.part`, `~`) are no shards.
    """
    folder, name_pattern = os.path.split(os.path.join(input_base, pattern))
    if not fileio.isdir(folder):
        return []
    names = sorted(str(name).rstrip("/") for name in fileio.listdir(folder))
    return [
        os.path.join(folder, name)
        for name in names
        if fnmatch.fnmatchcase(name, name_pattern) and name.endswith(SHARD_SUFFIXES)
    ]


def require_shards(input_base: str, patterns: Mapping[str, str]) -> dict[str, list[str]]:
    """The shards of every split.

    Args:
        input_base: the corpus folder.
        patterns: of the file names, by split.

    Raises:
        CorpusError: the folder or a split is missing.
    """
    if not fileio.isdir(input_base):
        raise CorpusError(f"There is no corpus folder {input_base}; make it with nmt corpus.")
    shards = {split: find_shards(input_base, pattern) for split, pattern in patterns.items()}
    missing = [split for split, paths in shards.items() if not paths]
    if missing:
        wanted = ", ".join(f"{split}-*.tsv or {split}-*.tsv.gz" for split in missing)
        raise CorpusError(f"The corpus folder {input_base} has no {wanted}; add such a shard.")
    return shards


@contextlib.contextmanager
def open_shard(path: str) -> Iterator[BinaryIO]:
    """Opens a plain or gzip shard for reading bytes, on any of Beam's file systems."""
    # Not Beam's own decompression: it takes a gzip file that was cut short for a complete one.
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
        if path.endswith(".gz"):
            with gzip.GzipFile(fileobj=stream, mode="rb") as text:
                yield cast(BinaryIO, text)
        else:
            yield stream


class ContentProcessor(FileBasedInputProcessor):
    """Fingerprints shards by what they hold.

    The stock fingerprint is made of sizes and of times of change in whole seconds: the same corpus,
    made anew, would train the model again, and an edit within a second could be missed.
    """

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        """SHA-256 over names and contents of all shards, split by split."""
        digest = hashlib.sha256()
        for split in self._splits:
            pattern = self.get_pattern_for_span_version(split.pattern, span, version)
            for path in find_shards(self._input_base_uri, pattern):
                with fileio.open(path, "rb") as stream:
                    content = hashlib.sha256()
                    while block := stream.read(1 << 20):
                        content.update(block)
                name = os.path.basename(path)
                digest.update(f"{split.name}/{name} {content.hexdigest()}\n".encode())
        return f"sha256:{digest.hexdigest()}"


class ContentDriver(FileBasedDriver):
    """The stock driver, spans and versions included, with a fingerprint of the content."""

    def get_input_processor(
        self,
        splits: Iterable[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None = None,
        input_base_uri: str | None = None,
    ) -> ContentProcessor:
        """The processor that finds and fingerprints the shards."""
        assert input_base_uri
        return ContentProcessor(input_base_uri, splits, range_config)
