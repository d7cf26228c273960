"""Reads Transform's examples as pairs, with the ids in a memory-mapped file.

Only the position and the length of each sentence are in memory, 24 bytes a pair. The ids are mapped
from a temporary file, and the operating system keeps as much of it in memory as possible. So the
batches do not depend on the size of the memory, and a resumed training gets the same ones.
"""

import tempfile
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from trainer.batching import Pairs, Sequences
from trainer.pair_weights import Weights, weights_of


def read_pairs(
    batches: Iterable[pa.RecordBatch], weights: Weights | None = None
) -> tuple[Pairs, np.ndarray]:
    """Reads examples and sorts them, so their order does not depend on Beam's files.

    Args:
      batches: columns `source_ids` and `target_ids`, lists of int64; a null is an empty text. And
        the features with weights.
      weights: see `trainer.pair_weights`; by default none.

    Returns:
      The pairs, sorted by the bytes of the source's ids, then of the target's, then by weight. The
      file of the ids is in the folder of temporary files (TMPDIR) and is deleted together with the
      pairs. And the weight of each pair, float64 [pairs].

    Raises:
      OSError: the disk is full.
      ValueError: no example has a value with a weight.
    """
    starts: dict[str, list[np.ndarray]] = {side: [] for side in Pairs._fields}
    lengths: dict[str, list[np.ndarray]] = {side: [] for side in Pairs._fields}
    weights = weights or {}
    found, unused = [np.zeros(0)], {*weights}
    written = 0
    with tempfile.TemporaryFile() as file:
        for batch in batches:
            of_batch, used = weights_of(batch, weights)
            found.append(of_batch)
            unused -= used
            for side in Pairs._fields:
                column = batch.column(batch.schema.get_field_index(f"{side}_ids"))
                values = np.asarray(column.flatten()).astype(np.int32)
                of_rows = np.asarray(column.value_lengths().fill_null(0), np.int32)
                ends = written + np.cumsum(of_rows, dtype=np.int64)
                starts[side].append(ends - of_rows)
                lengths[side].append(of_rows)
                file.write(values.data)
                written += len(values)
        file.flush()
        # An empty file cannot be mapped.
        values = np.asarray(np.memmap(file, np.int32, "r")) if written else np.zeros(0, np.int32)
    pairs = Pairs(
        *(
            Sequences(
                values,
                np.concatenate([*lengths[side], np.zeros(0, np.int32)]),
                np.concatenate([*starts[side], np.zeros(0, np.int64)]),
            )
            for side in Pairs._fields
        )
    )
    if unused:
        raise ValueError(f"No training pair has {min(unused)}: correct data.weights.")
    of_pairs = np.concatenate(found)
    by_weight = np.argsort(of_pairs, kind="stable")
    order = by_weight[sorted_order(Pairs(*(side.take(by_weight) for side in pairs)))]
    return Pairs(*(side.take(order) for side in pairs)), of_pairs[order]


def sorted_order(pairs: Pairs) -> np.ndarray:
    """Sorts pairs by the bytes of their ids (int32, little-endian), as Python sorts byte strings.

    Each pass compares one position, and only of rows equal so far. So the time grows with the
    number of pairs and the length of their equal parts.

    Args:
      pairs: pairs to sort.

    Returns:
      Their indices, int64 [pairs].
    """
    order = np.arange(len(pairs.source))
    tied = order.copy()  # places in `order` of rows equal so far to another row
    groups = np.zeros_like(tied)  # for each of them, the place of the first row equal to it
    for side in pairs:
        whole = []  # tied rows with nothing left on this side
        for position in range(int(side.lengths.max(initial=0)) + 1):
            # A row already ended comes before longer ones.
            keys = groups << 33 | side.sort_keys(order[tied], position)
            by_key = np.argsort(keys, kind="stable")
            order[tied], keys = order[tied][by_key], keys[by_key]
            is_first = np.append(True, keys[1:] != keys[:-1])
            groups = np.maximum.accumulate(np.where(is_first, tied, 0))
            is_tied = ~(is_first & np.append(is_first[1:], True))
            has_ended = keys & (2**33 - 1) == 0
            whole.append((tied[is_tied & has_ended], groups[is_tied & has_ended]))
            tied, groups = tied[is_tied & ~has_ended], groups[is_tied & ~has_ended]
            if not len(tied):
                break
        tied, groups = (np.concatenate(each) for each in zip(*whole, strict=True))
        by_place = np.argsort(tied)
        tied, groups = tied[by_place], groups[by_place]
    return order
