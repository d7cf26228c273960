"""Reads the spans of a corpus: text added later, in folders `span-1`, `span-2`, ... in it."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.corpus_spans import TRAIN, checksum_with_spans, chosen, span_folders
from components.parallel_text import SHARD_SUFFIXES
from pipeline.corpora.information import SPLITS, CorpusInfo, Split
from pipeline.errors import UserError


@dataclass(frozen=True)
class Spans:
    """The spans of a corpus used by a run."""

    pairs: int
    """Number of lines in their training shards."""
    numbers: tuple[int, ...]
    """The numbers of all spans, including those not used for training."""
    checksum: str
    """The checksum of the corpus with its spans; without spans, the checksum of `corpus.json`."""


@dataclass(frozen=True)
class NumberedPair:
    """A pair of a corpus, and its place."""

    shard: str
    """Path of the shard in the corpus folder."""
    line: int
    """Number of the line in it, from 1."""
    source: str
    target: str


def read_numbered(folder: Path, split: Split) -> Iterator[NumberedPair]:
    """Yields the pairs of a split, and then those of its spans.

    Raises:
        UserError: a shard cannot be read.
    """
    spans = span_folders(path.name for path in folder.iterdir() if path.is_dir())
    for part in ("", *spans.values()):
        for path in _shards(folder / part, split):
            shard = path.relative_to(folder).as_posix()
            lines = _text(path).decode("utf-8", errors="replace").split("\n")
            for number, line in enumerate(lines, start=1):
                source, tab, rest = line.partition("\t")
                if tab:  # the Trainer rejects other lines, too
                    yield NumberedPair(shard, number, source, rest.partition("\t")[0])


def read_spans(corpus: CorpusInfo, folder: Path, train_spans: int | None) -> Spans:
    """Reads the spans of a corpus.

    Args:
        corpus: the contents of `corpus.json`.
        folder: the folder of the corpus.
        train_spans: number of newest spans to train on; None for all.

    Raises:
        UserError: a shard cannot be read.
        CorpusError: two folders have the same span number.
    """
    spans = _span_folders(folder)
    pairs = 0
    used: dict[str, dict[str, str]] = {}
    for split in SPLITS:
        parts = [_shards(folder / name, split) for name in ("", *spans.values())]
        texts: dict[str, str] = {}
        for shards in chosen([part for part in parts if part], split, train_spans):
            for path in shards:
                if path.parent == folder:
                    texts[path.name] = corpus.shards[path.name].sha256
                    continue
                text = _text(path)
                pairs += text.count(b"\n") if split == TRAIN else 0
                name = path.relative_to(folder).as_posix()
                texts[name] = hashlib.sha256(text).hexdigest()
        used[split] = texts
    texts = {name: shard.sha256 for name, shard in corpus.shards.items()}
    checksum = checksum_with_spans(texts, used) if spans else corpus.checksum
    return Spans(pairs, tuple(spans), checksum)


def has_spans(folder: Path) -> bool:
    """Whether a corpus has spans."""
    return folder.is_dir() and bool(span_folders(path.name for path in folder.iterdir()))


def span_numbers(folder: Path) -> list[int]:
    """Returns the numbers of the spans, the oldest first.

    Raises:
        CorpusError: two folders have the same span number.
    """
    return list(_span_folders(folder))


def split_shards(folder: Path, split: Split) -> list[Path]:
    """Finds the shards of a split, with those of the spans, oldest first.

    Raises:
        CorpusError: two folders have the same span number.
    """
    folders = ("", *_span_folders(folder).values())
    return [shard for name in folders for shard in _shards(folder / name, split)]


def _span_folders(folder: Path) -> dict[int, str]:
    return span_folders(path.name for path in folder.iterdir() if path.is_dir())


def _shards(folder: Path, split: str) -> list[Path]:
    return sorted(path for path in folder.glob(f"{split}-*") if path.name.endswith(SHARD_SUFFIXES))


def _text(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(
            f"{path} cannot be read ({error}); put a whole shard in its place, or remove it."
        ) from error
