"""The normal form of text in plain Python; `text.normal_form` has it in TensorFlow."""

import re
import unicodedata

WORD_START = "\u2581"
"""Replaces the space before a word, as in SentencePiece (Kudo and Richardson, 2018)."""

INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ufdd0-\ufdef"
)
"""Format characters that are left out, as in a class of a regular expression: soft hyphens, marks
of direction, byte order marks and the like; and the noncharacters for a program's own use."""
MASKS = tuple(map(chr, range(0xFDD0, 0xFDE0)))
"""Noncharacters (Unicode, section 23.7): they stand for the protected parts of a sentence."""
JOINERS = "\u200c\u200d"
"""They shape letters of some scripts, and join emoji."""
WITHOUT_JOINERS = (
    "\u0000-\u05ff\u1680\u2581\u1e00-\u200b\u200e-\u206f\u2100-\u214f\u3000\ufb00-\ufb4f"
    "\ufeff\ufff9-\uffff"
)
"""Characters after which joiners are left out: Latin, Greek, Cyrillic and Hebrew letters, spaces,
punctuation."""

_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_IDLE_JOINERS = re.compile(f"(^|[{WITHOUT_JOINERS}])[{JOINERS}]+")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""A byte of invalid UTF-8, as Python reads it."""


def compose(text: str) -> str:
    """Returns Unicode's normal form C, without format characters that have no meaning in it."""
    text = _INVISIBLE.sub("", LONE_SURROGATE.sub("\ufffd", text))
    return unicodedata.normalize("NFC", _IDLE_JOINERS.sub(r"\1", text))


def visible_characters(text: str) -> list[str]:
    """Returns the characters of the normal form that are not spaces."""
    return [as_read(character) for character in compose(text) if is_visible(character)]


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
