"""Small pure functions over the text of one side of a sentence pair."""

import re
import unicodedata
from collections.abc import Callable

Row = tuple[str, str, *tuple[str, ...]]
"""A pair, and the values of the features of its corpus in the order of their columns."""

_LINE_AND_COLUMN_ENDS = re.compile("[ ]*[\t\n\r\v\f\x1c-\x1f\x85\u2028\u2029]+[ ]*")
_NO_LETTERS = re.compile(r"[\W\d_]+")
_NAME = "\u2022"
_TEMPLATE_WORDS = 3
_WORD_EDGES = ".,;:!?()[]<>\"'`\u201e\u201c\u201d\u00bb\u00ab"


def one_line(text: str) -> str:
    """Return `text` fit for one column of a TSV line: tabs and line ends become single spaces.

    Other spaces, such as French no-break spaces, are part of the text and stay.
    """
    return _LINE_AND_COLUMN_ENDS.sub(" ", text).strip()


def count_words(text: str) -> int:
    """Return how many whitespace-separated words `text` has."""
    return len(text.split())


def comparison_key(text: str) -> str:
    """Return what near-duplicates have in common: lower case, without digits and punctuation.

    Text without letters is its own key.
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    return _NO_LETTERS.sub(" ", folded).strip() or " ".join(folded.split())


def template_key(text: str, is_name: Callable[[str, int], bool]) -> str | None:
    """Return what texts have in common that differ only in the names they mention.

    Args:
        text: one sentence or phrase.
        is_name: told each word, without the punctuation around it, and its position.

    Returns:
        The comparison key with each run of names as one mark; None where hardly anything but
        names is left, which says nothing about what the text means.
    """
    words: list[str] = []
    for position, word in enumerate(unicodedata.normalize("NFKC", text).split()):
        bare = word.strip(_WORD_EDGES)
        if is_name(bare, position):
            if words[-1:] != [_NAME]:
                words.append(_NAME)
        elif letters := _NO_LETTERS.sub(" ", word.lower()).strip():
            words.append(letters)
    return " ".join(words) if sum(word != _NAME for word in words) >= _TEMPLATE_WORDS else None
