"""Does a translation run in circles? The typical failure of a decoder that lost its way.

Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020, section 4.2, shows how
a probable phrase makes its own repetition more probable still.

A translation loops if a group of words stands in it `WORD_TIMES` times or more in a row, or if
within one word a group of letters stands `LETTER_TIMES` times or more in a row, which is how a loop
looks in scripts without spaces. Capitals and the punctuation around words do not count. What the
source repeats as often ("very, very, very") may be repeated.
"""

from collections.abc import Sequence

from components.gate.copied_words import words_of

WORD_TIMES = 3
LETTER_TIMES = 4
SHORTEST_LETTER_GROUP = 2
"""One letter many times is how people write "hmmmm"."""


def is_loop(source: str, hypothesis: str) -> bool:
    """Whether a translation repeats itself as its source does not.

    Args:
      source: the text that was translated.
      hypothesis: our translation.
    """
    words, letters = _repetitions(hypothesis)
    if words < WORD_TIMES and letters < LETTER_TIMES:
        return False
    words_in_source, letters_in_source = _repetitions(source)
    return (words >= WORD_TIMES and words > words_in_source) or (
        letters >= LETTER_TIMES and letters > letters_in_source
    )


def most_repetitions(items: Sequence[str], shortest: int = 1) -> int:
    """How often the most repeated group of neighbours stands in a row; 1 where nothing repeats.

    Args:
      items: words, or letters.
      shortest: length of the shortest group that counts.
    """
    most = 1
    for period in range(shortest, len(items) // 2 + 1):
        run = 0
        for earlier, later in zip(items, items[period:], strict=False):
            run = run + 1 if earlier == later else 0
            most = max(most, 1 + run // period)
    return most


def _repetitions(text: str) -> tuple[int, int]:
    """The most repetitions of words, and of letters within a word."""
    words = [word.casefold() for word in words_of(text)]
    in_letters = (most_repetitions(word, SHORTEST_LETTER_GROUP) for word in words)
    return most_repetitions(words), max(in_letters, default=1)
