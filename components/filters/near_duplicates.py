"""Finds near-duplicates: pairs whose sides both differ in case, digits and punctuation at most."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from text.comparison import comparison_key, text_hash


def pair_hash(source: str, target: str) -> int:
    """Returns 64 bits that near-duplicates share."""
    return text_hash(f"{comparison_key(source)}\t{comparison_key(target)}")


@dataclass
class ShardHashes:
    """The hashes of the pairs of a shard, in the order of its lines.

    Attributes:
        place: the place of the shard in the order of the corpus.
        path: the shard.
        lines: number of each pair's line, uint64 [pairs].
        hashes: `pair_hash` of each pair, uint64 [pairs].
    """

    place: int
    path: str
    lines: "array[int]" = field(default_factory=lambda: array("Q"))
    hashes: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, line: int, source: str, target: str) -> None:
        """Adds a pair."""
        self.lines.append(line)
        self.hashes.append(pair_hash(source, target))


def near_duplicates(shards: Iterable[ShardHashes]) -> dict[str, frozenset[int]]:
    """Returns the lines that repeat an earlier pair of the corpus, by shard.

    Args:
        shards: the hashes of all shards, in any order. Memory is 16 bytes a pair.
    """
    found: dict[str, frozenset[int]] = {}
    ordered = sorted(shards, key=lambda shard: shard.place)
    hashes = np.concatenate(
        [np.array(shard.hashes, np.uint64) for shard in ordered] or [np.zeros(0, np.uint64)]
    )
    is_repeated = np.ones(len(hashes), bool)
    is_repeated[np.unique(hashes, return_index=True)[1]] = False
    start = 0
    for shard in ordered:
        end = start + len(shard.hashes)
        lines = np.array(shard.lines, np.uint64)[is_repeated[start:end]]
        if len(lines):
            found[shard.path] = frozenset(lines.tolist())
        start = end
    return found
