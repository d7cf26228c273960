"""Batches of sentences of similar length, since padding costs as much computation as words.

The order of an epoch depends only on the sentence lengths, the seed and the epoch's number, so a
resumed run gets the same batches. The ids of a batch are read at padding time, from a flat array of
int32, in memory or in a file (`trainer.reading`).
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from trainer.subwords import END, PAD

SORTED_TOGETHER = 50
"""Number of batches in one sorted group of sentences: enough for even lengths, few enough for
random neighbours."""

PADDED_AHEAD = 4
"""Number of batches padded in advance by a thread during training."""


class Part(NamedTuple):
    """The rows of a batch for one device."""

    source_ids: np.ndarray
    """int32 [rows, longest], with end symbols, padded with 0."""
    target_ids: np.ndarray
    """int32 [rows, longest], likewise."""
    share: np.float32
    """This part's share of the batch's target tokens, 0 to 1."""
    links: "np.ndarray | tuple[()]" = ()
    """The source position of each target position, or -1 for none, int32 [rows, longest], if the
    training needs them."""


Batch = list[Part]
"""The parts for one update of the weights."""


Sides = tuple[np.ndarray, np.ndarray]
"""The ids of a source and of its target, int32, without end symbols."""
Change = Callable[[Sequence[Sides], np.random.Generator], list[Sides]]
"""Changes the pairs of a batch at random, which may make them some subwords longer."""
Align = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Links padded source and target ids, [rows, source] and [rows, target]; see `Part.links`."""


class Sequences:
    """Sequences of ids of different lengths in a flat array, which several objects may share."""

    def __init__(self, values: np.ndarray, lengths: np.ndarray, starts: np.ndarray | None = None):
        """Makes sequences from a flat array.

        Args:
          values: ids of all sequences.
          lengths: length of each sequence.
          starts: start of each sequence; by default the end of the one before.
        """
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
        """Returns these sequences followed by others; copies the ids unless both share an array."""
        starts, values = others._starts, self._values
        if others._values is not values:
            starts, values = starts + len(values), np.concatenate([values, others._values])
        return Sequences(
            values,
            np.concatenate([self.lengths, others.lengths]),
            np.concatenate([self._starts, starts]),
        )

    def sort_keys(self, indices: np.ndarray, position: int) -> np.ndarray:
        """Returns sort keys for the ids at a position, ordered like their little-endian bytes.

        Returns:
          int64 [len(indices)], below 2^33; 0 for a sequence already ended.
        """
        keys = np.zeros(len(indices), np.int64)
        goes_on = self.lengths[indices] > position
        ids = self._values[self._starts[indices[goes_on]] + position]
        keys[goes_on] = ids.astype("<i4").view(">u4").astype(np.int64) + 1
        return keys

    def update(self, digest: "hashlib._Hash") -> None:
        """Updates a digest with all lengths and ids."""
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
        """Returns some sequences with end symbols, padded with 0.

        Returns:
          int32 [len(indices), longest + 1].
        """
        return pad([self[index] for index in indices])


def pad(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Returns sequences with end symbols, padded with 0, int32 [rows, longest + 1]."""
    table = np.full((len(rows), max(map(len, rows), default=0) + 1), PAD, np.int32)
    for row, ids in zip(table, rows, strict=True):
        row[: len(ids)] = ids
        row[len(ids)] = END
    return table


class Pairs(NamedTuple):
    """Parallel text: source i and target i are translations of each other."""

    source: Sequences
    target: Sequences

    def up_to(self, max_tokens: int) -> np.ndarray:
        """Returns the indices of the pairs with 1 to `max_tokens` subwords on both sides."""
        lengths = self.source.lengths, self.target.lengths
        return np.flatnonzero((np.maximum(*lengths) <= max_tokens) & (np.minimum(*lengths) > 0))

    def with_copies(self, share: float, seed: int) -> "Pairs":
        """Adds some targets as translations of themselves.

        With these a model learns to copy text without translation (Currey, Miceli Barone and
        Heafield, 2017).

        Args:
          share: share of the targets to add, 0 to 1.
          seed: seed of the choice.

        Returns:
          These pairs, followed by the copies.
        """
        copies = self.target.take(self.copied(share, seed))
        return Pairs(*(side.followed_by(copies) for side in self))

    def copied(self, share: float, seed: int) -> np.ndarray:
        """Returns the indices of the targets that `with_copies` adds, in its order."""
        rows = len(self.target)
        return np.random.default_rng([seed, rows]).choice(rows, round(share * rows), replace=False)


def cut_by_tokens(
    lengths: np.ndarray, order: np.ndarray, tokens_per_batch: int
) -> list[np.ndarray]:
    """Cuts an order of sentences into batches of limited padded size.

    Args:
      lengths: length of each sentence, int [sentences].
      order: indices, shorter sentences first.
      tokens_per_batch: limit of a batch's rows times its longest length; a longer sentence forms
        its own batch.

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
    changes: Sequence[Change] = (),
    align: Align | None = None,
) -> Iterator[Batch]:
    """Yields one epoch's batches, each sentence once, in an order set by the seed and the epoch.

    A thread pads the batches in advance.

    Args:
      pairs: the training split.
      indices: the pairs to use.
      tokens_per_batch: limit of all parts together; see `cut_by_tokens`.
      seed: seed of the order.
      epoch: number of the epoch.
      first: the first batch to yield, for resuming an epoch.
      parts: number of parts per batch, of equal numbers of rows as far as possible.
      own: the parts to yield, if other processes train on the others.
      changes: made to the pairs of each batch, one after the other.
      align: finds the links of each part; by default there are none.

    Yields:
      The parts. If a batch has fewer rows than parts, some parts repeat a row with a share of 0.
    """

    def padded(number: int, batch: np.ndarray) -> Batch:
        sides = [(pairs.source[index], pairs.target[index]) for index in batch]
        rng = np.random.default_rng([seed, epoch, number])
        for change in changes:
            sides = change(sides, rng)
        tokens = np.array([len(target) + 1 for _, target in sides])
        cut = []
        for rows in np.array_split(np.arange(len(batch)), parts)[own]:
            share = np.float32(tokens[rows].sum() / tokens.sum())
            of_rows = [sides[row] for row in (rows if len(rows) else [0])]
            source, target = (pad(side) for side in zip(*of_rows, strict=True))
            cut.append(Part(source, target, share, align(source, target) if align else ()))
        return cut

    ahead: deque[Future[Batch]] = deque()
    order = epoch_order(pairs, indices, tokens_per_batch, seed, epoch)
    with ThreadPoolExecutor(max_workers=1) as thread:
        for number, batch in enumerate(order[first:], start=first):
            ahead.append(thread.submit(padded, number, batch))
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
