"""Many texts as batches: those of similar length together, and their results in order again."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def batches_by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Groups texts of similar length, which wastes least on padding.

    Args:
      lengths: of each text, in any unit.
      batch_size: the most that go together.

    Returns:
      Positions in `lengths`, each in one batch, shortest first.
    """
    order = sorted(range(len(lengths)), key=lambda position: lengths[position])
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def in_order(batches: Iterable[Sequence[int]], results: Iterable[Sequence[Result]]) -> list[Result]:
    """Puts the results of batches where their texts stood.

    Args:
      batches: the positions of each batch, all together 0 to their number less 1.
      results: of each batch, one per position.
    """
    placed: dict[int, Result] = {}
    for batch, batch_results in zip(batches, results, strict=True):
        placed.update(zip(batch, batch_results, strict=True))
    return [placed[position] for position in range(len(placed))]


def windows(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yields neighbours together, `size` at a time and the rest, and reads no further ahead."""
    iterator = iter(items)
    while window := list(itertools.islice(iterator, size)):
        yield window
