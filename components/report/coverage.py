"""How well the subword vocabulary covers text that it was not learned from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from serving.contract.signatures import END_SYMBOL
from serving.contract.translation import bytes_of_token
from text.characters import WORD_START

UNKNOWN = "<unk>"
"""As the vocabulary calls it (`trainer.subwords`)."""
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


@dataclass(frozen=True)
class Coverage:
    """Counts over the sentences of one side."""

    words: int
    subwords: int
    whole_words: int
    """Words that are one subword."""
    bytes: int
    """Subwords that are a byte of a character which the vocabulary does not have."""
    unknown: int
    most_split: Sequence[tuple[str, int]]
    """The words of most subwords, with how many."""

    @property
    def subwords_per_word(self) -> float:
        """1 if each word is in the vocabulary; 0 without words."""
        return self.subwords / self.words if self.words else 0.0


def measure_coverage(sentences: Iterable[Sequence[str]], examples: int = 5) -> Coverage:
    """Counts.

    Args:
      sentences: the subwords of each, the end symbol among them or not.
      examples: how many words of `most_split`.
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
    """Groups subwords; a marker that stands alone opens the word after it and is a piece of it."""
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
