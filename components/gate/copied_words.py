"""Finds source words to copy unchanged into a translation: names, numbers, options.

Words are those of `text.words`. A source word must be copied as often as the reference contains it,
but at most as often as the source does. It counts as kept as often as our translation contains it,
but at most as often as it must be copied. No list of names is needed, since the human translation
shows the words to copy.

German joins names into compounds (`GTK-Bibliothek`), so the parts of a hyphenated word count as
words too, unless the source contains the whole word (`libgtk-dev`); then it is a name.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

from text.words import words_of


class CopiedWord(NamedTuple):
    """A word of one sentence to copy into its translation."""

    word: str
    needed: int
    """Number of times it must be in the translation."""
    kept: int
    """How many of these the translation contains."""


def has_digit(word: str) -> bool:
    """Returns whether a word is a number, or a name with one, such as a version."""
    return any(character.isdigit() for character in word)


def is_plain(word: str) -> bool:
    """Returns whether a word has lower-case letters only, unlike names and numbers."""
    return word.isalpha() and word.islower()


def copied_words(source: str, reference: str, hypothesis: str) -> Iterator[CopiedWord]:
    """Compares the words to copy in a sentence with the words copied.

    Args:
      source: the text to translate.
      reference: its human translation.
      hypothesis: our translation.

    Yields:
      Each word to be copied at least once.
    """
    source_words = Counter(words_of(source))
    needed = source_words & _words_and_parts(reference, source_words)
    found = _words_and_parts(hypothesis, source_words)
    for word, count in needed.items():
        yield CopiedWord(word, count, min(count, found[word]))


def _words_and_parts(text: str, whole: Collection[str]) -> Counter[str]:
    """Counts the words of a text and the parts of its hyphenated ones, except those of `whole`."""
    words = words_of(text)
    parts = (
        part for word in words if "-" in word and word not in whole for part in word.split("-")
    )
    return Counter([*words, *parts])
