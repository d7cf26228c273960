"""The spans of a corpus: folders `span-1`, `span-2`, ... in the corpus folder, as TFX spells them,
with shards that came later.

The shards of the folder itself are older than every span. A run trains on all of them or on the
newest few; it validates and tests on all there are, so that models stay comparable. Free of TFX.
"""

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from components.parallel_text import CorpusError

TRAIN = "train"
_SPAN_NAME = re.compile(r"span-([0-9]{1,9})")

Part = TypeVar("Part")


def span_folders(names: Iterable[str]) -> dict[int, str]:
    """The spans among the names in a corpus folder.

    Args:
        names: of its entries; those of another form are no spans.

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
    """What a run reads of a split.

    Args:
        parts: the shards of the split, one item for each folder that has any, oldest first.
        split: its name.
        train_spans: how many of the newest to train on; None for all.
    """
    return parts if train_spans is None or split != TRAIN else parts[-train_spans:]
