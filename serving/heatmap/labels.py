"""Converts words of any text to labels of tables and pictures."""

import unicodedata

_ELLIPSIS = "\u2026"
_JOINERS = "\u200c\u200d"
"""Format characters needed in Persian, Hindi and emoji."""


def printable(word: str) -> str:
    """Replaces unprintable characters: control and format characters, lone surrogates, unassigned
    code points."""
    return "".join(
        "\ufffd"
        if unicodedata.category(character)[0] == "C" and character not in _JOINERS
        else character
        for character in word
    )


def shortened(word: str, most_characters: int) -> str:
    """Shortens a word in its middle to fit a label: both ends of a compound identify it."""
    if len(word) <= most_characters:
        return word
    kept = most_characters - len(_ELLIPSIS)
    return word[: kept - kept // 2] + _ELLIPSIS + word[len(word) - kept // 2 :]
