"""Groups texts of similar length into batches and restores the order of their results."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def batches_by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Groups texts of similar length, for the least padding.

    Args:
      lengths: the length of each text, in any unit.
      batch_size: the largest batch.

    Returns:
      Positions in `lengths`, each in one batch, shortest text first.
    """
    order = sorted(range(len(lengths)), key=lambda position: lengths[position])
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def in_order(batches: Iterable[Sequence[int]], results: Iterable[Sequence[Result]]) -> list[Result]:
    """Returns the results of batches in the order of their texts.

    Args:
      batches: the positions of each batch; together they are 0 to the number of texts less 1.
      results: the results of each batch, one per position.
    """
    placed: dict[int, Result] = {}
    for batch, batch_results in zip(batches, results, strict=True):
        placed.update(zip(batch, batch_results, strict=True))
    return [placed[position] for position in range(len(placed))]


def windows(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yields lists of `size` consecutive items, the last maybe shorter, without reading ahead."""
    iterator = iter(items)
    while window := list(itertools.islice(iterator, size)):
        yield window
