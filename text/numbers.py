"""Finds numbers of a text that its translation lacks.

A number may be written in another way: `1,000` as `1.000` or `1 000`, `2024-02-29` as `29.02.2024`,
`10-20` as `10 bis 20`, `3rd` as `3.`. So only digits are compared: all of a number, or its groups.
"""

import re
import unicodedata

_NUMBER = re.compile(r"\d+(?:[.,:/’'\u00a0\u202f-]\d+)*")
_GROUP = re.compile(r"\d+")
SPELLED_UP_TO = 12
"""Numbers up to this one may be words in a translation. They are missing only if the translation
has a number that the source lacks."""


def missing_numbers(source: str, translation: str) -> list[str]:
    """Returns the numbers of a text without a counterpart in its translation, in their order."""
    whole, groups = _numbers(source)
    found, found_groups = _numbers(translation)
    written = {*found.values(), *found_groups}
    has_foreign = bool({*found.values()} - {*whole.values(), *groups})
    return [
        number
        for number, digits in whole.items()
        if digits not in written
        and not written.issuperset(_groups(number))
        and (has_foreign or not _may_be_spelled(digits))
    ]


def _numbers(text: str) -> tuple[dict[str, str], set[str]]:
    """Returns the numbers of a text with their digits, and the groups of these."""
    whole = {number: "".join(_groups(number)) for number in _NUMBER.findall(text)}
    return whole, {group for number in whole for group in _groups(number)}


def _groups(number: str) -> list[str]:
    """Returns the groups of digits of a number, in ASCII."""
    return [
        "".join(str(unicodedata.digit(digit)) for digit in group)
        for group in _GROUP.findall(number)
    ]


def _may_be_spelled(digits: str) -> bool:
    return len(digits) <= 2 and int(digits) <= SPELLED_UP_TO
