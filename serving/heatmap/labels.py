"""Converts words of any text to labels of tables and pictures."""

import unicodedata

from text.characters import JOINERS

_ELLIPSIS = "\u2026"


def printable(word: str) -> str:
    """Replaces unprintable characters: control and format characters but joiners, lone surrogates,
    unassigned code points."""
    return "".join(
        "\ufffd"
        if unicodedata.category(character)[0] == "C" and character not in JOINERS
        else character
        for character in word
    )


def shortened(word: str, most_characters: int) -> str:
    """Shortens a word in its middle to fit a label: both ends of a compound identify it."""
    if len(word) <= most_characters:
        return word
    kept = most_characters - len(_ELLIPSIS)
    return word[: kept - kept // 2] + _ELLIPSIS + word[len(word) - kept // 2 :]
