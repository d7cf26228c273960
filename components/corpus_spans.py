"""The spans of a corpus: folders `span-1`, `span-2`, ... with later shards, named as TFX does.

The shards in the corpus folder itself are older than every span. A run trains on all spans or on
the newest few. It validates and tests on all of them, so models stay comparable. This module does
not use TFX.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from components.parallel_text import SPLITS, CorpusError

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


def checksum_of_shards(texts: Mapping[str, str]) -> str:
    """Returns the checksum of a corpus without spans: SHA-256 over the text of all shards.

    Args:
        texts: the SHA-256 of each shard's uncompressed text, by file name.
    """
    digest = hashlib.sha256()
    for name, text in sorted(texts.items()):
        digest.update(f"{name.removesuffix('.gz')} {text}\n".encode())
    return digest.hexdigest()


def checksum_with_spans(texts: Mapping[str, str], used: Mapping[str, Mapping[str, str]]) -> str:
    """Returns the checksum of a corpus with the spans used by a run.

    Args:
        texts: the SHA-256 of the text of each shard in the corpus folder itself, by file name.
        used: the same for the shards used by the run, by split and by `shard_name`.
    """
    digest = hashlib.sha256(checksum_of_shards(texts).encode())
    for split in SPLITS:
        own = {name for name in texts if name.startswith(f"{split}-")}
        if own and not own & used[split].keys():
            digest.update(f"{split} of the spans alone\n".encode())
        in_spans = {name: text for name, text in used[split].items() if "/" in name}
        for name, text in sorted(in_spans.items(), key=lambda item: _span_order(item[0])):
            digest.update(f"{name.removesuffix('.gz')} {text}\n".encode())
    return digest.hexdigest()


def _span_order(shard: str) -> tuple[int, str]:
    """Orders the shards of spans by the span's number: span-10 comes after span-9."""
    span, _, name = shard.partition("/")
    return int(span.removeprefix("span-")), name
