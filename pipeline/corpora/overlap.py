"""Counts the pairs of other corpora that a corpus would train on."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.corpora.folder import read_split
from pipeline.corpora.information import SPLITS, Split
from pipeline.corpora.text import Row
from text.comparison import comparison_key


def count_overlaps(
    train: Sequence[Row], others: Iterable[tuple[str, Path]]
) -> dict[str, dict[Split, int]]:
    """Counts the pairs of other corpora, by split, that a training split has.

    Pairs are equal here if both sides differ in case, digits and punctuation at most.

    Args:
        train: the training split.
        others: the names and folders of other corpora in the same languages.

    Returns:
        Numbers of pairs by name and split, for the corpora that have some.
    """
    keys = {_key(row[0], row[1]) for row in train}
    overlaps: dict[str, dict[Split, int]] = {}
    for name, folder in others:
        counts = {
            split: sum(_key(*pair) in keys for pair in read_split(folder, split))
            for split in SPLITS
        }
        if any(counts.values()):
            overlaps[name] = counts
    return overlaps


def _key(source: str, target: str) -> int:
    return hash((comparison_key(source), comparison_key(target)))
