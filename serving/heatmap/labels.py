"""Words of unknown texts as labels of tables and pictures."""

import unicodedata

_ELLIPSIS = "\u2026"
_JOINERS = "\u200c\u200d"
"""Format characters with which Persian, Hindi and emoji are spelt."""


def printable(word: str) -> str:
    """Replaces what a screen would obey instead of show: control and format characters, lone
    surrogates, unassigned code points."""
    return "".join(
        "\ufffd"
        if unicodedata.category(character)[0] == "C" and character not in _JOINERS
        else character
        for character in word
    )


def shortened(word: str, most_characters: int) -> str:
    """Cuts a word that is too long for a label, in its middle: a compound is known by both ends."""
    if len(word) <= most_characters:
        return word
    kept = most_characters - len(_ELLIPSIS)
    return word[: kept - kept // 2] + _ELLIPSIS + word[len(word) - kept // 2 :]
