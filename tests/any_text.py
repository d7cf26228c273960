"""Makes up texts of any characters, for property tests: `conftest.py` sets how many."""

from hypothesis import strategies
from hypothesis.strategies import SearchStrategy

_PLAIN = "aZ ß.!?\t1"
_SPECIAL = (
    "\0\x07\n\r\x0b\x1b\x1c\x1f\x7f\x85\x9b"  # control characters
    "\u00a0\u00ad\u2028\u2029\u3000"  # spaces, line ends, a soft hyphen
    "\u061c\u200b\u200d\u200f\u202e\u2066\ufeff"  # invisible, or for the direction of writing
    "\u0301\u0378\u0623\u0939\u094d\u3002\uac00\ufdfa\ufe0f\uffff"  # of other scripts, or of none
    "\U0001f600\U000e0041\U0010fffd\U0010ffff"  # beyond the 16 bits of UTF-16
    "\u2581\ufffd"  # with a meaning of our own
    "<>&\"'\\/{};%"  # with a meaning in HTML, JSON, addresses
)
_HALVES = "\ud800\udbff\udc00\udcff\udfff"


def _strings(special: str, characters: SearchStrategy[str]) -> SearchStrategy[str]:
    # One strategy for all characters would make the special ones too rare.
    parts = strategies.sampled_from(special) | strategies.text(characters, max_size=5)
    return strategies.lists(parts).map("".join)


texts = _strings(_PLAIN + _SPECIAL, strategies.characters(exclude_categories=["Cs"]))
"""Texts of Unicode."""
strings = _strings(_PLAIN + _SPECIAL + _HALVES, strategies.characters())
"""Whatever a Python string can hold, so with lone surrogates, too."""
