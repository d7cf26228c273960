"""Filters by language: text in a third language, and swapped columns."""

from components.filters.profile import CorpusProfile, words_of
from text.identification import identifiable, other_language


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
