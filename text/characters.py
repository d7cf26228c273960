"""The normal form of single characters, in plain Python.

`text.normal_form` does the same with TensorFlow's operations.
"""

import unicodedata

WORD_START = "\u2581"
"""Replaces the space before a word, as in SentencePiece (Kudo and Richardson, 2018)."""


def is_visible(character: str) -> bool:
    """Whether the normal form of a character is not a space."""
    category = unicodedata.category(character)
    return category != "Cc" and category[0] != "Z"


def as_read(character: str) -> str:
    """Returns the normal form of a visible character.

    A byte of invalid UTF-8, a lone surrogate in Python, becomes U+FFFD.
    """
    if character == WORD_START:
        return "_"
    return "\ufffd" if unicodedata.category(character) == "Cs" else character
