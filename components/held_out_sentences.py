"""Keeps validation and test sentences out of the training text of a corpus with spans.

A corpus is split without overlap when it is made. A span is added later, by hand: its test set may
hold sentences of earlier training text, or its training text sentences of an earlier test set.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence

from components.corpus_shards import open_shard, shard_name
from components.corpus_spans import TRAIN
from components.parallel_text import read_lines
from text.comparison import comparison_key, text_hash

HeldOut = tuple[frozenset[int], frozenset[int]]
"""Hashes of the held-out sources, and of the held-out targets."""
NOTHING_HELD_OUT: HeldOut = (frozenset(), frozenset())


def held_out_sentences(shards: Mapping[str, Sequence[str]], max_bytes: int) -> HeldOut:
    """Reads the sentences of validation and test if a shard is in a span.

    Args:
        shards: paths of the shards by split.
        max_bytes: largest length of a line.

    Returns:
        The hashes of both sides. Shards that cannot be read, and malformed lines, are left out: the
        ingestion reports them.
    """
    if not any("/" in shard_name(path) for paths in shards.values() for path in paths):
        return NOTHING_HELD_OUT
    sources, targets = set[int](), set[int]()
    for path in (path for split, paths in shards.items() if split != TRAIN for path in paths):
        for line in _lines(path, max_bytes):
            source, _, rest = line.partition(b"\t")
            target = rest.partition(b"\t")[0]
            if source.strip() and target.strip():
                sources.add(_key(source))
                targets.add(_key(target))
    return frozenset(sources), frozenset(targets)


def is_held_out(source: bytes, target: bytes, held_out: HeldOut) -> bool:
    """Returns whether a side of a pair is held out, except for case, digits and punctuation."""
    return _key(source) in held_out[0] or _key(target) in held_out[1]


def _key(text: bytes) -> int:
    return text_hash(comparison_key(text.decode("utf-8", "replace")))


def _lines(path: str, max_bytes: int) -> Iterable[bytes]:
    try:
        with open_shard(path) as stream:
            yield from read_lines(stream, max_bytes)
    except (OSError, EOFError, zlib.error):
        return
