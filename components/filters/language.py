"""Filters by language: text in a third language, and swapped columns.

The identifier is py3langid (BSD): a naive Bayes classifier of byte sequences for 140 languages in a
model of 4.6 MB, without a download. A text counts as wrong only if the identifier is sure, because
names and single words are of no language.
"""

from functools import cache
from typing import TYPE_CHECKING

from components.filters.profile import CorpusProfile, words_of
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


class WrongLanguage:
    """Finds sides that are surely in another language than they should be.

    Args:
        profile: the languages. A side in a language that the identifier does not know is not
            judged.
    """

    def __init__(self, profile: CorpusProfile) -> None:
        self._expected = list(map(identifiable, profile.languages))

    def __call__(self, source: str, target: str) -> str | None:
        sides = zip(("source", "target"), (source, target), self._expected, strict=True)
        for side, text, expected in sides:
            if expected and (found := other_language(text, expected)):
                return f"{side}: {found}"
        return None


class SwappedColumns:
    """Finds pairs with more common words of the other side than of the own, on both sides.

    Args:
        profile: the common words of each side.
    """

    def __init__(self, profile: CorpusProfile) -> None:
        self._ours, self._theirs = profile.common_words

    def __call__(self, source: str, target: str) -> str | None:
        foreign = self._foreign_words(source)
        native = -self._foreign_words(target) if foreign > 0 else 0
        if native <= 0:
            return None
        return f"{foreign} common words of the target, {native} of the source"

    def _foreign_words(self, text: str) -> int:
        """Returns how many more common words of the target a text has than of the source."""
        words = words_of(text)
        return sum(word in self._theirs for word in words) - sum(
            word in self._ours for word in words
        )


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


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
