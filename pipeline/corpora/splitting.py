"""Assigns sentence pairs to splits by hash, the same on every machine, and without leaks.

A model scores too well if it has seen a test sentence, or a sentence with only another number. Two
functions prevent this. `split_by_size` puts a group into an evaluation split only if the group
shares no text with any other group. `drop_leaks` is for groups with common boilerplate, such as
the packages of a distribution: each group's split is fixed, and leaking pairs are dropped.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.corpora.information import SPLITS, Split
from pipeline.corpora.rows import PackedRows
from pipeline.corpora.text import Row
from text.comparison import comparison_key, text_hash
from text.sentences import Pair

_PAIR, _SOURCE, _TARGET = range(3)
"""The columns of `_keys`."""
MOST_TIMES_WANTED = 1.2


def hash_fraction(key: str) -> float:
    """Returns a pseudo-random number in [0, 1), determined by `key` alone."""
    return int.from_bytes(hashlib.sha256(key.encode("utf-8")).digest()[:6], "big") / 2**48


def split_of(key: str, *, validation: float, test: float) -> Split:
    """Returns the split of a group, given the shares of the evaluation splits."""
    fraction = hash_fraction(key)
    if fraction < validation:
        return "validation"
    return "test" if fraction < validation + test else "train"


def split_by_size(
    rows: Sequence[Row],
    wanted: Mapping[Split, int],
    given: Mapping[Split, Sequence[Row]] | None = None,
) -> tuple[dict[Split, Sequence[Row]], dict[str, int]]:
    """Splits pairs without near-duplicates of either side in different splits.

    Pairs with the same source, except for case, digits and punctuation, form a group. Groups are
    taken in the order of their hash, for validation and then for test, until there are enough
    pairs. A group larger than the room left stays in train, and so does one with a translation also
    found in another group. Of equal pairs the first one is kept, with its features. Memory is 24
    bytes a pair beside the rows, and time is that of sorting them.

    Args:
        rows: the corpus; the splits keep its order.
        wanted: number of pairs by evaluation split. A split gets at most 1.2 times as many.
        given: splits to return as they are. Near-duplicates of their pairs are dropped from `rows`.

    Returns:
        The splits, and the number of dropped pairs by reason.
    """
    splits: dict[Split, Sequence[Row]] = dict(given or {})
    dropped: dict[str, int] = {}
    keys = _keys(rows)
    kept = np.zeros(len(rows), bool)
    kept[np.unique(keys[:, _PAIR], return_index=True)[1]] = True
    if duplicates := len(rows) - int(kept.sum()):
        dropped["duplicate"] = duplicates
    for split, content in splits.items():
        given_keys = _keys(content)
        found = kept & (
            np.isin(keys[:, _SOURCE], given_keys[:, _SOURCE])
            | np.isin(keys[:, _TARGET], given_keys[:, _TARGET])
        )
        if found.any():
            dropped[f"found in {split}"] = int(found.sum())
        kept &= ~found
    indices = np.flatnonzero(kept)
    chosen = _choose(keys[indices], wanted)
    for split in SPLITS:
        if split not in splits:
            splits[split] = _take(rows, indices[chosen == SPLITS.index(split)])
    return {split: splits[split] for split in SPLITS}, dropped


def _choose(keys: np.ndarray, wanted: Mapping[Split, int]) -> np.ndarray:
    """Returns the split of each pair as its place in `SPLITS`, `[pairs]`, given `_keys`."""
    chosen = np.full(len(keys), SPLITS.index("train"), np.int8)
    if not len(keys):
        return chosen
    groups, sizes = np.unique(keys[:, _SOURCE], return_counts=True)  # in the order of their hash
    order = np.lexsort((keys[:, _SOURCE], keys[:, _TARGET]))
    sources, targets = keys[order, _SOURCE], keys[order, _TARGET]
    starts = np.flatnonzero(np.r_[True, targets[1:] != targets[:-1]])
    is_other = np.r_[False, (targets[1:] == targets[:-1]) & (sources[1:] != sources[:-1])]
    counts = np.diff(np.r_[starts, len(targets)])
    has_others = np.repeat(np.logical_or.reduceat(is_other, starts), counts)
    eligible = ~np.isin(groups, sources[has_others])
    candidates = zip(groups[eligible].tolist(), sizes[eligible].tolist(), strict=True)
    for split, count in wanted.items():
        taken: list[int] = []
        missing, room = count, int(count * MOST_TIMES_WANTED)
        for group, size in candidates if missing > 0 else ():
            if size <= room:
                taken.append(group)
                missing, room = missing - size, room - size
                if missing <= 0:
                    break
        chosen[np.isin(keys[:, _SOURCE], np.array(taken, np.uint64))] = SPLITS.index(split)
    return chosen


def _keys(rows: Sequence[Row]) -> np.ndarray:
    """Returns hashes of the pair, of its source and of its target, uint64 `[rows, 3]`.

    Equal sources, or targets, except for case, digits and punctuation, have the same hash.
    """
    keys = array("Q")
    for source, target, *_ in rows:
        texts = (f"{source}\t{target}", comparison_key(source), comparison_key(target))
        keys.extend(map(text_hash, texts))
    return np.array(keys, np.uint64).reshape(-1, 3)


def _take(rows: Sequence[Row], indices: np.ndarray) -> Sequence[Row]:
    if isinstance(rows, PackedRows):
        return rows.take(indices.tolist())
    return [rows[index] for index in indices.tolist()]


@dataclass(frozen=True)
class KeyedPair:
    """A pair, and the keys to compare each side with other pairs."""

    pair: Pair
    source_keys: frozenset[str]
    target_keys: frozenset[str]


def drop_leaks(
    splits: Mapping[Split, Sequence[KeyedPair]],
) -> tuple[dict[Split, list[Pair]], dict[str, int]]:
    """Drops near-duplicates of the same or an earlier split from validation and test.

    Train keeps every distinct pair; the evaluation splits keep one pair for each key on each side.

    Returns:
        The splits in the given order of pairs, and the number of dropped pairs by reason.
    """
    dropped = Counter[str]()
    kept: dict[Split, list[Pair]] = {split: [] for split in SPLITS}
    seen_pairs: set[Pair] = set()
    seen_sources: dict[str, Split] = {}
    seen_targets: dict[str, Split] = {}
    for split in SPLITS:
        for keyed in splits.get(split, ()):
            if keyed.pair in seen_pairs:
                dropped["duplicate"] += 1
                continue
            earlier = {seen_sources[key] for key in keyed.source_keys & seen_sources.keys()}
            earlier |= {seen_targets[key] for key in keyed.target_keys & seen_targets.keys()}
            if split != "train" and earlier:
                nearest = next(known for known in SPLITS if known in earlier)
                dropped[f"near-duplicate in {split} of {nearest}"] += 1
                continue
            seen_pairs.add(keyed.pair)
            for key in keyed.source_keys:
                seen_sources.setdefault(key, split)
            for key in keyed.target_keys:
                seen_targets.setdefault(key, split)
            kept[split].append(keyed.pair)
    return kept, dict(dropped)
