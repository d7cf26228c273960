"""Small pure functions for the text of one side of a sentence pair."""

import re
import unicodedata
from collections.abc import Callable

from text.characters import compose
from text.comparison import NO_LETTERS
from text.words import split_text

Row = tuple[str, str, *tuple[str, ...]]
"""A pair, followed by the values of its features in the order of their columns."""

_LINE_AND_COLUMN_ENDS = re.compile("[ ]*[\t\n\r\v\f\x1c-\x1f\x85\u2028\u2029]+[ ]*")
_NAME = "\u2022"
_TEMPLATE_WORDS = 3
_WORD_EDGES = ".,;:!?()[]<>\"'`\u201e\u201c\u201d\u00bb\u00ab"


def one_line(text: str) -> str:
    """Makes a text fit for a column of a TSV line: tabs and line ends become single spaces.

    Letters and their marks are composed, and invisible characters are left out. Other spaces, such
    as French no-break spaces, are part of the text and stay.
    """
    return _LINE_AND_COLUMN_ENDS.sub(" ", compose(text)).strip()


def count_words(text: str) -> int:
    """Returns the number of words, as the pipeline counts them."""
    return len(split_text(text))


def template_key(text: str, is_name: Callable[[str, int], bool]) -> str | None:
    """Returns a key shared by texts with different names but otherwise equal words.

    Args:
        text: one sentence or phrase.
        is_name: called with each word, without the punctuation around it, and its position.

    Returns:
        The comparison key with each run of names as one mark; None if the text has fewer than three
        other words, because such a key would match unrelated texts.
    """
    words: list[str] = []
    for position, word in enumerate(unicodedata.normalize("NFKC", text).split()):
        bare = word.strip(_WORD_EDGES)
        if is_name(bare, position):
            if words[-1:] != [_NAME]:
                words.append(_NAME)
        elif letters := NO_LETTERS.sub(" ", word.lower()).strip():
            words.append(letters)
    return " ".join(words) if sum(word != _NAME for word in words) >= _TEMPLATE_WORDS else None
