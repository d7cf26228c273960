"""Measures how well the subword vocabulary covers unseen text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from serving.contract.signatures import END_SYMBOL
from serving.contract.translation import bytes_of_token
from text.characters import WORD_START

UNKNOWN = "<unk>"
"""The unknown symbol of the vocabulary (`trainer.subwords`)."""
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


@dataclass(frozen=True)
class Coverage:
    """Counts over the sentences of one side."""

    words: int
    subwords: int
    whole_words: int
    """Words of a single subword."""
    bytes: int
    """Subwords for single bytes of characters missing from the vocabulary."""
    unknown: int
    most_split: Sequence[tuple[str, int]]
    """The words with the most subwords, and their numbers."""

    @property
    def subwords_per_word(self) -> float:
        """1 if each word is in the vocabulary; 0 without words."""
        return self.subwords / self.words if self.words else 0.0


def measure_coverage(sentences: Iterable[Sequence[str]], examples: int = 5) -> Coverage:
    """Counts the words and subwords of sentences.

    Args:
      sentences: the subwords of each sentence, with or without the end symbol.
      examples: number of words in `most_split`.
    """
    words: Counter[tuple[str, ...]] = Counter()
    for tokens in sentences:
        words.update(_words(tokens))
    total = words.total()
    pieces = Counter(piece for word in words.elements() for piece in word)
    split = sorted(words, key=lambda word: (-len(word), word))[:examples]
    return Coverage(
        words=total,
        subwords=pieces.total(),
        whole_words=sum(count for word, count in words.items() if len(word) == 1),
        bytes=sum(count for piece, count in pieces.items() if _BYTE.fullmatch(piece)),
        unknown=pieces[UNKNOWN],
        most_split=[(_spell(word), len(word)) for word in split if len(word) > 1],
    )


def _words(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    """Groups subwords into words; a lone word marker is the first piece of the word after it."""
    words: list[list[str]] = []
    for token in tokens:
        if token == END_SYMBOL:
            break
        if token.startswith(WORD_START) or not words:
            words.append([])
        words[-1].append(token)
    return [tuple(word) for word in words]


def _spell(word: Sequence[str]) -> str:
    content = b"".join(map(bytes_of_token, word))
    return content.decode("utf-8", errors="replace").replace(WORD_START, "")
