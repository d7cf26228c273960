"""Learns a subword vocabulary by byte-pair encoding.

The method is algorithm 1 of Sennrich, Haddow and Birch (2016).

Pure Python over word counts from Beam; even a large corpus has small counts. Each merge changes
only the words with the merged pair. So the time grows with the number of changes instead of merges
times words.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise

Pair = tuple[str, str]


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
    characters: Counter[str] = Counter()
    for word, count in word_counts.items():
        for character in word:
            characters[character] += count
    alphabet = sorted(
        (c for c, n in characters.items() if n >= min_count), key=lambda c: (-characters[c], c)
    )
    pieces = dict.fromkeys(alphabet[:size])
    merges = _Merges(_runs_of_alphabet(word_counts, set(pieces)), max_characters)
    while len(pieces) < size:
        pair = merges.most_frequent(min_count)
        if pair is None:
            break
        merges.merge(pair)
        pieces.setdefault("".join(pair))
    return list(pieces)


def _runs_of_alphabet(word_counts: Mapping[str, int], alphabet: set[str]) -> Counter[str]:
    """Cuts words at characters outside the alphabet.

    These characters are encoded as bytes, so no piece may contain them.
    """
    runs: Counter[str] = Counter()
    for word, count in word_counts.items():
        for run in "".join(c if c in alphabet else "\n" for c in word).split("\n"):
            if run:
                runs[run] += count
    return runs


class _Merges:
    """The words as sequences of pieces, with the current counts of all adjacent pairs."""

    def __init__(self, word_counts: Mapping[str, int], max_characters: int):
        self._max_characters = max_characters
        self._words = [list(word) for word in sorted(word_counts)]
        self._counts = [word_counts[word] for word in sorted(word_counts)]
        self._pairs: Counter[Pair] = Counter()
        self._words_with: defaultdict[Pair, set[int]] = defaultdict(set)
        for index, word in enumerate(self._words):
            for pair in pairwise(word):
                self._pairs[pair] += self._counts[index]
                self._words_with[pair].add(index)
        self._heap: list[tuple[int, Pair]] = []
        for pair in self._pairs:
            self._push(pair)

    def _push(self, pair: Pair) -> None:
        if self._pairs[pair] > 0 and len(pair[0]) + len(pair[1]) <= self._max_characters:
            heapq.heappush(self._heap, (-self._pairs[pair], pair))

    def most_frequent(self, min_count: int) -> Pair | None:
        """Returns the next pair to merge, or None if no pair occurs `min_count` times."""
        while self._heap:
            negative_count, pair = self._heap[0]
            if self._pairs[pair] == -negative_count:
                return pair if -negative_count >= min_count else None
            heapq.heappop(self._heap)  # an outdated count; `merge` pushed the new one
        return None

    def merge(self, pair: Pair) -> None:
        """Merges the pair into one piece in all words."""
        changed: set[Pair] = set()
        for index in self._words_with.pop(pair):
            before, after = self._words[index], _merge_in_word(self._words[index], pair)
            gone, come = Counter(pairwise(before)), Counter(pairwise(after))
            for other in gone.keys() | come.keys():
                self._pairs[other] += (come[other] - gone[other]) * self._counts[index]
                if come[other]:
                    self._words_with[other].add(index)
                elif other != pair:
                    self._words_with[other].discard(index)
                changed.add(other)
            self._words[index] = after
        for other in changed:
            self._push(other)


def _merge_in_word(word: list[str], pair: Pair) -> list[str]:
    merged: list[str] = []
    position = 0
    while position < len(word):
        if word[position] == pair[0] and tuple(word[position : position + 2]) == pair:
            merged.append(pair[0] + pair[1])
            position += 2
        else:
            merged.append(word[position])
            position += 1
    return merged
