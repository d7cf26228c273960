"""Finds a parallel text whose lines are off by a few from some line on.

A translation has the length, the numbers, the punctuation and some of the words of its source. So
in each block of lines, source line n is compared with target lines n - 3 to n + 3. A text is
shifted where another offset than 0 fits better over hundreds of lines, far beyond chance.
"""

import math
import re
from dataclasses import dataclass

import numpy as np

OFFSETS = (-3, -2, -1, 1, 2, 3)
_BLOCK = 500
"""Lines to compare at a time, with their own mean and deviation."""
_MARKS = ("0123456789", "?？؟;", "!！", ",，、،", ".。।", ":：", "([（「", '"„“”«»', "-–—", "'’")
_KINDS = np.zeros(0x10000, np.int64)
"""The mark of each character, from 1; 0 for others."""
for _kind, _marks in enumerate(_MARKS, start=1):
    _KINDS[[ord(mark) for mark in _marks]] = _kind
_LEAST_SPREAD = 1e-6
_WORD = re.compile(r"\w+")
_RARE = 0.05
"""Share of a block's lines up to which a word is rare enough to tell lines apart."""
_WORD_WEIGHT, _MOST_WORDS = 1.5, 2
_MOST_DEVIATIONS = 3.0
_LEAST_CORRELATION = 3.5 / math.sqrt(_BLOCK)
"""Of 147 correlations in a block, chance alone brings 1 of 29 blocks a larger one."""
_MOST_CORRELATION = 0.9
_LEAST_SIGNIFICANCE = 8.0
"""Standard errors by which another offset fits better."""
_LEAST_DEVIATION = 0.1
"""Added to the deviation, which may be 0 where lines repeat."""
_FEWEST_LINES, _LEAST_LINES, _LEAST_SHARE = 50, 500, 0.1
"""The least shifted part: a tenth of the text, but from 50 to 500 lines. A shorter one is a mistake
in the text."""


@dataclass(frozen=True)
class Shift:
    """Where a text is shifted, and how.

    Attributes:
        line: the number of the first shifted line, give or take a few.
        offset: source line n belongs to target line n + offset.
    """

    line: int
    offset: int


class ShiftFinder:
    """Compares the lines of a text while they are read."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._sides: tuple[list[str], list[str]] = ([], [])
        self._first_lines: list[np.ndarray] = []
        self._gains: list[np.ndarray] = []

    def add(self, line: int, source: str, target: str) -> None:
        """Adds a pair of lines, in order, empty ones too.

        Args:
            line: the number of the line.
            source: the source text.
            target: the target text in the same line.
        """
        self._numbers.append(line)
        self._sides[0].append(source)
        self._sides[1].append(target)
        if len(self._numbers) == _BLOCK:
            self._compare()

    def find(self) -> Shift | None:
        """Returns the longest shifted part, or None if the text is not shifted."""
        if self._numbers:
            self._compare()
        if not self._gains:
            return None
        gains, numbers = np.concatenate(self._gains), np.concatenate(self._first_lines)
        found = []
        for column, offset in enumerate(OFFSETS):
            sums = np.concatenate([[0.0], np.cumsum(gains[:, column], dtype=np.float64)])
            rises = sums - np.minimum.accumulate(sums)
            end = int(np.argmax(rises))
            start = int(np.argmin(sums[: end + 1]))
            part = gains[start:end, column]
            if len(part) < max(_FEWEST_LINES, min(_LEAST_LINES, _LEAST_SHARE * len(gains))):
                continue
            error = (part.std() + _LEAST_DEVIATION) / math.sqrt(len(part))
            if part.mean() > _LEAST_SIGNIFICANCE * error:
                found.append((rises[end], Shift(int(numbers[start]), offset)))
        return max(found, key=lambda each: each[0])[1] if found else None

    def _compare(self) -> None:
        numbers, sides = np.array(self._numbers), self._sides
        self._numbers, self._sides = [], ([], [])
        similarities = _similarities(*sides)
        self._gains.append(similarities[:, 1:] - similarities[:, :1])
        self._first_lines.append(numbers)


def _similarities(sources: list[str], targets: list[str]) -> np.ndarray:
    """Returns how well source lines fit target lines, `[lines, 7]`: at offset 0, then at `OFFSETS`.

    Lines too near to the ends of the block for all offsets have zeros.
    """
    lines, edge = len(sources), max(OFFSETS)
    similarities = np.zeros((lines, 1 + len(OFFSETS)), np.float32)
    inner = np.arange(edge, lines - edge)
    if len(inner) < edge:
        return similarities
    ours, theirs = _shapes(sources), _shapes(targets)
    products = np.stack([ours[inner] * theirs[inner + offset] for offset in (0, *OFFSETS)])
    correlations = np.minimum(products.mean(axis=1).max(axis=0), _MOST_CORRELATION)
    weights = np.where(correlations > _LEAST_CORRELATION, correlations / (1 - correlations**2), 0)
    matches = _matches(_words(sources), _words(targets), lines)[inner]
    similarities[inner] = (products @ weights).T + _WORD_WEIGHT * np.minimum(matches, _MOST_WORDS)
    return similarities


def _shapes(texts: list[str]) -> np.ndarray:
    """Returns length, marks and last mark of each text, standardised, `[lines, features]`."""
    lengths = np.array(list(map(len, texts)))
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _KINDS[np.minimum(codes, len(_KINDS) - 1)]
    count = len(_MARKS) + 1
    places = np.repeat(np.arange(len(texts)) * count, lengths) + kinds
    marks = np.bincount(places, minlength=len(texts) * count).reshape(len(texts), count)
    last = np.zeros((len(texts), count))
    filled = np.flatnonzero(lengths)
    last[filled, kinds[np.cumsum(lengths)[filled] - 1]] = 1
    values = np.hstack([np.log1p(lengths)[:, None], np.log1p(marks[:, 1:]), last[:, 1:]])
    deviations, spread = values - values.mean(axis=0), values.std(axis=0)
    scaled = np.divide(deviations, spread, out=np.zeros_like(values), where=spread > _LEAST_SPREAD)
    return np.clip(scaled, -_MOST_DEVIATIONS, _MOST_DEVIATIONS).astype(np.float32)


def _words(texts: list[str]) -> dict[str, set[int]]:
    """Returns the lines of each word."""
    lines: dict[str, set[int]] = {}
    for line, text in enumerate(texts):
        for word in _WORD.findall(text):
            lines.setdefault(word, set()).add(line)
    return lines


def _matches(ours: dict[str, set[int]], theirs: dict[str, set[int]], lines: int) -> np.ndarray:
    """Returns the numbers of rare words in both texts, `[lines, 7]` as in `_similarities`."""
    columns = {offset: column for column, offset in enumerate((0, *OFFSETS))}
    matches = np.zeros((lines, len(columns)), np.float32)
    most = max(1, _RARE * lines)
    for word in ours.keys() & theirs.keys():
        if len(ours[word]) <= most and len(theirs[word]) <= most:
            for line in ours[word]:
                for other in theirs[word]:
                    if (column := columns.get(other - line)) is not None:
                        matches[line, column] += 1
    return matches
