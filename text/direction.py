"""The direction of writing: from left to right, or from right to left as in Arabic and Hebrew.

A text goes the way of its words. So a Hebrew description that begins with the name of a package
still goes from right to left, where the first letter alone (HTML's `dir="auto"`) would mislead. A
single word goes the way of its first letter.
"""

import re
import unicodedata
from typing import Literal

Direction = Literal["ltr", "rtl"]
"""As in HTML's attribute `dir`."""

_RTL_SHARE = 0.4
"""A text with a larger share of right-to-left words is one: goog.i18n.bidi.estimateDirection of the
Closure Library."""
_ISOLATE = {"ltr": "\u2066", "rtl": "\u2067"}
_END_OF_ISOLATE = "\u2069"
"""Between these a text has its direction, whatever that of the text around it is (UAX #9)."""
_RTL = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
"""The blocks of right-to-left scripts (DerivedBidiClass.txt of Unicode)."""
_RTL_CHARACTER = re.compile(_RTL)
_RTL_WORD = re.compile(rf"{_RTL}(?:\S*{_RTL})?")


def direction_of(text: str) -> Direction:
    """Returns the direction of a text; from left to right if no letter has one."""
    directions = [found for word in text.split() if (found := _direction_of_first(word))]
    return "rtl" if directions.count("rtl") > _RTL_SHARE * len(directions) else "ltr"


def isolate(text: str) -> str:
    """Returns a text to stand beside others in a line: isolated if it has right-to-left letters."""
    if not _RTL_CHARACTER.search(text):
        return text
    return f"{_ISOLATE[direction_of(text)]}{text}{_END_OF_ISOLATE}"


def isolate_words(sentence: str) -> str:
    """Returns a sentence of ours with each right-to-left word in it isolated.

    The punctuation around the words is ours, and keeps its place.
    """
    return _RTL_WORD.sub(lambda found: isolate(found[0]), sentence)


def _direction_of_first(word: str) -> Direction | None:
    for character in word:
        match unicodedata.bidirectional(character):
            case "L":
                return "ltr"
            case "R" | "AL":
                return "rtl"
    return None
