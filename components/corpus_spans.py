"""The spans of a corpus: folders `span-1`, `span-2`, ... with later shards, named as TFX does.

The shards in the corpus folder itself are older than every span. A run trains on all spans or on
the newest few. It validates and tests on all of them, so models stay comparable. This module does
not use TFX.
"""

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from components.parallel_text import CorpusError

TRAIN = "train"
_SPAN_NAME = re.compile(r"span-([0-9]{1,9})")

Part = TypeVar("Part")


def span_folders(names: Iterable[str]) -> dict[int, str]:
    """Finds the spans among the names in a corpus folder.

    Args:
        names: names of its entries; other names than spans' are ignored.

    Returns:
        Names by number, oldest first.

    Raises:
        CorpusError: two names have the same number.
    """
    found: dict[int, str] = {}
    for name in sorted(names):
        match = _SPAN_NAME.fullmatch(name)
        if match is None:
            continue
        number = int(match.group(1))
        if number in found:
            raise CorpusError(
                f"{found[number]} and {name} are the same span of the corpus; rename one of them."
            )
        found[number] = name
    return dict(sorted(found.items()))


def chosen(parts: Sequence[Part], split: str, train_spans: int | None) -> Sequence[Part]:
    """Chooses the parts of a split to read in a run.

    Args:
        parts: the shards of the split, one item per folder with shards, oldest first.
        split: name of the split.
        train_spans: number of the newest parts to train on; None for all.
    """
    return parts if train_spans is None or split != TRAIN else parts[-train_spans:]
