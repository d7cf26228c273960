"""Shows text of others in a terminal: what a terminal would obey is spelled out."""

import re

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction of writing
    "\u2028\u2029\ufeff\ud800-\udfff]"  # line separators, byte order mark, lone surrogates
)


def visible(text: str) -> str:
    r"""Replaces what moves the cursor, colours, hides or reorders text by its code: `\x1b`."""
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def visible_json(document: str) -> str:
    """Replaces the same in JSON, where such characters stand in strings only."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", document)
