"""Assigns sentence pairs to splits by hash, the same on every machine, and without leaks.

A model scores too well if it has seen a test sentence, or a sentence with only another number. Two
functions prevent this. `split_by_size` puts a group into an evaluation split only if the group
shares no text with any other group. `drop_leaks` is for groups with common boilerplate, such as
the packages of a distribution: each group's split is fixed, and leaking pairs are dropped.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.corpora.information import SPLITS, Split
from pipeline.corpora.text import Row, comparison_key
from text.sentences import Pair


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
    rows: Sequence[Row], *, validation: int, test: int
) -> tuple[dict[Split, list[Row]], dict[str, int]]:
    """Splits pairs without near-duplicates of either side in different splits.

    Pairs with the same source, except for case, digits and punctuation, form a group. Groups are
    taken in the order of their hash, for validation and then for test, until there are enough
    pairs. A group with a translation also found in another group stays in train. Of equal pairs the
    first one is kept, with its features.

    Args:
        rows: the corpus; the splits keep its order.
        validation: wanted number of validation pairs.
        test: wanted number of test pairs.

    Returns:
        The splits, and the number of dropped pairs by reason.
    """
    distinct: dict[tuple[str, ...], Row] = {}
    for row in rows:
        distinct.setdefault(row[:2], row)
    source_keys: list[str] = []
    first_source: dict[str, str] = {}
    shared: set[str] = set()
    for row in distinct.values():
        source_key, target_key = comparison_key(row[0]), comparison_key(row[1])
        source_keys.append(source_key)
        first = first_source.setdefault(target_key, source_key)
        if first != source_key:
            shared |= {first, source_key}
    first_source.clear()  # large, and the splits are made below
    sizes = Counter(source_keys)
    eligible = sorted(sizes.keys() - shared, key=lambda key: (hash_fraction(key), key))
    chosen: dict[str, Split] = {}
    remaining = iter(eligible)
    sought: tuple[tuple[Split, int], ...] = (("validation", validation), ("test", test))
    for split, missing in sought:
        while missing > 0 and (key := next(remaining, None)) is not None:
            chosen[key] = split
            missing -= sizes[key]
    splits: dict[Split, list[Row]] = {split: [] for split in SPLITS}
    for row, source_key in zip(distinct.values(), source_keys, strict=True):
        splits[chosen.get(source_key, "train")].append(row)
    duplicates = len(rows) - len(distinct)
    return splits, {"duplicate": duplicates} if duplicates else {}


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
