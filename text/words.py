"""Words of a text.

Words stand between white space. Chinese, Japanese, Thai, Lao, Khmer, Burmese and Tibetan do without
it, so a run of letters of these scripts is divided into the words of ICU, which has a dictionary
for each, or, for Tibetan, into syllables. Korean has spaces.
"""

import re
from collections.abc import Iterator
from typing import Literal

from icu4py.breakers import CharacterBreaker, WordBreaker

Unit = Literal["words", "characters"]
"""What a run without spaces is divided into."""

_WIDE_PUNCTUATION = "、。，．：；！？・「」『』（）《》〈〉【】"
"""Of Chinese and Japanese, which have no space after it."""
_AROUND_WORDS = (
    ".,;:!?…()[]{}<>\"'`´„“”‚‘’«»‹›"
    + _WIDE_PUNCTUATION
    + "་།༎၊။។៕।॥\u200b،؛؟"  # Tibetan, Burmese, Khmer, Indic, Arabic
)
_LETTERS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U000323af"  # Han
    "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Kana
    "\u3105-\u312f\u31a0-\u31bf"  # Bopomofo
    "\u0e01-\u0e3a\u0e40-\u0e5b"  # Thai
    "\u0e81-\u0eff"  # Lao
    "\u0f00-\u0fff"  # Tibetan
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17ff\u19e0-\u19ff"  # Khmer
)
_WITH_LETTERS = "\u0300-\u036f\u200b-\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Marks, joiners, spaces of no width, and selectors of variants."""
_HAS_NO_SPACES = re.compile(f"[{_LETTERS}]")
_PIECE = re.compile(
    rf"[{_LETTERS}][{_LETTERS}{_WITH_LETTERS}]*"
    rf"|[{_WIDE_PUNCTUATION}]"
    rf"|[^\s{_LETTERS}{_WIDE_PUNCTUATION}]+"
)


def split_text(text: str, unit: Unit = "words") -> list[str]:
    """Splits a text into all its words.

    Punctuation stays at a word between white space, and is a word of its own beside letters of a
    script without spaces.

    Args:
      text: any text.
      unit: whether such letters are divided into words or into single characters.

    Returns:
      The words; without the white space, together they are the text.
    """
    if not _HAS_NO_SPACES.search(text):
        return text.split()
    return [word for piece in _PIECE.findall(text) for word in _words_of_piece(piece, unit)]


def words_of(text: str) -> list[str]:
    """Splits a text into its words with letters or digits, without the punctuation around them."""
    stripped = (word.strip(_AROUND_WORDS) for word in split_text(text))
    return [word for word in stripped if word.isalnum() or any(map(str.isalnum, word))]


def needs_segmentation(text: str) -> bool:
    """Whether a text has letters of a script without spaces."""
    return bool(_HAS_NO_SPACES.search(text))


def _words_of_piece(piece: str, unit: Unit) -> Iterator[str]:
    if not needs_segmentation(piece[0]):
        yield piece
        return
    word = ""
    for segment in (WordBreaker if unit == "words" else CharacterBreaker)(piece, "und"):
        # A mark of Tibetan syllables or a space of no width belongs to the word before it.
        if word and any(character.isalnum() for character in segment):
            yield word
            word = ""
        word += segment
    yield word
