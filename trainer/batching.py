"""Batches of sentences of similar length: padding costs as much as words do.

The order of an epoch follows from the seed and the epoch's number alone, so a resumed run sees the
same batches. It is made of the lengths; the ids of a batch are read when it is padded, from a flat
array of int32 that may lie in a file (`trainer.reading`).
"""

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from trainer.subwords import END, PAD

SORTED_TOGETHER = 50
"""Batches whose sentences are sorted together: enough for even lengths, few enough for random
neighbours."""

PADDED_AHEAD = 4
"""Batches that a thread pads while others are trained on."""


class Part(NamedTuple):
    """Rows of a batch that one device computes at once."""

    source_ids: np.ndarray
    """int32 [rows, longest], with end symbols, padded with 0."""
    target_ids: np.ndarray
    """int32 [rows, longest], likewise."""
    share: np.float32
    """Share of the batch's target tokens that this part has, 0 to 1."""


Batch = list[Part]
"""What one update of the weights is made of."""


class Sequences:
    """Many sequences of ids of different lengths in one flat array, which several may share."""

    def __init__(self, values: np.ndarray, lengths: np.ndarray, starts: np.ndarray | None = None):
        """Takes ids, the length of each sequence, and where it starts, which is where the one
        before ends if nothing else is said."""
        self._values = values.astype(np.int32, copy=False)
        self._starts = np.cumsum(lengths, dtype=np.int64) - lengths if starts is None else starts
        self.lengths = lengths.astype(np.int32, copy=False)

    @classmethod
    def of(cls, rows: list[np.ndarray]) -> "Sequences":
        """Joins arrays of ids."""
        return cls(
            np.concatenate(rows or [np.zeros(0, np.int32)]),
            np.array([len(row) for row in rows], np.int32),
        )

    def take(self, indices: np.ndarray) -> "Sequences":
        """Returns some sequences, in the order of the indices, without copying their ids."""
        return Sequences(self._values, self.lengths[indices], self._starts[indices])

    def followed_by(self, others: "Sequences") -> "Sequences":
        """Returns these sequences and others behind them; ids are copied unless both share them."""
        starts, values = others._starts, self._values
        if others._values is not values:
            starts, values = starts + len(values), np.concatenate([values, others._values])
        return Sequences(
            values,
            np.concatenate([self.lengths, others.lengths]),
            np.concatenate([self._starts, starts]),
        )

    def sort_keys(self, indices: np.ndarray, position: int) -> np.ndarray:
        """Returns numbers that are in the order of the little-endian bytes of the ids at a
        position, int64 [len(indices)] below 2^33; 0 for a sequence that has ended."""
        keys = np.zeros(len(indices), np.int64)
        goes_on = self.lengths[indices] > position
        ids = self._values[self._starts[indices[goes_on]] + position]
        keys[goes_on] = ids.astype("<i4").view(">u4").astype(np.int64) + 1
        return keys

    def update(self, digest: "hashlib._Hash") -> None:
        """Feeds all lengths and ids to a digest."""
        digest.update(self.lengths.tobytes())
        for index in range(len(self)):
            digest.update(self[index].tobytes())

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> np.ndarray:
        """Returns sequence `index`, int32 [its length]."""
        start = self._starts[index]
        return self._values[start : start + self.lengths[index]]

    def padded(self, indices: np.ndarray) -> np.ndarray:
        """Returns some sequences with their end symbols, int32 [len(indices), longest + 1], padded
        with 0."""
        table = np.full(
            (len(indices), int(self.lengths[indices].max(initial=0)) + 1), PAD, np.int32
        )
        for row, index in enumerate(indices):
            length = self.lengths[index]
            table[row, :length] = self[index]
            table[row, length] = END
        return table


