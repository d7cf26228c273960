"""Detects loops in translations, a typical failure of neural decoders.

Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020, section 4.2, shows how
a probable phrase makes its own repetition even more probable.

A translation loops if it repeats a group of words `WORD_TIMES` times or more in a row, or a group
of letters within one word `LETTER_TIMES` times or more in a row, as loops do in scripts without
spaces. Capitals and the punctuation around words are ignored. A repetition is no loop if the source
repeats as often ("very, very, very").
"""

import re
from collections.abc import Sequence

from text.words import words_of

WORD_TIMES = 3
LETTER_TIMES = 4
SHORTEST_LETTER_GROUP = 2
"""A single letter may be repeated, as in "hmmmm"."""
_LOOP_OF_LETTERS = re.compile(rf"(.{{{SHORTEST_LETTER_GROUP},}}?)\1{{{LETTER_TIMES - 1}}}", re.S)
_LOOP_OF_WORDS = re.compile(rf"(.+?)\1{{{WORD_TIMES - 1}}}", re.S)
"""In a text with a character for each word."""


def is_loop(source: str, hypothesis: str) -> bool:
    """Returns whether a translation loops and its source repeats itself less."""
    return longest_loop(source, hypothesis) > 0


def longest_loop(source: str, hypothesis: str) -> int:
    """Returns how often the most repeated group of a loop occurs; 0 without a loop.

    Args:
      source: the text to translate.
      hypothesis: our translation.
    """
    words = _folded_words(hypothesis)
    if not _may_loop(words):
        return 0
    found, ours = _repetitions(words), _repetitions(_folded_words(source))
    loops = zip(found, ours, (WORD_TIMES, LETTER_TIMES), strict=True)
    return max(times if times >= least and times > ours else 0 for times, ours, least in loops)


def most_repetitions(items: Sequence[str], shortest: int = 1) -> int:
    """Returns how often the most repeated group occurs in a row; 1 if nothing repeats.

    Args:
      items: words, or letters.
      shortest: smallest length of a group.
    """
    most = 1
    for period in range(shortest, len(items) // 2 + 1):
        run = 0
        for earlier, later in zip(items, items[period:], strict=False):
            run = run + 1 if earlier == later else 0
            most = max(most, 1 + run // period)
    return most


def _folded_words(text: str) -> list[str]:
    return [word.casefold() for word in words_of(text)]


def _may_loop(words: Sequence[str]) -> bool:
    """Tells the words of most texts from a loop's, without looking at each group of them."""
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    is_repeated = len(words) - len(numbers) >= WORD_TIMES - 1
    if is_repeated and _LOOP_OF_WORDS.search("".join(chr(numbers[word]) for word in words)):
        return True
    return any(map(_LOOP_OF_LETTERS.search, words))


def _repetitions(words: Sequence[str]) -> tuple[int, int]:
    """Returns the most repetitions of words, and of letters within a word."""
    shortest = LETTER_TIMES * SHORTEST_LETTER_GROUP
    in_letters = (
        most_repetitions(word, SHORTEST_LETTER_GROUP) for word in words if len(word) >= shortest
    )
    return most_repetitions(words), max(in_letters, default=1)
