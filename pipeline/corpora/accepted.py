"""Reads the lines of a corpus that the pipeline accepts, without TFX."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from components.parallel_text import LineLimits, Pair, parse_line, read_lines
from pipeline.corpora.folder import read_information
from pipeline.corpora.information import Split
from pipeline.corpora.spans import split_shards
from pipeline.errors import UserError


def accepted_pairs(folder: Path, split: Split, limits: LineLimits) -> Iterator[Pair]:
    """Yields the pairs of a split as ExampleGen takes them from the shards and the spans.

    Training text still has the sentences of other splits (`components.held_out_sentences`) and
    those that filters take out.

    Args:
        folder: folder with the shards and `corpus.json`.
        split: `train`, `validation` or `test`.
        limits: lines beyond them, or otherwise malformed, are left out.

    Raises:
        UserError: the folder holds no corpus, or a shard cannot be read.
    """
    features = read_information(folder).features
    max_bytes = limits.max_line_bytes(len(features))
    for shard in split_shards(folder, split):
        try:
            with _open(shard) as stream:
                for line in read_lines(stream, max_bytes):
                    pair = parse_line(line, limits, features)
                    if isinstance(pair, Pair):
                        yield pair
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(
                f"{shard} cannot be read ({error}); put a whole shard in its place, or make the "
                "corpus again with --force."
            ) from error


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
