"""What the normal form makes of single characters, in plain Python.

`text.normal_form` says the same in TensorFlow's operations.
"""

import unicodedata

WORD_START = "\u2581"
"""Stands for the space before a word, as in SentencePiece (Kudo and Richardson, 2018)."""


def is_visible(character: str) -> bool:
    """Whether a character is read as anything but a space."""
    category = unicodedata.category(character)
    return category != "Cc" and category[0] != "Z"


def as_read(character: str) -> str:
    """The character that is read in the place of a visible one.

    A byte that is no UTF-8, which Python keeps as a lone surrogate, is read as U+FFFD.
    """
    if character == WORD_START:
        return "_"
    return "\ufffd" if unicodedata.category(character) == "Cs" else character
