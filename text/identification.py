"""Identifies the language of a text.

The identifier is py3langid (BSD): a naive Bayes classifier of byte sequences for 140 languages in a
model of 4.6 MB, without a download. A text counts as in another language only if the identifier is
sure, because names and single words are of no language.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from text.languages import parse_language

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_SURE = 0.005
"""Largest probability of the expected language."""
_FEWEST_LETTERS = 15
_KIN = ("nb nn no", "bs hr sh sr", "id ms", "wuu yue zh")
"""Languages that the identifier confuses in single sentences."""
_NAMES = {"nb": "no", "sh": "sr", "fil": "tl", "iw": "he", "in": "id"}
"""The identifier's names of languages that have others in BCP 47."""


def identifiable(code: str) -> str:
    """Returns the identifier's name of a language, or "" if it does not know it."""
    base = parse_language(code).base if code else ""
    name = _NAMES.get(base, base)
    return name if name in _identifier().labels else ""


def other_language(text: str, expected: str) -> str | None:
    """Returns the language of a text if it is surely not the expected one.

    Args:
        text: a sentence. Less than 15 letters are not judged.
        expected: the identifier's name of a language.
    """
    if sum(map(str.isalpha, text)) < _FEWEST_LETTERS:
        return None
    ranks = _identifier().rank(text)
    found, probabilities = ranks[0][0], dict(ranks)
    kin = next((group.split() for group in _KIN if expected in group.split()), [expected])
    if found in kin or sum(probabilities.get(name, 0) for name in kin) >= _SURE:
        return None
    return str(found)


def likely_languages(text: str, expected: Sequence[str]) -> list[tuple[str, float]]:
    """Returns the likely languages of a text with their probabilities, the best one first.

    The identifier knows too many languages for a short text. So the expected ones share the
    probability, unless the text is surely in none of them.

    Args:
        text: any text.
        expected: codes of the languages that a text is usually in.

    Returns:
        The expected languages by their codes, or else one language by the identifier's name.
    """
    ranks = _identifier().rank(text)
    probabilities = dict(ranks)
    found = [(code, float(probabilities.get(identifiable(code), 0))) for code in expected]
    if all(probability < _SURE for _, probability in found):
        return [(str(ranks[0][0]), float(ranks[0][1]))]
    total = sum(probability for _, probability in found)
    shares = [(code, probability / total) for code, probability in found]
    return sorted(shares, key=lambda share: -share[1])


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
