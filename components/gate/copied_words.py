"""Which words of a source are to stand in its translation as they are: names, numbers, options.

A word is what stands between white space, without the punctuation around it, and has a letter or a
digit. A word of the source is to be copied as often as the reference has it too, but not more often
than it stands in the source; it is kept as often as our translation has it as well, but not more
often than it was to be copied. No list of names is needed: the human translator has said what to
copy.

German joins names into compounds (`GTK-Bibliothek`), so a text also has the parts of its hyphenated
words, unless the source has such a word itself (`libgtk-dev`), which is then a name of its own.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

_AROUND_WORDS = ".,;:!?…()[]{}<>\"'`´„“”‚‘’«»‹›"


class CopiedWord(NamedTuple):
    """A word of one sentence that is to be copied."""

    word: str
    needed: int
    """How often it is to stand in the translation."""
    kept: int
    """How often of these it does."""


def words_of(text: str) -> list[str]:
    """Splits a text into words as they are counted here."""
    stripped = (word.strip(_AROUND_WORDS) for word in text.split())
    return [word for word in stripped if any(character.isalnum() for character in word)]


def has_digit(word: str) -> bool:
    """Whether a word is a number, or a name with one, such as a version."""
    return any(character.isdigit() for character in word)


def is_plain(word: str) -> bool:
    """Whether a word is of lower-case letters alone, as names and numbers are not."""
    return word.isalpha() and word.islower()


def copied_words(source: str, reference: str, hypothesis: str) -> Iterator[CopiedWord]:
    """Lists what is to be copied in a sentence, and what was.

    Args:
      source: the text that was translated.
      reference: its human translation.
      hypothesis: our translation.

    Yields:
      Each word that is to be copied at least once.
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
