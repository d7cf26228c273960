"""Learns a subword vocabulary by byte-pair encoding.

The method is algorithm 1 of Sennrich, Haddow and Birch (2016), over word counts from Beam. All
words stand behind each other in arrays, linked from piece to piece, and a merge changes only the
places of its pair, all at once. So the time grows with the number of changes instead of merges
times words.
"""

import heapq
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

_NO_PIECE = -1
"""Number of the piece at a place without one."""
_NO_PAIR = 0
"""Number of the pair at a place without one: a word's end, or a pair that is never merged."""
_SHIFT = 32
"""Bits of a piece's number."""


def learn_pieces(
    word_counts: Mapping[str, int],
    size: int,
    max_characters: int,
    min_count: int = 2,
) -> list[str]:
    """Learns the most frequent pieces: first single characters, then merged pairs.

    Both are in the order learned.

    Args:
      word_counts: number of occurrences of each word.
      size: largest number of pieces to return.
      max_characters: largest length of a piece.
      min_count: smallest number of occurrences of a learned character or pair.

    Returns:
      At most `size` different pieces. Ties are broken alphabetically, so the same counts give the
      same pieces.
    """
    lengths = np.fromiter(map(len, word_counts), np.int64, len(word_counts))
    counts = np.fromiter(word_counts.values(), np.int64, len(word_counts))
    weights = np.repeat(counts, lengths)
    codes = np.frombuffer("".join(word_counts).encode("utf-32-le"), np.uint32)
    distinct, characters = np.unique(codes, return_inverse=True)
    totals = np.zeros(len(distinct), np.int64)
    np.add.at(totals, characters, weights)
    # Of equally frequent characters, the sort leaves the first in the alphabet in front.
    order = np.argsort(-totals, kind="stable")
    order = order[totals[order] >= min_count][:size]
    # Other characters are encoded as bytes, so no piece may contain them.
    numbers = np.full(len(distinct), _NO_PIECE, np.int32)
    numbers[order] = np.arange(len(order))
    alphabet = [chr(code) for code in distinct[order].tolist()]
    ends = np.zeros(len(codes), bool)
    ends[np.cumsum(lengths[lengths > 0]) - 1] = True
    merges = _Merges(alphabet, numbers[characters], ends, weights, max_characters, min_count)
    pieces = dict.fromkeys(alphabet)
    while len(pieces) < size and (piece := merges.merge_next()) is not None:
        pieces.setdefault(piece)
    return list(pieces)


class _Merges:
    """The words as linked pieces, with the current counts of all adjacent pairs."""

    def __init__(
        self,
        alphabet: list[str],
        characters: np.ndarray,
        ends: np.ndarray,
        weights: np.ndarray,
        max_characters: int,
        min_count: int,
    ):
        """Makes the first pairs.

        Args:
          alphabet: the first pieces.
          characters: [places] number of each word's characters in the alphabet, or `_NO_PIECE`.
          ends: [places] whether a word ends.
          weights: [places] number of occurrences of the word.
          max_characters: largest length of a piece.
          min_count: smallest number of occurrences of a merged pair.
        """
        self._max_characters, self._min_count = max_characters, min_count
        self._pieces = list(alphabet)
        self._numbers = {piece: number for number, piece in enumerate(alphabet)}
        self._lengths = np.ones(len(alphabet), np.int32)
        # One place more stands for none.
        self._none = len(characters)
        self._piece_at = np.append(characters, np.int32(_NO_PIECE))
        self._weights = np.append(weights, 0)
        self._next = np.arange(1, self._none + 2, dtype=np.int32)
        self._before = np.arange(-1, self._none, dtype=np.int32)
        is_pair = (self._piece_at[:-1] >= 0) & (self._piece_at[1:] >= 0) & ~ends
        self._next[np.append(~is_pair, True)] = self._none
        self._before[1:][~is_pair] = self._none
        self._before[0] = self._none
        self._pair_at = np.full(self._none + 1, _NO_PAIR, np.int32)
        self._pair_numbers: dict[int, int] = {-1: _NO_PAIR}
        self._places: list[list[np.ndarray]] = [[]]
        self._counts = np.zeros(1 << 16, np.int64)
        self._heap: list[tuple[int, tuple[str, str], int]] = []
        self._add(np.flatnonzero(is_pair).astype(np.int32))

    def merge_next(self) -> str | None:
        """Merges the most frequent pair; returns its piece, or None if none is frequent enough."""
        while self._heap:
            negative_count, pair, number = heapq.heappop(self._heap)
            count = int(self._counts[number])
            if count == -negative_count:
                self._merge(number, *pair)
                return "".join(pair)
            if count >= self._min_count:  # it has become less frequent; `_add` pushes the others
                heapq.heappush(self._heap, (-count, pair, number))
        return None

    def _merge(self, number: int, left: str, right: str) -> None:
        first = np.concatenate(self._places[number])
        self._places[number] = []
        first = first[self._pair_at[first] == number]
        if left == right:
            first = self._without_overlaps(np.sort(first))
        second, before = self._next[first], self._before[first]
        after = self._next[second]
        # A place before may be the second of another place; its pair is then gone already.
        for places in (first, second, before):
            np.subtract.at(self._counts, self._pair_at[places], self._weights[places])
            self._pair_at[places] = _NO_PAIR
        self._piece_at[first] = self._number(left + right)
        self._piece_at[second] = _NO_PIECE
        self._next[first] = after
        self._before[after] = first
        before = before[self._piece_at[before] != _NO_PIECE]
        self._add(np.concatenate([before, first[after != self._none]]))

    def _without_overlaps(self, first: np.ndarray) -> np.ndarray:
        """Keeps every second of the places in a row, from the left, as in `aaaa`."""
        index = np.arange(len(first))
        begins = np.append(True, first[1:] != self._next[first[:-1]])
        return first[(index - np.maximum.accumulate(np.where(begins, index, 0))) % 2 == 0]

    def _number(self, piece: str) -> int:
        number = self._numbers.setdefault(piece, len(self._pieces))
        if number == len(self._pieces):
            self._pieces.append(piece)
            self._lengths = np.append(self._lengths, np.int32(len(piece)))
        return number

    def _add(self, places: np.ndarray) -> None:
        """Counts the pairs at places whose pairs are new."""
        left, right = self._piece_at[places], self._piece_at[self._next[places]]
        is_short = self._lengths[left] + self._lengths[right] <= self._max_characters
        keys = (left.astype(np.int64) << _SHIFT | right)[is_short]
        if not len(keys):
            return
        order = np.argsort(keys, kind="stable")
        keys, places = keys[order], places[is_short][order]
        bounds = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1], [True]]))
        distinct = keys[bounds[:-1]].tolist()
        known = self._pair_numbers
        numbers = [known.setdefault(key, len(known)) for key in distinct]
        self._places.extend([] for _ in range(len(known) - len(self._places)))
        if len(known) > len(self._counts):
            self._counts = np.pad(self._counts, (0, len(known)))
        self._pair_at[places] = np.repeat(numbers, bounds[1:] - bounds[:-1])
        self._counts[numbers] += np.add.reduceat(self._weights[places], bounds[:-1])
        counts = self._counts[numbers].tolist()
        for key, number, count, (begin, end) in zip(
            distinct, numbers, counts, pairwise(bounds.tolist()), strict=True
        ):
            self._places[number].append(places[begin:end])
            if count >= self._min_count:
                pair = self._pieces[key >> _SHIFT], self._pieces[key & (1 << _SHIFT) - 1]
                heapq.heappush(self._heap, (-count, pair, number))
