"""Parts of a text that a translation must hold as they are: placeholders, tags, addresses, options.

The pattern uses only the syntax shared by Python's `re` (with `re.ASCII`) and RE2, so one
definition serves the exported graph and the programs around it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_TAG = r"<[A-Za-z/!?][\w:-]*(?:\s[^<>]*)?/?>"
_ENTITY = r"&(?:[A-Za-z]\w*|#\d+|#x[0-9A-Fa-f]+);"
_OF_ADDRESS = '[^\\s<>"“”„«»]'
_END_OF_ADDRESS = "[^\\s<>\"“”„«»'’.,;:!?)\\]}]"
# The bounds keep the time linear in the length of a text.
_URL = rf"\b(?:[A-Za-z][A-Za-z0-9+.-]{{0,19}}://|www\.){_OF_ADDRESS}*{_END_OF_ADDRESS}"
_EMAIL = r"\b[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"
_ICU = (
    r"\{ ?\w+ ?, ?(?:plural|select|selectordinal) ?, ?(?:offset:\d+ ?)?=?\w+ ?\{"
    r"|\} ?=?\w+ ?\{|\} ?\}"
    r"|\{\w+, ?(?:number|date|time|spellout|ordinal|duration)(?:, ?[^{}]*)?\}"
)
_BRACES = r"\{\{[^{}]*\}\}|%\{[^{}]*\}|[$#]?\{[\w.\[\]!:$,+#%<>^=~*-]*\}"
_VARIABLE = r"\$[A-Za-z_]\w*|\$\(\w+\)|@[A-Z][A-Z_]+@"
_ESCAPE = r"\\(?:[abefnrtv0\"'\\]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})"
_WIDTH = r"(?:\d+|\*(?:\d+\$)?)"
_SIZE = r"(?:hh|h|ll|l|L|q|j|z|t|I64|I32)?"
_CONVERSION = rf"[-+#0']*{_WIDTH}?(?:\.{_WIDTH}?)?{_SIZE}[diouxXeEfFgGaAcCsSpnmr@]"
_DIRECTIVE = rf"(?:%%|%(?:\d+\$)?(?:\([^()]*\))?{_CONVERSION}|%L?\d\d?)"
_PATH_NAME = r"[\w.+~@%*$-]*[\w+~@%*$-]"
_PATH = (
    rf"(?:~|\.\.?|\$\w+)?/{_PATH_NAME}(?:/{_PATH_NAME})*/?|~/|[A-Za-z]:\\(?:[\w\\.$-]*[\w\\$-])?"
)
_OPTION = r"--[A-Za-z][\w-]*(?:=[^\s,;)]+)?|-[A-Za-z]\b"

# A path or an option begins a word; "and/or" is neither.
_BEGINS_WORD = r"(^|[\s(\[\"'“„«»=])"
PATTERN = (
    rf"{_BEGINS_WORD}({_PATH}|{_OPTION})"
    rf"|({_TAG}|{_ENTITY}|{_URL}|{_EMAIL}|{_ICU}|{_BRACES}|{_VARIABLE}|{_ESCAPE}|{_DIRECTIVE})"
)
"""A part is in group 2 or 3; group 1 holds the character before it."""
PERCENTAGE = "([0-9])%"
HIDDEN_PERCENT = "\x1e"
"""Replaces the percent sign of a percentage while parts are sought: `100%s` has no directive."""
ORDERED = rf"^(?:%{_CONVERSION}|\{{(?::[^{{}}]*)?\}})$"
"""A part that a program fills by its place among others, such as `%s` but not `%(name)s`: these
must keep their order."""
_LETTERS = "A-Za-z\u00c0-\u024f\u0370-\u1fff\u2c00-\u2dff\u3040-\ud7ff\uf900-\ufdcf"
_LETTER = f"[{_LETTERS}]"
_BEFORE_LETTER = "(?:^|[\\s(\\[\"'„“«»])"
ACCELERATORS = (
    ("_", rf"^([^_]*(?:{_BEFORE_LETTER}|\b[A-Z][a-z]*))_({_LETTER}[^_]*)$"),
    ("&", rf"^([^&]*{_BEFORE_LETTER})&({_LETTER}[^&;]*)$"),
    ("&", r"^([^&]*[A-Za-z])&([a-z][^&;]*)$"),
)
"""The mark before the letter of a keyboard shortcut, as in `_File` and `E&xit`, and the text with
one such mark: what stands before and after it."""
FIRST_LETTER = f"^([^{_LETTERS}]*)({_LETTER})"

_SIGN_OF_PART = re.compile(r"[<&%{}$@\\/~_]|www\.|(?<![\w-])-")
_PARTS = re.compile(PATTERN, re.ASCII)
_PERCENTAGES = re.compile(PERCENTAGE, re.ASCII)
_ORDERED = re.compile(ORDERED, re.ASCII)
_ACCELERATORS = [(mark, re.compile(pattern, re.ASCII)) for mark, pattern in ACCELERATORS]


class Changes(NamedTuple):
    """The differences between the parts of a text and those of its translation."""

    missing: Sequence[str] = ()
    added: Sequence[str] = ()
    reordered: Sequence[str] = ()
    """Parts without a name or a number, as the translation has them, if their order differs."""


def may_have_parts(text: str) -> bool:
    """Whether a text has a sign that every part has; this takes less time than finding parts."""
    return bool(_SIGN_OF_PART.search(text))


def protected_parts(text: str) -> list[str]:
    """Returns the parts of a text to keep, in their order.

    The mark of a keyboard shortcut is one of them, without its letter.
    """
    parts: list[str] = []
    for match in _PARTS.finditer(_PERCENTAGES.sub(rf"\1{HIDDEN_PERCENT}", text)):
        parts.append((match[2] or match[3]).replace(HIDDEN_PERCENT, "%"))
    return parts + [mark for mark, pattern in _ACCELERATORS if pattern.match(text)]


def changed_parts(source: str, translation: str) -> Changes:
    """Compares the parts of a source with those of its translation.

    White space in a part, as in a tag, may be written in another way.
    """
    before, after = (
        [" ".join(part.split()) for part in protected_parts(text)] for text in (source, translation)
    )
    missing, added = Counter(before) - Counter(after), Counter(after) - Counter(before)
    by_place = [list(filter(_ORDERED.match, parts)) for parts in (before, after)]
    is_other_order = not missing and not added and by_place[0] != by_place[1]
    return Changes(
        tuple(missing.elements()),
        tuple(added.elements()),
        tuple(by_place[1]) if is_other_order else (),
    )