class Pairs(NamedTuple):
    """Parallel text: source i belongs to target i."""

    source: Sequences
    target: Sequences

    def up_to(self, max_tokens: int) -> np.ndarray:
        """Returns the indices of the pairs with at most so many subwords on either side, and at
        least one on both."""
        lengths = self.source.lengths, self.target.lengths
        return np.flatnonzero((np.maximum(*lengths) <= max_tokens) & (np.minimum(*lengths) > 0))

    def with_copies(self, share: float, seed: int) -> "Pairs":
        """Adds some targets as translations of themselves, so that a model learns to carry over
        what needs no translation (Currey, Miceli Barone and Heafield, 2017).

        Args:
          share: of the targets, 0 to 1.
          seed: of the choice.

        Returns:
          These pairs, and behind them the copies.
        """
        rows = len(self.target)
        copied = np.random.default_rng([seed, rows]).choice(
            rows, round(share * rows), replace=False
        )
        copies = self.target.take(copied)
        return Pairs(*(side.followed_by(copies) for side in self))


def cut_by_tokens(
    lengths: np.ndarray, order: np.ndarray, tokens_per_batch: int
) -> list[np.ndarray]:
    """Cuts an order of sentences into batches whose padded size stays within a budget.

    Args:
      lengths: of each sentence, int [sentences].
      order: indices, shorter sentences first.
      tokens_per_batch: most rows times longest length of a batch; a longer sentence is a batch by
        itself.

    Returns:
      Arrays of indices.
    """
    batches, first = [], 0
    for position in range(len(order)):
        rows = position - first + 1
        if rows > 1 and rows * int(lengths[order[position]]) > tokens_per_batch:
            batches.append(order[first:position])
            first = position
    if first < len(order):
        batches.append(order[first:])
    return batches


def epoch_batches(
    pairs: Pairs,
    indices: np.ndarray,
    tokens_per_batch: int,
    seed: int,
    epoch: int,
    *,
    first: int = 0,
    parts: int = 1,
    own: slice = slice(None),
) -> Iterator[Batch]:
    """Yields one epoch's batches, each sentence once, in an order that follows from the seed and
    the epoch. A thread pads them in advance.

    Args:
      pairs: the training split.
      indices: which pairs of it to use.
      tokens_per_batch: of all parts together; see `cut_by_tokens`.
      seed: of the order.
      epoch: its number.
      first: the batch to begin with, where an epoch goes on.
      parts: how many parts each batch is cut into, of as many rows each as possible.
      own: which of the parts to yield, where other processes train on the others.

    Yields:
      The parts. Where a batch has fewer rows than parts, some repeat a row with a share of 0.
    """

    def target_tokens(rows: np.ndarray) -> int:
        return int(pairs.target.lengths[rows].sum()) + len(rows)

    def padded(batch: np.ndarray) -> Batch:
        of_batch = target_tokens(batch)
        cut = []
        for rows in np.array_split(batch, parts)[own]:
            share = np.float32(target_tokens(rows) / of_batch)
            rows = rows if len(rows) else batch[:1]
            cut.append(Part(pairs.source.padded(rows), pairs.target.padded(rows), share))
        return cut

    ahead: deque[Future[Batch]] = deque()
    with ThreadPoolExecutor(max_workers=1) as thread:
        for batch in epoch_order(pairs, indices, tokens_per_batch, seed, epoch)[first:]:
            ahead.append(thread.submit(padded, batch))
            if len(ahead) > PADDED_AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def epoch_order(
    pairs: Pairs, indices: np.ndarray, tokens_per_batch: int, seed: int, epoch: int
) -> list[np.ndarray]:
    """Returns the indices of each batch of one epoch."""
    rng = np.random.default_rng([seed, epoch])
    longest = np.maximum(pairs.source.lengths, pairs.target.lengths) + 1
    shuffled = rng.permutation(indices)
    window = max(1, SORTED_TOGETHER * tokens_per_batch // max(1, int(longest[indices].mean())))
    batches: list[np.ndarray] = []
    for start in range(0, len(shuffled), window):
        part = shuffled[start : start + window]
        order = part[
            np.lexsort((pairs.source.lengths[part], pairs.target.lengths[part], longest[part]))
        ]
        batches += cut_by_tokens(longest, order, tokens_per_batch)
    return [batches[i] for i in rng.permutation(len(batches))]
