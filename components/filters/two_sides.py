"""Filters that compare the two sides of a pair."""

from components.filters.profile import CorpusProfile
from text.comparison import comparison_key
from text.numbers import missing_numbers
from text.protected import changed_parts, may_have_parts, protected_parts
from text.repetition import is_loop
from text.sentences import LengthRatio

_LENGTH_FACTOR, _LENGTH_SLACK = 2.0, 10
_LEAST_LETTERS = 0.25
"""Share of a text's visible characters, without its protected parts."""
_FEWEST_CHARACTERS = 8
"""A shorter text has enough letters with a single one, as in Chinese."""


def identical_sides(source: str, target: str) -> str | None:
    """Finds untranslated text: sides that differ in case, digits and punctuation at most.

    Untranslated text hurts most of all noise: the model learns to copy (Khayrallah and Koehn, "On
    the Impact of Various Types of Noise on Neural Machine Translation", 2018).
    """
    return "untranslated" if comparison_key(source) == comparison_key(target) else None


def few_letters(source: str, target: str) -> str | None:
    """Finds sides of mostly digits and signs, as in tables and drawings."""
    for side, text in (("source", source), ("target", target)):
        parts = "".join(protected_parts(text)) if may_have_parts(text) else ""
        visible = len("".join(text.split())) - len("".join(parts.split()))
        letters = sum(map(str.isalpha, text)) - sum(map(str.isalpha, parts))
        least = _LEAST_LETTERS * visible if visible >= _FEWEST_CHARACTERS else 1
        if visible > 0 and letters < least:
            return f"{side}: {max(letters, 0)} letters in {visible} characters"
    return None


class CharacterRatio:
    """Finds pairs of which one side is too long or too short for a translation.

    Args:
        profile: the usual ratio of the lengths.
    """

    def __init__(self, profile: CorpusProfile) -> None:
        self._ratio = LengthRatio(profile.length_ratio, _LENGTH_FACTOR, _LENGTH_SLACK)

    def __call__(self, source: str, target: str) -> str | None:
        if self._ratio.accepts(source, target):
            return None
        return f"{len(source)} against {len(target)} characters"


def repeated_words(source: str, target: str) -> str | None:
    """Finds a side that repeats words as a broken decoder does, and the other side does not."""
    if is_loop(source, target):
        return "target"
    return "source" if is_loop(target, source) else None


def numbers_differ(source: str, target: str) -> str | None:
    """Finds numbers that the other side lacks."""
    missing = missing_numbers(source, target) + missing_numbers(target, source)
    return ", ".join(missing) or None


def markup_differs(source: str, target: str) -> str | None:
    """Finds tags, entities, placeholders and addresses that the other side lacks."""
    if not (may_have_parts(source) or may_have_parts(target)):
        return None
    changes = changed_parts(source, target)
    return " ".join((*changes.missing, *changes.added)) or None
